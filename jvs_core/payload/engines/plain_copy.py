"""The engine ``copy``: works everywhere, copies every byte once and shares unchanged files between snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jvs_core import files
from jvs_core.faults import translated
from jvs_core.payload.copy.capture import capture_tree
from jvs_core.payload.copy.captured import Capture, CaptureRequest, EngineName
from jvs_core.payload.copy.durable import sync_tree
from jvs_core.payload.copy.materialize import adopt_tree, materialize_tree
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.removal import remove_tree, require_unmounted
from jvs_core.progress import Progress
from jvs_core.syncing import syncfs_works


class FileEngine:
    """A ``SnapshotEngine`` that works file by file with one ``method``."""

    def __init__(self, name: EngineName, method: Method) -> None:
        self.name: EngineName = name
        self.method: Method = method

    @translated
    def make_worktree(self, target: Path) -> None:
        """Make an empty worktree folder."""
        files.make_folder(target, durable=False)

    def capture(self, request: CaptureRequest) -> Capture:
        """Copy the worktree; unchanged files become further names of the previous snapshot's."""
        return capture_tree(request, engine=self.name, method=self.method)

    def materialize(
        self,
        source: Path,
        entries: Sequence[Entry],
        target: Path,
        *,
        since_ns: int = 0,
        progress: Progress,
    ) -> list[str]:
        """Clone a snapshot's payload to the new, writable ``target``; attributes are those of the manifest in any case."""
        return materialize_tree(source, entries, target, method=self.method, progress=progress)

    def adopt(self, source: Path, target: Path, *, progress: Progress) -> list[str]:
        """Clone any folder to the new, writable ``target``."""
        return adopt_tree(source, target, method=self.method, progress=progress)

    def settle(self, tree: Path) -> None:
        """Make ``tree`` durable: one ``syncfs``, or on FUSE file systems an ``fsync`` a file."""
        sync_tree(tree, whole_file_system=syncfs_works(tree))

    def remove(self, tree: Path) -> None:
        """Remove ``tree``, in which nothing is mounted."""
        require_unmounted(tree)
        remove_tree(tree)


ENGINE = FileEngine("copy", "copy")
