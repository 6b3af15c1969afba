"""What snapshots are and hold, and how they differ."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.model import Descriptor
from jvs_core.results.result import Result


class Unchanged(Result):
    """JVS took no snapshot, because nothing changed since the head."""

    created: Literal[False] = False
    head_snapshot_id: str | None


class CacheShare(Result):
    """How much of a snapshot is in known caches: files and bytes in caches, and of the whole snapshot."""

    files: int
    bytes: int
    all_files: int
    all_bytes: int


class SnapshotDetails(Result):
    """One snapshot in full."""

    descriptor: Descriptor
    refs: list[str]
    path: str
    expired: bool

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor's fields with ``refs`` and ``path`` beside them."""
        shown = {**self.descriptor.to_json(), "refs": self.refs, "path": self.path}
        return {**shown, "expired": True} if self.expired else shown


class HistoryItem(Result):
    """One snapshot in a history."""

    descriptor: Descriptor
    refs: list[str]
    expired: bool

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor, with ``expired`` where retention removed the payload."""
        shown = self.descriptor.to_json()
        return {**shown, "expired": True} if self.expired else shown


class TreeEntry(Result):
    """One entry of a snapshot's payload; ``mode`` is octal text, ``sha256`` is None except for regular files."""

    path: str
    type: Literal["file", "directory", "symlink", "fifo"]
    mode: str
    size: int
    mtime: str
    sha256: str | None
    target: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry; ``target`` only for symbolic links."""
        shown = self.model_dump()
        if self.target is None:
            del shown["target"]
        return shown
