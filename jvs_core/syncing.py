"""Syncing: names in a folder, content of a file, many files at once, and a whole file system."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jvs_core import anchored

_LIBC = ctypes.CDLL(None, use_errno=True)
_SYNC_THREADS = 16


def sync_folder(path: Path) -> None:
    """Make the names in the folder ``path`` durable."""
    fd = anchored.open_folder(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Make the content of the regular file ``path`` durable."""
    with anchored.parent(path) as (folder, name):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file_system(path: Path) -> None:
    """Write back all that is dirty on the file system of ``path``; errors of earlier writes are raised."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _syncfs(fd)
    finally:
        os.close(fd)


def sync_together(paths: Sequence[Path]) -> None:
    """Make a few files and folders durable at once: what the file system commits together it commits once."""
    failed: list[BaseException] = []

    def sync(path: Path) -> None:
        try:
            _sync(path)
        except BaseException as error:  # noqa: BLE001 - raised below, by the caller's thread
            failed.append(error)

    threads = [threading.Thread(target=sync, args=(path,), name="jvs-sync") for path in paths[1:]]
    for thread in threads:
        thread.start()
    for path in paths[:1]:
        sync(path)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def syncfs_works(path: Path) -> bool:
    """Say whether ``syncfs`` does anything on the file system of ``path``: not on FUSE ones, nor on 9p.

    Taken from ``/proc/self/mountinfo`` by device number; a device that is not listed (a btrfs subvolume) is local.
    """
    device = os.stat(path).st_dev
    wanted = b"%d:%d" % (os.major(device), os.minor(device))
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            for line in mounts:
                fields = line.split()
                if fields[2] == wanted:
                    kind = fields[fields.index(b"-") + 1]
                    return kind not in (b"fuse", b"fuseblk", b"9p") and not kind.startswith(b"fuse.")
    except OSError:
        pass
    return True


@contextmanager
def watching(folder: Path) -> Iterator[Callable[[Sequence[Path]], None]]:
    """Yield what makes files and folders of the file system of ``folder`` durable, by one ``syncfs`` where that works.

    An error of writing back is told to descriptors that were open when it happened. So this is entered before the first
    byte is written; what was entered later may see none.
    """
    fd = anchored.open_folder(folder, os.O_RDONLY)

    def sync(paths: Sequence[Path]) -> None:
        if syncfs_works(folder):
            _syncfs(fd)
        else:
            _sync_by_threads(paths)

    try:
        yield sync
    finally:
        os.close(fd)


def _syncfs(fd: int) -> None:
    if _LIBC.syncfs(fd) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _sync_by_threads(paths: Sequence[Path]) -> None:
    if len(paths) <= 2:
        for path in paths:
            _sync(path)
        return
    from concurrent.futures import ThreadPoolExecutor  # too slow to import for every command

    with ThreadPoolExecutor(min(_SYNC_THREADS, len(paths))) as threads:
        for _ in threads.map(_sync, paths):
            pass


def _sync(path: Path) -> None:
    sync_folder(path) if path.is_dir() else sync_file(path)
