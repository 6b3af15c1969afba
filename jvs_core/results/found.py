"""Files found in history, and what a snapshot changed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jvs_core.results.result import Result


class FileVersion(Result):
    """One content of a file, and the snapshot that first has it; ``sha256`` is None for links and FIFOs."""

    snapshot_id: str
    size: int
    sha256: str | None


class FileCopy(Result):
    """A copy of a file that was kept at ``kept_at``, before the file was removed or overwritten."""

    copy_id: str
    size: int
    sha256: str
    kept_at: str


class FoundFile(Result):
    """A file that snapshots hold, with its versions, oldest first, or of which copies were kept, newest first.

    ``last_snapshot_id`` is the newest snapshot that holds it, and so the one to restore it from, None where none does;
    ``removed_in`` is the one that no longer did, None where the newest one still does.
    """

    path: str
    versions: list[FileVersion]
    in_worktree: bool
    last_snapshot_id: str | None
    removed_in: str | None
    copies: list[FileCopy] = Field(default_factory=list)


class SnapshotChange(Result):
    """A path that a snapshot changed."""

    path: str
    change: Literal["added", "modified", "removed"]


class SnapshotChanges(Result):
    """How many paths a snapshot changed since the one before, and the first of them, by name."""

    total: int
    paths: list[SnapshotChange]
