"""Files found in history, and what a snapshot changed."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result
from jvs_core.validated import Field


class FileVersion(Result):
    """One content of a file, and the first snapshot that has it; ``sha256`` is None for links and FIFOs."""

    snapshot_id: str
    size: int
    sha256: str | None


class FileCopy(Result):
    """A copy of a file that JVS kept at ``kept_at``, before the file was removed or overwritten."""

    copy_id: str
    size: int
    sha256: str
    kept_at: str


class FoundFile(Result):
    """A file with its versions in snapshots (oldest first) and its kept copies (newest first).

    ``last_snapshot_id`` is the newest snapshot that holds the file, so restore it from there; None if no
    snapshot holds it. ``removed_in`` is the snapshot that no longer holds the file; None if the newest
    snapshot still holds it.
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
    """How many paths a snapshot changed since its parent, and the first of these paths by name."""

    total: int
    paths: list[SnapshotChange]
