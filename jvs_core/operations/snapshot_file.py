"""One file of a snapshot, open for reading and checked against the manifest; every front end reads by it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from jvs_core.errors import PathNotFound, PayloadHashMismatch
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path, require
from jvs_core.payload.check.checked_file import CheckedFile, open_held
from jvs_core.payload.check.comparison import mismatch
from jvs_core.payload.tree.entry import FILE, KIND_NAMES, Entry, printable
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders

_PIECE = 1 << 20


class SnapshotFile(io.BufferedReader):
    """A regular file of a snapshot, open for reading, of which nothing wrong is taken for the whole.

    Reading hashes it on the way: you get the last piece only if everything before matches the manifest. To read a
    part, call ``check`` first; ``seek`` does so by itself. ``size`` and ``sha256`` are the manifest's.
    Every reading method raises PayloadHashMismatch for a damaged file and EngineFailed where it cannot be read.
    """

    def __init__(self, raw: CheckedFile, entry: Entry) -> None:
        super().__init__(raw, _PIECE)
        self._held = raw
        self.size = entry.size
        self.sha256 = entry.sha256.hex()

    def check(self) -> None:
        """Make sure that the whole file is what the manifest says; it is read once while its inode stays as it is."""
        self._held.check()


def open_file(ctx: Context, snapshot_id: str, path: str) -> SnapshotFile:
    """Open a regular file of a snapshot; no symbolic link is followed, and no FIFO waited for. See ``Repository.open_file``."""
    with stored.unless_gone(ctx.layout, snapshot_id):
        found = stored.look(ctx.layout, snapshot_id)
        inner = payload_path(path)
        entry = require(found.entries, inner, snapshot_id)
        if entry.kind != FILE:
            raise PathNotFound(
                f"{printable(inner) or 'the top folder'} of snapshot {snapshot_id} is not a file but a {KIND_NAMES[entry.kind]}",
                hint=f"jvs ls {snapshot_id}",
            )
        return _opened(found, entry)


def _opened(found: stored.Stored, entry: Entry) -> SnapshotFile:
    return opened(found.payload, entry, lambda: found.damage(mismatch([entry.path])))


def opened(top: Path, entry: Entry, damaged: Callable[[], PayloadHashMismatch]) -> SnapshotFile:
    """Open the file ``entry`` below ``top``; where it is not what that says, ``damaged`` makes the error to raise."""
    try:
        folders = Folders(top)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, entry.path, reading=True) from error
        raise damaged() from error
    with folders:
        fd, _ = open_held(folders, entry, damaged)
    return SnapshotFile(CheckedFile(fd, entry, damaged), entry)
