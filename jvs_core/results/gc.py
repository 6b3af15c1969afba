"""What gc would remove and keep, and what it removed."""

from __future__ import annotations

from typing import Any

from jvs_core.results.result import Result
from jvs_core.validated import Field


class GcCandidate(Result):
    """A snapshot that gc would remove, and the bytes that this frees after those listed before it."""

    snapshot_id: str
    bytes: int


class GcKept(Result):
    """A snapshot that gc keeps, and why."""

    snapshot_id: str
    reasons: list[str]


class GcCopy(Result):
    """A kept copy of a file that gc removes with the snapshots of a plan, and its bytes."""

    copy_id: str
    path: str
    bytes: int


class GcPlan(Result):
    """What a gc run would remove and keep, newest first; neither list has snapshots that are already expired.

    ``protected_by_…`` are numbers of snapshots. ``notes`` say what the estimate does not include.
    """

    plan_id: str
    candidate_count: int
    candidates: list[GcCandidate]
    protected_by_pin: int
    protected_by_lineage: int
    protected_by_ref: int
    kept: list[GcKept]
    deletable_bytes_estimate: int
    notes: list[str]
    copies: list[GcCopy] = Field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the plan; ``copies`` only where it has any."""
        return self.model_dump(exclude=None if self.copies else {"copies"})


class GcFailure(Result):
    """A candidate that was not removed, and why: ``CODE: message``."""

    snapshot_id: str
    error: str


class GcRun(Result):
    """What a gc run removed; ``notes`` say where ``reclaimed_bytes`` is an estimate, and what still uses space."""

    plan_id: str
    deleted: list[str]
    failed: list[GcFailure]
    reclaimed_bytes: int
    notes: list[str]
    copies: list[str] = Field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what was done; ``copies``, the ids of kept copies that were removed, only where there are any."""
        return self.model_dump(exclude=None if self.copies else {"copies"})
