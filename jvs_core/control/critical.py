"""Short critical sections of a repository: one exclusive file lock for audit, refs, heads and gc.

Nothing that must hold for longer than a few file operations rests on this lock: a network file system may revoke the
locks of a client that was silent for a minute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jvs_core.errors import LockConflict

_POLL_S = 0.005


@contextmanager
def exclusive(
    path: Path, *, wait_s: float = 60.0, mode: int | None = None, who: str = "another command"
) -> Iterator[None]:
    """Hold the exclusive lock on the file ``path`` for the block, waiting up to ``wait_s`` seconds for it.

    A process that dies gives the lock back. Raises LockConflict when the wait is over.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666 if mode is None else mode)
    try:
        _lock(fd, path, wait_s, who)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, path: Path, wait_s: float, who: str) -> None:
    from portalocker import LockFlags, exceptions, lock  # 40 ms, and only commands that write pay for it

    deadline = time.monotonic() + wait_s
    pause = _POLL_S
    while True:
        try:
            lock(fd, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
            return
        except exceptions.LockException as error:
            if time.monotonic() >= deadline:
                raise LockConflict(
                    f"{path.name}: {who} has been busy for {wait_s:g} s",
                    hint="wait for it to end, then try again",
                ) from error
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
