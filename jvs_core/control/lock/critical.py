"""Short critical sections of a repository: one exclusive file lock for audit, refs, heads and gc.

A network file system may revoke the locks of a client that was silent for a minute, and the client may wake later. So a
section has a deadline on the clock that counts sleep: every irreversible step inside calls ``require`` first.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jvs_core import clock
from jvs_core.control.lock import file_lock
from jvs_core.errors import FencingMismatch
from jvs_core.files import status
from jvs_core.regular import FILE_MODE, open_regular

TRUSTED_MS = 30_000
_HELD = threading.local()


@contextmanager
def exclusive(
    path: Path,
    *,
    wait_s: float = 60.0,
    mode: int | None = None,
    who: str = "another command",
    lasting: bool = False,
) -> Iterator[None]:
    """Hold the exclusive lock on the file ``path`` for the block, waiting up to ``wait_s`` seconds for it.

    A process that dies gives the lock back. A ``lasting`` lock has no deadline, for files that nobody else knows yet.
    Raises LockConflict when the wait is over, StorageError when the file system has no locks, DescriptorCorrupt when
    ``path`` is no file.
    """
    fd = _take(path, wait_s, mode, who)
    held: dict[Path, float] = _HELD.__dict__.setdefault("sections", {})
    before = held.get(path)
    held[path] = float("inf") if lasting else clock.boot_ms() + TRUSTED_MS
    try:
        yield
    finally:
        if before is None:
            del held[path]
        else:
            held[path] = before
        file_lock.give_back(fd)
        os.close(fd)


def is_held(path: Path) -> bool:
    """Return whether this thread is in the critical section of ``path``."""
    return path in _HELD.__dict__.get("sections", {})


def require(path: Path) -> None:
    """Make sure that this thread is in the critical section of ``path``, and that its lock still counts.

    Raises FencingMismatch for a section that took so long that the lock may be another's by now.
    """
    deadline: float | None = _HELD.__dict__.get("sections", {}).get(path)
    if deadline is None:
        raise AssertionError(f"not in the critical section of {path}")
    if clock.boot_ms() >= deadline:
        raise FencingMismatch(
            "this command was silent for so long that others may have continued, so it stopped",
            hint="run the command again",
        )


def _take(path: Path, wait_s: float, mode: int | None, who: str) -> int:
    deadline = time.monotonic() + wait_s
    while True:
        fd = _open(path, mode)
        try:
            file_lock.take(fd, path, deadline=deadline, wait_s=wait_s, who=who)
            if _is_at(fd, path):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(
            fd
        )  # the file was removed while this waited for it: the lock is on the one that has the name now


def _open(path: Path, mode: int | None) -> int:
    fd = open_regular(path, os.O_RDWR | os.O_CREAT, FILE_MODE if mode is None else mode)
    try:
        found = os.fstat(fd)
        if mode is not None and stat.S_IMODE(found.st_mode) != mode and found.st_uid == os.geteuid():
            os.fchmod(fd, mode)  # the umask took the group's write access away
    except BaseException:
        os.close(fd)
        raise
    return fd


def _is_at(fd: int, path: Path) -> bool:
    try:
        at = status(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), at)
