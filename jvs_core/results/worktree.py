"""Worktrees, and the state of their locks."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.model import LeaseRecord
from jvs_core.results.result import Made, Result
from jvs_core.validated import Field


class LockStatus(Result):
    """The state of a worktree's lock, and its record unless the lock is free."""

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
    """A worktree that was removed; ``last_snapshot_id`` is the snapshot that JVS took before, if it had changes."""

    worktree: str
    removed: Literal[True] = True
    last_snapshot_id: str | None = None


class WorktreeInfo(Result):
    """One worktree of a list; its JSON has neither ``worktree_id``, which is never used again, nor ``created_at``.

    ``changes`` is the number of paths that differ from its head, if the caller asked for it; None if JVS did
    not look.
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
