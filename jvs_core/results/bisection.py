"""What a bisection found."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.results.result import Result
from jvs_core.validated import Field

BisectVerdict = Literal["good", "bad", "skip"]


class Tried(Result):
    """A snapshot that bisect tried, and the verdict of the command.

    ``before`` says whether an earlier call had tried it.
    """

    snapshot_id: str
    verdict: BisectVerdict
    before: bool = Field(default=False, exclude=True)


class Bisection(Result):
    """The first bad snapshot, or None if only skipped snapshots are left or the search stopped.

    ``candidates`` are the snapshots that can be the first bad one, oldest first. ``refused`` is the exit
    status of the command that stopped the search: a status of 128 or more is no verdict on a snapshot.
    """

    first_bad: str | None
    tried: list[Tried]
    candidates: list[str] = Field(exclude=True)
    refused: int | None = Field(default=None, exclude=True)

    def to_json(self) -> dict[str, Any]:
        """Return the contract's JSON."""
        return self.model_dump()
