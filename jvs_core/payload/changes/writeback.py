"""Writing back memory-mapped changes of a worktree, before any of its files is read."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from jvs_core import syncing
from jvs_core.payload.changes.writeback_time import NEVER, WritebackTime
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.mounts import Mount, mount_of
from jvs_core.payload.tree.walk import Scan

TICK_NS = 20_000_000  # longer than a tick of any kernel's clock
# These never write back, so no store through a mapping ever moves a time.
IN_MEMORY = frozenset({"tmpfs", "devtmpfs", "ramfs", "rootfs", "hugetlbfs"})


def write_back(found: Scan, unknown: Sequence[int], clock_folder: Path) -> WritebackTime:
    """Write back what was stored to the files of ``found``; return the moment before which that began.

    ``unknown`` are the positions of the files that are going to be read; with none of them nothing is written back.
    ``clock_folder`` is where the time is asked for. A file changed in the running tick of the clock is waited for.
    Devices inside the worktree that are not the clock's file system are judged by a clock that is not theirs, so
    nothing is told of them.

    Raises NoSpace or EngineFailed when what was stored cannot be written.
    """
    mount = _mount(found.root)
    devices = clock_devices(found, clock_folder)
    if mount is None or mount.kind in IN_MEMORY or not devices:
        return NEVER
    by_files = mount.kind == "fuse" or mount.kind.startswith("fuse.")
    ctimes = (found.stamps[position].ctime_ns for position in unknown)
    now_ns = _time_after(ctimes, clock_folder)
    if unknown and not by_files:
        try:
            syncing.sync_file_system(found.root)
        except OSError as error:
            raise translate(error, os.fsencode(found.root)) from error
    return WritebackTime(now_ns, devices, by_files)


def clock_devices(found: Scan, clock_folder: Path) -> frozenset[int]:
    """Return the devices in ``found`` whose clock is that of ``clock_folder``: subvolumes have one, mounts their own."""
    try:
        here = os.stat(clock_folder).st_dev
    except OSError:
        return frozenset()
    folders = {found.stamps[0].dev: found.root}
    if found.nested:
        inner = set(found.nested)
        for entry, stamp in zip(found.entries, found.stamps, strict=True):
            if entry.path in inner:
                folders.setdefault(stamp.dev, found.root / os.fsdecode(entry.path))
    if folders.keys() == {here}:
        return frozenset((here,))
    clock = _mount(clock_folder)
    mounts = {device: _mount(folder) for device, folder in folders.items()}
    return frozenset(
        device
        for device, mount in mounts.items()
        if device == here or (clock and mount and mount.device == clock.device)
    )


def _mount(folder: Path) -> Mount | None:
    try:
        return mount_of(folder)
    except OSError:
        return None


def _time_after(ctimes: Iterable[int], folder: Path) -> int:
    """Return the time now, once it is later than those of ``ctimes`` that lie in the running tick of the clock."""
    now_ns = probe_clock(folder)
    latest = max((ctime for ctime in ctimes if now_ns <= ctime < now_ns + TICK_NS), default=-1)
    until = time.monotonic_ns() + 2 * TICK_NS
    while 0 < now_ns <= latest and time.monotonic_ns() < until:
        time.sleep(0.001)
        now_ns = probe_clock(folder)
    return now_ns


def probe_clock(directory: Path) -> int:
    """Return the time, in ns, that the file system of ``directory`` gives to a change made now; 0 if it cannot tell.

    Uses a file without a name where the file system has that, else a short-lived ``.jvs-clock-…`` one. Never call it
    on a folder of a payload.
    """
    for attempt in (_nameless, _named):
        try:
            return attempt(directory)
        except OSError:
            continue
    return 0


def _nameless(directory: Path) -> int:
    fd = os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        return os.fstat(fd).st_ctime_ns
    finally:
        os.close(fd)


def _named(directory: Path) -> int:
    path = directory / f".jvs-clock-{secrets.token_hex(8)}"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        return os.fstat(fd).st_ctime_ns
    finally:
        os.close(fd)
        os.unlink(path)
