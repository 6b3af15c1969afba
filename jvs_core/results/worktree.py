"""Worktrees, and the state of their locks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jvs_core.model import LeaseRecord
from jvs_core.results.result import Made, Result


class LockStatus(Result):
    """The state of a worktree's lock, with its record unless it is free."""

    state: Literal["free", "held", "expired"]
    lock: LeaseRecord | None

    def to_json(self) -> dict[str, Any]:
        """Return state and lock record, without the holder's secret."""
        return {"state": self.state, "lock": self.lock.to_json() if self.lock else None}


class WorktreeCreated(Made):
    """A new worktree."""

    worktree: str
    path: str
    base_snapshot_id: str | None


class WorktreeRemoved(Result):
    """That a worktree was removed; ``last_snapshot_id`` is the snapshot taken of it before, where it held changes."""

    worktree: str
    removed: Literal[True] = True
    last_snapshot_id: str | None = None


class WorktreeInfo(Result):
    """One worktree in a listing; ``worktree_id`` is never given to another one. That and ``created_at`` are not in its JSON.

    ``changes`` is the number of paths that differ from its head, where that was asked for; None where it was not looked at.
    """

    name: str
    path: str
    head_snapshot_id: str | None
    base_snapshot_id: str | None
    isolation: str
    lock_state: Literal["free", "held", "expired"]
    labels: dict[str, str] = Field(default_factory=dict)
    changes: int | None = None
    worktree_id: str = Field(exclude=True)
    created_at: str = Field(exclude=True)

    def to_json(self) -> dict[str, Any]:
        """Return the worktree; ``labels`` only where it has any, ``changes`` only where they were asked for."""
        absent = {"labels"} if not self.labels else set()
        return self.model_dump(exclude=absent if "changes" in self.model_fields_set else {*absent, "changes"})
