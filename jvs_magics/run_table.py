"""``%jvs run list``: recorded runs as a table, and as a DataFrame."""

from __future__ import annotations

from typing import Any

from jvs_core import Run, RunTable
from jvs_magics import html
from jvs_magics.answers import Answers

_MAIN = ("run_id", "name", "outcome", "started_at", "duration_s", "subject")


class Runs(Answers):
    """Runs, or with ``--columns`` their rows, or with ``--csv`` the table of them."""

    def __len__(self) -> int:
        return len(self.to_rows())

    def __getitem__(self, position: Any) -> Any:
        return (self.to_rows() if isinstance(self._value, RunTable) else self._value)[position]

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dictionary a run: its main fields, parameters and metrics, or the columns that were asked for.

        A parameter that a metric or field has the name of stands as ``parameters.NAME``, a metric that a field has the name
        of as ``metrics.NAME``.
        """
        if isinstance(self._value, RunTable):
            return self._value.to_rows()
        return [_row(run) if isinstance(run, Run) else dict(run) for run in self._value]

    def _html(self) -> str:
        rows = self.to_rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        cells = ([html.text(_shown(row.get(name))) for name in names] for row in rows[: html.FIRST_PAGE])
        return html.table(names, cells, of=len(rows), more="answer.to_dataframe()")


def _row(run: Run) -> dict[str, Any]:
    row = {name: getattr(run, name) for name in _MAIN}
    for name, value in run.parameters.items():
        row[f"parameters.{name}" if name in row or name in run.metrics else name] = value
    for name, value in run.metrics.items():
        row[f"metrics.{name}" if name in row else name] = value
    return row


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
