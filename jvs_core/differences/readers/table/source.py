"""A table that can be read twice, row by row: once for all rows, once more for those that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Row = Sequence[str | None]


class TooManyRows(Exception):
    """There are more rows, or values, than are compared."""


@dataclass(frozen=True)
class Source:
    """One table: its columns, their types where the file says them, and ``rows``, which yields all rows each time.

    ``count`` is how many there are, where the file says so.
    """

    format: Literal["csv", "tsv", "parquet"]
    columns: Sequence[str]
    types: Sequence[str | None]
    rows: Callable[[], Iterator[Row]]
    count: int | None = None
