"""What became of one execution of a notebook, and whose it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from jvs_core.model.forms import Count, Holder, Name, RunId, Sha256, SnapshotId, Timestamp, Uuid
from jvs_core.model.process import Process
from jvs_core.model.record import Record

RunOutcome = Literal[
    "started",
    "ok",
    "cell_error",
    "kernel_died",
    "early_exit",
    "interrupted",
    "terminated",
    "lost",
]
Verdict = Literal["identical", "differs", "failed"]


class RunOwner(Process):
    """The process and the lease behind a run; ``lock_kept`` when the lock was the session's before the run."""

    worktree_id: Uuid
    fencing_token: Count
    lock_kept: bool
    holder_id: Holder


class Run(Record):
    """What became of one execution of a notebook; written as ``started`` before its first cell.

    Paths inside the worktree are relative to it. ``point`` is the digest that a sweep's attempts at one point share;
    ``setup`` is what repeating the run needs beside its parameters. ``verdict`` and ``paths`` are those of a
    reproduction.
    """

    run_id: RunId
    notebook: str
    input_path: str
    output_path: str | None
    worktree: Name
    parameters: dict[str, Any]
    outcome: RunOutcome
    error: str | None
    before_snapshot_id: SnapshotId
    after_snapshot_id: SnapshotId | None
    notebook_sha256: Sha256
    environment_digest: Sha256
    git_commit: str | None
    host: str
    attempt: Annotated[int, Field(ge=1)]
    started_at: Timestamp
    finished_at: Timestamp | None
    duration_s: float | None
    metrics: dict[str, Any]
    reproduces: RunId | None
    verdict: Verdict | None = None
    paths: tuple[str, ...] | None = Field(default=None, strict=False)
    point: Sha256 | None = None
    setup: dict[str, Any] = Field(default_factory=dict)
    owner: RunOwner

    def to_json(self) -> dict[str, Any]:
        """Return the run as anyone may want to see it; verdict and paths only where it is a reproduction."""
        hidden = {"owner", "point", "setup"} | ({"verdict", "paths"} if self.reproduces is None else set())
        return self.model_dump(exclude=hidden)
