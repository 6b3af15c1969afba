"""What a mutant is: one edit of one file, and the tests that must fail with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """The text ``old``, which ``file`` holds once, becomes ``new``; one of ``tests`` must fail then.

    ``equivalent`` says why no test can fail: such a mutant is run all the same, and must survive.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    equivalent: str = ""

    def applied(self, project: Path = PROJECT) -> str:
        """Return the text of the file with the edit. Raises ValueError unless ``old`` is there exactly once."""
        text = (project / self.file).read_text()
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.name}: the old text is {found} times in {self.file}")
        return text.replace(self.old, self.new)


def of(file: str, *tests: str) -> _File:
    """Return what makes the mutants of one file; ``tests`` must notice them unless they name others."""
    return _File(file, tests)


@dataclass(frozen=True)
class _File:
    file: str
    tests: tuple[str, ...]

    def mutant(self, name: str, old: str, new: str, *tests: str, equivalent: str = "") -> Mutant:
        """Return one mutant of the file."""
        return Mutant(name, self.file, old, new, tests or self.tests, equivalent)


def selected(mutants: Iterator[Mutant], text: str) -> list[Mutant]:
    """Return the mutants with ``text`` in their name or the path of their file."""
    return [mutant for mutant in mutants if text in mutant.name or text in mutant.file]
