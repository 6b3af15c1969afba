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
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core import clock
from jvs_core.errors import FencingMismatch, LockConflict
from jvs_core.faults import storage_error
from jvs_core.files import status
from jvs_core.regular import FILE_MODE, open_regular

TRUSTED_MS = 30_000
_POLL_S = 0.005
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
        _unlock(fd)
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
            "this command was held up for so long that others may have gone on meanwhile; it stopped in between",
            hint="run the command again",
        )


def _take(path: Path, wait_s: float, mode: int | None, who: str) -> int:
    deadline = time.monotonic() + wait_s
    while True:
        fd = _open(path, mode)
        try:
            _lock(fd, path, deadline, wait_s, who)
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


def _lock(fd: int, path: Path, deadline: float, wait_s: float, who: str) -> None:
    from portalocker import LockFlags, exceptions, lock  # 40 ms, and only commands that write pay for it

    pause = _POLL_S
    while True:
        try:
            lock(fd, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
            return
        except exceptions.AlreadyLocked as error:
            if time.monotonic() >= deadline:
                raise LockConflict(
                    f"{path.name}: {who} has been busy for {wait_s:g} s",
                    hint="wait for it to end, then try again",
                ) from error
        except exceptions.LockException as error:
            cause = error.__cause__
            raise storage_error(
                cause if isinstance(cause, OSError) else OSError(str(error)), f"locking {path}"
            ) from error
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def _unlock(fd: int) -> None:
    """Unlock before closing: closing alone would leave the lock with a child that was forked meanwhile."""
    from portalocker import exceptions, unlock

    with suppress(exceptions.LockException, OSError):
        unlock(fd)


def _is_at(fd: int, path: Path) -> bool:
    try:
        at = status(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), at)
