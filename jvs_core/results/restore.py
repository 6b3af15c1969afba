"""What was put back, and where."""

from __future__ import annotations

from jvs_core.results.result import Made


class Restored(Made):
    """A snapshot that was restored to a new worktree."""

    snapshot_id: str
    worktree: str
    path: str


class Extracted(Made):
    """A file or folder that was copied out of a snapshot."""

    snapshot_id: str
    path: str


class RestoredInPlace(Made):
    """A worktree that is now equal to a snapshot, and the snapshot of the worktree as it was before."""

    snapshot_id: str
    worktree: str
    path: str
    pre_restore_snapshot_id: str | None
    added: list[str]
    modified: list[str]
    removed: list[str]
