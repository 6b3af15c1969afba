"""What changed inside, as static HTML: escaped, bounded, without script, pictures or anything that a file brings along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from jvs_core import Difference
from jvs_core.cli.patch import all_told
from jvs_magics import html

_MOST_LINES = 1_000
_MOST_ROWS = 50
_STYLES = {"new": "new", "gone": "gone", "at": "dim", "note": "dim", "part": "differs"}


def patch(changes: Sequence[Difference]) -> str:
    """Return the changes, no more than 1,000 lines of them; rows of tables as tables."""
    shown: list[str] = []
    lines = all_told(changes, without_rows=True)
    for change, line in islice(lines, _MOST_LINES):
        text = html.text(line.text.expandtabs(8))
        if line.style == "head":
            shown.append(f"<div><b>{text}</b></div>{_table(change)}")
            continue
        style = f' class="{_STYLES[line.style]}"' if line.style in _STYLES else ""
        shown.append(f'<div{style} style="padding-left:{2 * line.indent}ch"><code>{text}</code></div>')
    if next(lines, None) is not None:
        shown.append(
            html.line(
                f"the first {_MOST_LINES:,} lines are shown; all:", html.code("print(answer)"), style="dim"
            )
        )
    return "".join(shown)


def _table(change: Difference) -> str:
    detail: Any = change.detail
    if detail is None or detail.kind != "table" or not detail.rows:
        return ""
    rows = [row for shown in detail.rows[:_MOST_ROWS] for row in _rows(shown)]
    head = ("", "row", *(column.name for column in detail.columns))
    total = detail.rows_added + detail.rows_removed + detail.rows_changed
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    heading = "".join(f"<th>{html.text(name)}</th>" for name in head)
    rest = html.rest(min(len(detail.rows), _MOST_ROWS), total, "print(answer)")
    return f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _rows(row: Any) -> Iterator[Sequence[str]]:
    """Yield the old row and the new one, with what differs marked."""
    sides = (("gone", "-", row.old_row, row.old), ("new", "+", row.new_row, row.new))
    for style, sign, number, values in sides:
        if values is None:
            continue
        whole = row.change != "changed"
        cells = (
            html.span(style, _value(value)) if whole or at in row.differing else html.text(_value(value))
            for at, value in enumerate(values)
        )
        yield (html.span(style, sign), html.text(number), *cells)


def _value(value: str | None) -> str:
    return "·" if value is None else value
