"""The outcome of a command line, before anything is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from jvs_core.cli.text import shown


@dataclass(frozen=True)
class Outcome:
    """The answer of one command.

    ``value`` is the result object; ``to_json`` gives the contract's JSON of it. ``lines`` is the same in words, its
    colours as ANSI codes; read once, through ``shown``. ``warnings`` must be seen, ``notices`` may be;
    ``advice``, what to do next, is for people only.
    ``stream``, where there is one, is the text output instead of ``lines``: raw bytes, closed by who reads them. ``exact``
    is one for who reads it in a program: where stdout is no terminal it is printed to the letter. ``paged`` lines go through
    the user's pager on a terminal.
    """

    value: Any
    lines: Iterable[str] = ()
    warnings: Sequence[str] = ()
    notices: Sequence[str] = ()
    advice: Sequence[str] = ()
    exit_status: int = 0
    stream: BinaryIO | None = None
    exact: str | None = None
    paged: bool = False

    def shown(self) -> Iterator[str]:
        """Yield the lines as people may see them."""
        return map(shown, self.lines)

    def to_json(self) -> Any:
        """Return ``value`` as plain JSON values."""
        return _plain(self.value)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
