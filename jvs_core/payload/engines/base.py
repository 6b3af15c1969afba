"""What every snapshot engine promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from jvs_core.payload.copy.captured import Capture, CaptureRequest, EngineName
from jvs_core.payload.tree.entry import Entry
from jvs_core.progress import Progress


class SnapshotEngine(Protocol):
    """A way to copy trees on one file system.

    Every method is synchronous and may be called from any thread. Targets must not exist, their parents must. On
    failure a target may be left half made: the caller chose a temporary name and removes it with ``remove``.
    Nothing made here is durable until ``settle`` returns. No method falls back to another way of working without
    saying so in ``engine`` or ``degraded`` of its answer.

    Raises
    ------
    UnsupportedFile
        A file cannot be read; named, and raised before anything is written.
    ConsistencyUnavailable
        Files kept changing and ``quiesced`` was asked for.
    NoSpace, EngineFailed
        The file system refused.
    """

    name: EngineName

    def make_worktree(self, target: Path) -> None:
        """Make an empty worktree folder, of the kind that this engine snapshots best."""

    def capture(self, request: CaptureRequest) -> Capture:
        """Copy a worktree to a new folder and hash every file of it."""

    def materialize(
        self,
        source: Path,
        entries: Sequence[Entry],
        target: Path,
        *,
        since_ns: int = 0,
        progress: Progress,
    ) -> list[str]:
        """Clone a snapshot's payload to a new, writable worktree ``target`` that shares no inode with it.

        ``entries`` is the snapshot's manifest; ``source`` is checked against it (kind, mode, size, link target, time;
        content too where any of these is not as recorded, extended attributes where anything was changed after ``since_ns``).

        Returns what could not be kept, one line each. Raises PayloadHashMismatch, naming the paths, when ``source``
        is not what the manifest says.
        """

    def adopt(self, source: Path, target: Path, *, progress: Progress) -> list[str]:
        """Clone any folder to a new, writable worktree ``target``; ``source``, perhaps on another file system, stays.

        For ``jvs init --from``. Nothing is hashed. Returns what could not be kept or not be shared, one line each.
        """

    def settle(self, tree: Path) -> None:
        """Make everything below ``tree`` durable."""

    def remove(self, tree: Path) -> None:
        """Remove ``tree`` whatever it is made of and whatever modes it has; no error when it is gone already.

        Raises EngineFailed, before anything is removed, where something is mounted at or below it.
        """
