"""Files found in history, and what a snapshot changed."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result


class FileVersion(Result):
    """One content of a file, and the snapshot that first has it; ``sha256`` is None for links and FIFOs."""

    snapshot_id: str
    size: int
    sha256: str | None


class FoundFile(Result):
    """A file that snapshots hold, with its versions, oldest first.

    ``last_snapshot_id`` is the newest snapshot that holds it, and so the one to restore it from; ``removed_in`` is the one
    that no longer did, None where the newest one still does.
    """

    path: str
    versions: list[FileVersion]
    in_worktree: bool
    last_snapshot_id: str
    removed_in: str | None


class SnapshotChange(Result):
    """A path that a snapshot changed."""

    path: str
    change: Literal["added", "modified", "removed"]


class SnapshotChanges(Result):
    """How many paths a snapshot changed since the one before, and the first of them, by name."""

    total: int
    paths: list[SnapshotChange]
