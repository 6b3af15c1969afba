"""Runs as a table: a row a run, a column a field, metric or parameter."""

from __future__ import annotations

import csv
import io
import re
from typing import Any, Literal

from jvs_core.errors import InputError
from jvs_core.results.result import Result

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class RunWork(Result):
    """A notebook or a command, with the number of its runs; ``last_started_at`` is the start of the newest run."""

    work: str
    kind: Literal["notebook", "command"]
    runs: int
    last_started_at: str


class RunTable(Result):
    """Rows of equal length with ``columns``; if a run has no value for a column, it is None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def to_rows(self) -> list[dict[str, Any]]:
        """Return each row as a dictionary."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_csv(self) -> str:
        """Return the table as CSV, its head first; None is an empty cell, and what drives a terminal stands as an escape."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in (self.columns, *self.rows):
            writer.writerow([_escaped(cell) if isinstance(cell, str) else cell for cell in row])
        return text.getvalue()

    def to_dataframe(self) -> Any:
        """Return the table as a pandas DataFrame. Raises InputError where pandas is not installed."""
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise InputError("pandas is not installed", hint="pip install pandas") from error
        return pd.DataFrame([list(row) for row in self.rows], columns=list(self.columns))


def _escaped(text: str) -> str:
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
