"""The exclusive lock of an open file, waited for until a deadline and no longer."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from jvs_core.errors import LockConflict
from jvs_core.faults import storage_error

_POLL_S = 0.005
_LONGEST_POLL_S = 0.1


def take(fd: int, path: Path, *, deadline: float, wait_s: float, who: str) -> None:
    """Lock the open file; ``deadline`` is on the monotonic clock, ``wait_s`` is what the message calls the wait.

    Raises LockConflict when the wait is over, StorageError when the file system has no locks.
    """
    from portalocker import LockFlags, exceptions, lock  # 40 ms, and only commands that write pay for it

    pause = _POLL_S
    while True:
        try:
            lock(fd, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
            return
        except exceptions.AlreadyLocked as error:
            if time.monotonic() >= deadline:
                raise LockConflict(
                    f"{path.name}: {who} did not end within {wait_s:g} s",
                    hint="wait for it to end, then try again",
                ) from error
        except exceptions.LockException as error:
            cause = error.__cause__
            raise storage_error(
                cause if isinstance(cause, OSError) else OSError(str(error)), f"locking {path}"
            ) from error
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_POLL_S)


def give_back(fd: int) -> None:
    """Unlock the open file; closing alone would leave the lock with a child that was forked meanwhile."""
    from portalocker import exceptions, unlock

    with suppress(exceptions.LockException, OSError):
        unlock(fd)
