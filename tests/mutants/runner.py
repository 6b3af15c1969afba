"""Running mutants side by side, and the figures that come of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from tests.mutants.copy import BROKEN, HUNG, KILLED, SURVIVED, Copy, Verdict
from tests.mutants.mutant import Mutant

Told = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    mutant: Mutant
    verdict: Verdict

    @property
    def outcome(self) -> str:
        """``killed``, ``survived``, ``broken`` (nothing was tried) or, where no test can tell, ``equivalent``."""
        if self.verdict.outcome == SURVIVED and self.mutant.equivalent:
            return "equivalent"
        return KILLED if self.verdict.outcome == HUNG else self.verdict.outcome

    @property
    def as_expected(self) -> bool:
        """Whether it was killed, or survived as an equivalent one must."""
        return self.outcome == ("equivalent" if self.mutant.equivalent else KILLED)

    def line(self) -> str:
        """Return the line that tells it."""
        why = f"  [{self.mutant.equivalent}]" if self.outcome == "equivalent" else ""
        hung = "  (hung)" if self.verdict.outcome == HUNG else ""
        return f"{self.outcome:10}  {self.mutant.file}: {self.mutant.name}{hung}{why}"


class BaselineFailed(Exception):
    """The tests fail, or cannot run, without any mutant."""


def run(mutants: Sequence[Mutant], *, workers: int, seconds: float, told: Told) -> list[Result]:
    """Run all ``mutants``, each for ``seconds`` at most; the tests first without any of them.

    Raises BaselineFailed, with what pytest said.
    """
    with ExitStack() as undo, ThreadPoolExecutor(workers) as threads:
        idle: SimpleQueue[Copy] = SimpleQueue()
        copies = [
            Copy(Path(undo.enter_context(TemporaryDirectory(prefix="jvs-mutants-")))) for _ in range(workers)
        ]
        for copy in copies:
            idle.put(copy)
        _require_passing(copies, mutants, threads, seconds)
        lock = threading.Lock()

        def one(mutant: Mutant) -> Result:
            copy = idle.get()
            try:
                with copy.with_fault(mutant):
                    result = Result(mutant, copy.run(mutant.tests, seconds))
            finally:
                idle.put(copy)
            with lock:
                told(result.line())
            return result

        return list(threads.map(one, mutants))


def _require_passing(
    copies: Sequence[Copy], mutants: Sequence[Mutant], threads: ThreadPoolExecutor, seconds: float
) -> None:
    every = {test for mutant in mutants for test in mutant.tests}
    tests = sorted(test for test in every if "::" not in test or test.partition("::")[0] not in every)
    parts = [tests[number :: len(copies)] for number in range(len(copies))]

    def passing(copy: Copy, part: Sequence[str]) -> Verdict:
        return copy.run(part, seconds * max(1, len(part)))

    pairs = [(copy, part) for copy, part in zip(copies, parts, strict=True) if part]
    for verdict in threads.map(lambda pair: passing(*pair), pairs):
        if verdict.outcome != SURVIVED:
            raise BaselineFailed(verdict.said[-4000:])


def summary(results: Sequence[Result]) -> list[str]:
    """Return the lines that end a run: the score by area, and what was not as expected."""
    areas: dict[str, Counter[str]] = {}
    for result in results:
        area = result.mutant.file.rpartition("/")[0]
        areas.setdefault(area, Counter())[result.outcome] += 1
    lines = [f"{'':38} killed  survived  equivalent  broken"]
    for area, counted in [*sorted(areas.items()), ("all", _total(areas.values()))]:
        lines.append(
            f"{area:38} {counted[KILLED]:6}  {counted[SURVIVED]:8}  {counted['equivalent']:10}  {counted[BROKEN]:6}"
        )
    total = _total(areas.values())
    tried = total[KILLED] + total[SURVIVED] + total[BROKEN]
    lines.append(f"score: {total[KILLED]} of {tried} killed ({100 * total[KILLED] / max(tried, 1):.0f} %)")
    for result in results:
        if not result.as_expected:
            lines += [result.line(), *_indented(result.verdict.said)]
    return lines


def _total(areas: Iterable[Counter[str]]) -> Counter[str]:
    return sum(areas, Counter())


def _indented(said: str) -> list[str]:
    return [f"    {line}" for line in said.strip().splitlines()[-3:]]
