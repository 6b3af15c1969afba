"""Comma- and tab-separated text as a table; its first row names the columns."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from jvs_core.differences import lines
from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.readers.table.source import Row, Source
from jvs_core.differences.version import Version
from jvs_core.wording import counted

_HEAD = 64_000
_MOST_COLUMNS = 10_000


def opened(side: Version, form: Literal["csv", "tsv"], notes: Notes) -> Source:
    """Return the table in a file. Raises Unreadable for what is none, or longer than its bound."""
    most = notes.bounds.table
    if side.side.size > most:
        side.sought(most).close()  # raises
    lines.decoded(side.head(_HEAD))
    header, delimiter = _header(side, form)
    if len(header) > _MOST_COLUMNS:
        raise Unreadable(f"it has {counted(len(header), 'column')}")

    def rows() -> Iterator[Row]:
        found = _rows(side, delimiter)
        next(found, None)
        return found

    return Source(form, unique(header), [None] * len(header), rows)


def unique(names: Sequence[str]) -> list[str]:
    """Return the names of columns with a number behind those that are not the first of their name."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _header(side: Version, form: Literal["csv", "tsv"]) -> tuple[list[str], str]:
    """Return the first row, and the delimiter: of those that are usual the one that the first line has most of."""
    first = lines.decoded(side.head(_HEAD)).split("\n", 1)[0]
    delimiter = "\t" if form == "tsv" else max(",;\t|", key=first.count)
    return list(next(_rows(side, delimiter), [])), delimiter


def _rows(side: Version, delimiter: str) -> Iterator[list[str]]:
    with (
        side.opened() as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", errors="backslashreplace", newline="") as text,
    ):
        try:
            yield from (row for row in csv.reader(text, delimiter=delimiter) if row)
        except csv.Error as error:
            raise Unreadable(f"it is not a table: {error}") from None
