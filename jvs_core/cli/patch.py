"""Differences in words for a terminal: sizes, and what changed inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from click import style

from jvs_core.cli.text import columns, safe
from jvs_core.cli.text import size as in_words
from jvs_core.differences.model import Difference
from jvs_core.differences.telling import SIGNS, Style, Told, sizes, told

_TAB = 8
_STYLES: dict[Style, dict[str, Any]] = {
    "head": {"bold": True},
    "part": {"fg": "yellow"},
    "at": {"fg": "cyan"},
    "new": {"fg": "green"},
    "gone": {"fg": "red"},
    "plain": {},
    "note": {"fg": "blue"},
}
_COLOURS = {"added": "green", "modified": "yellow", "removed": "red", "renamed": "cyan"}


def all_told(
    changes: Sequence[Difference], *, without_rows: bool = False
) -> Iterator[tuple[Difference, Told]]:
    """Yield the lines of each change, not escaped; ``without_rows`` is for who shows the rows of tables otherwise."""
    for change in changes:
        yield from ((change, line) for line in told(change, without_rows=without_rows))


def patch_lines(changes: Sequence[Difference]) -> Iterator[str]:
    """Yield what changed inside each path, for a terminal."""
    for number, (_, line) in enumerate(all_told(changes)):
        if number and line.style == "head":
            yield ""
        text = "  " * line.indent + safe(line.text.expandtabs(_TAB))
        yield style(text, **_STYLES[line.style]) if _STYLES[line.style] else text


def stat_lines(changes: Sequence[Difference]) -> list[str]:
    """Return a line a path with its sizes, and one with the sum."""
    rows = [
        (
            style(f"{SIGNS[change.change]} {_path(change)}", fg=_COLOURS[change.change]),
            sizes(change) if change.detail is None else in_words((change.new or change.old or _NOTHING).size),
            _growth(change),
        )
        for change in changes
    ]
    total = sum(_grown(change) for change in changes)
    return [*columns(rows), f"{_signed(total)} in all"] if rows else []


class _Nothing:
    size = 0


_NOTHING: Any = _Nothing()


def _path(change: Difference) -> str:
    path = f"{change.old_path} → {change.path}" if change.old_path else change.path
    return safe(path) + (" (cache)" if change.cache else "")


def _grown(change: Difference) -> int:
    return (change.new.size if change.new else 0) - (change.old.size if change.old else 0)


def _growth(change: Difference) -> str:
    grown = _grown(change)
    return _signed(grown) if grown else ""


def _signed(count: int) -> str:
    return f"{'−' if count < 0 else '+'}{in_words(abs(count))}"
