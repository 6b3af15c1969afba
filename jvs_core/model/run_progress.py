"""How far a run has come that is under way."""

from __future__ import annotations

from typing import Annotated, Any

from jvs_core.model.forms import RunId, Timestamp
from jvs_core.model.record import Record
from jvs_core.validated import Field

_Cell = Annotated[int, Field(ge=1)]


class RunProgress(Record):
    """How far a run has come: the cell under way, from 1, of so many, None for a command; and its metrics so far.

    It is for people who look on, may be lost at any time, and is in no log.
    """

    run_id: RunId
    cell: _Cell | None = None
    cells: _Cell | None = None
    metrics: dict[str, Any]
    updated_at: Timestamp

    def to_json(self) -> dict[str, Any]:
        """Return what is shown beside the run's record."""
        return self.model_dump(exclude={"run_id"})
