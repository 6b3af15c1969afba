"""Remember what this process mounted, so that all of it ends with the process.

Every volume has an ``ExitStack`` in the ledger from before its first side effect. It is closed by its context
manager, and otherwise at exit or on SIGTERM and SIGHUP. A forked child inherits the ledger and must leave its
parent's mounts alone, so each entry belongs to one process id. SIGKILL alone leaves mounts behind.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

_ledger: list[tuple[int, contextlib.ExitStack]] = []


@contextlib.contextmanager
def ledger_entry() -> Iterator[contextlib.ExitStack]:
    """Yield a stack for a volume's undo steps; push each before doing what it undoes."""
    _catch_termination()
    entry = (os.getpid(), contextlib.ExitStack())
    _ledger.append(entry)
    try:
        yield entry[1]
    finally:
        if entry[0] == os.getpid():
            entry[1].close()
            if entry in _ledger:
                _ledger.remove(entry)


def close_all() -> None:
    """End every volume of this process, the newest first."""
    while _ledger:
        owner, stack = _ledger.pop()
        if owner == os.getpid():
            stack.close()


def mount_points() -> set[Path]:
    """Return what this thread sees mounted, without touching it: a dead FUSE mount answers no stat."""
    lines = Path("/proc/thread-self/mountinfo").read_bytes().splitlines()
    fields = (re.sub(rb"\\([0-7]{3})", _unescape, line.split(b" ")[4]) for line in lines)
    return {Path(os.fsdecode(field)) for field in fields}


def unmount(mount: Path, *, patience: float = 1.0) -> None:
    """Unmount, wait while it is busy, and at last detach it lazily; do nothing when it is not mounted."""
    as_root = os.geteuid() == 0
    deadline = time.monotonic() + patience
    while mount in mount_points():
        late = time.monotonic() > deadline
        command = (
            ["umount", *(["--lazy"] if late else [])] if as_root else ["fusermount3", "-uz" if late else "-u"]
        )
        done = subprocess.run([*command, str(mount)], capture_output=True, text=True, check=False)
        if done.returncode and late:
            raise OSError(f"cannot unmount {mount}: {done.stderr.strip()}")
        if done.returncode:
            time.sleep(0.1)


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 8)])


def _catch_termination() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _close_all_and_die)


def _close_all_and_die(number: int, _frame: FrameType | None) -> None:
    close_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


atexit.register(close_all)
