"""The outcome of a command line, before anything is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Outcome:
    """The answer of one command.

    ``value`` is the result object; ``to_json`` gives the contract's JSON of it. ``lines`` is the same in words, its
    colours as ANSI codes, everything that came from outside escaped; read once. ``warnings`` must be seen, ``notices`` may be.
    ``stream``, where there is one, is the text output instead of ``lines``: raw bytes, closed by who reads them.
    """

    value: Any
    lines: Iterable[str] = ()
    warnings: Sequence[str] = ()
    notices: Sequence[str] = ()
    exit_status: int = 0
    stream: BinaryIO | None = None

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
