"""A read-only copy of a snapshot's payload, or of a part of it, that shares no inode with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from stat import S_IMODE, S_ISLNK

from jvs_core.payload.check.comparison import Depth
from jvs_core.payload.check.status import check_some
from jvs_core.payload.copy.single import extract_part
from jvs_core.payload.engines import subvolume
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.engines.btrfs_snapshot import may_snapshot
from jvs_core.payload.engines.juicefs_clone import JuicefsClone
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import making
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.work.threads import each
from jvs_core.progress import Progress

_WRITE = 0o222


def make(
    engine: SnapshotEngine,
    source: Path,
    entries: Sequence[Entry],
    part: Sequence[Entry],
    target: Path,
    *,
    since_ns: int,
    progress: Progress,
) -> list[str]:
    """Make ``target`` from ``part`` of the payload ``source``, whose manifest has ``entries``; return what got lost.

    On btrfs it is a read-only snapshot of all of it, which also root cannot write to; elsewhere a clone, or a copy where the
    file system shares nothing, of which nobody has the right to write. Every entry of the part is looked at, and what is
    read of its content is what the file system has to copy and what drifted in mode, owner or time. Nothing is durable.
    Raises PayloadHashMismatch, NoSpace, EngineFailed; ``target`` may then be left half made.
    """
    if engine.name == "btrfs-snapshot" and subvolume.is_subvolume(source) and may_snapshot(source):
        check_some(source, part, Depth.SUSPECT).require_content()
        progress.started("clone")
        with making(target):
            subvolume.snapshot(source, target, read_only=True)
        progress.finished("clone")
        return []
    if len(part) < len(entries):
        lines = extract_part(source, part, target, progress, every_byte=False)
    elif isinstance(engine, JuicefsClone):
        lines = engine.materialize(
            source, entries, target, since_ns=since_ns, progress=progress, writable=False
        )
    else:
        lines = engine.materialize(source, entries, target, since_ns=since_ns, progress=progress)
    with making(target):
        _close(target, part)
        if subvolume.is_subvolume(target):
            subvolume.set_read_only(target, True)
    return lines


def _close(tree: Path, entries: Sequence[Entry]) -> None:
    """Take from everybody the right to write, of files and then of folders, the deepest first."""

    def close(folders: Folders, entry: Entry) -> None:
        folder, name = split(entry.path)
        parent = folders.at(folder)
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if mode & _WRITE and not S_ISLNK(mode):
            os.chmod(name, S_IMODE(mode) & ~_WRITE, dir_fd=parent)

    @contextmanager
    def opened() -> Iterator[Callable[[Entry], None]]:
        with Folders(tree) as folders:
            yield partial(close, folders)

    threads = juicefs.THREADS if juicefs.mount_at(tree) else 1
    each([entry for entry in entries if entry.kind not in (FOLDER, SYMLINK)], opened, threads)
    with Folders(tree) as folders:
        for entry in reversed(entries):
            if entry.kind == FOLDER:
                fd = folders.at(entry.path)
                os.fchmod(fd, S_IMODE(os.fstat(fd).st_mode) & ~_WRITE)
