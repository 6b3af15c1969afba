"""Tables, by columns and rows."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences.model.part import Part
from jvs_core.validated import Field


class ColumnChange(Part):
    """One column of either table, in the order of ``columns``; ``type`` is the file's own word, None where it has none."""

    name: str
    change: Literal["same", "added", "removed", "type"]
    old_type: str | None = None
    new_type: str | None = None


class RowChange(Part):
    """One row that differs; the indices count data rows. ``old`` and ``new`` hold a text, cut, for each of ``columns``.

    A cell is None where the row lacks it or it is null; ``differing`` are the columns (indices into ``columns``) that changed.
    """

    change: Literal["added", "removed", "changed"]
    old_row: int | None
    new_row: int | None
    old: list[str | None] | None
    new: list[str | None] | None
    differing: list[int] = Field(default_factory=list)


class TableDetail(Part):
    """How a table changed.

    ``old_shape`` and ``new_shape`` are rows and columns, None where there is no such table or it was not counted. ``rows`` holds the
    first 1,000 rows that differ; the counts go on. ``exact`` is False where they are estimates or lower bounds: see ``stopped``.
    ``reordered``: the rows are the same, in another order. Further columns than 200 are left out of ``columns`` and rows.
    """

    kind: Literal["table"] = "table"
    format: Literal["csv", "tsv", "parquet"]
    old_shape: tuple[int, int] | None
    new_shape: tuple[int, int] | None
    columns: list[ColumnChange]
    rows: list[RowChange]
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    exact: bool = True
    reordered: bool = False
