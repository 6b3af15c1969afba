"""Processes as intents and runs record them, and whether such a process still runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jvs_core import clock
from jvs_core.model import Process
from jvs_core.settings import Settings

# States of proc(5) in which a process has ended, though its id is still taken: its parent did not ask what became of it.
_ENDED = ("Z", "X")


def own(settings: Settings) -> dict[str, Any]:
    """Return the fields by which a record names the calling process."""
    found = _look(os.getpid())
    return {
        "host": settings.host,
        "boot_id": clock.boot_id(),
        "pid_namespace": _namespace(),
        "pid": os.getpid(),
        "process_start": None if found is None else found[1],
    }


def is_running(process: Process, settings: Settings) -> bool | None:
    """Return whether a recorded process still runs; None where that cannot be seen from here.

    It cannot from another host, nor from another container of the same host. An id that the kernel gave away again is
    told by the start time, one that nobody has asked for yet by its state.
    """
    if process.host != settings.host:
        return None
    if process.boot_id != clock.boot_id():
        return False
    if process.pid_namespace not in (None, _namespace()):
        return None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    found = _look(process.pid)
    if found is None:  # ended just now, or hidden from other users: the id is taken
        return True
    state, start = found
    return state not in _ENDED and process.process_start in (None, start)


def _look(pid: int) -> tuple[str, int] | None:
    """Return a process's state and its start in clock ticks since boot; None where they cannot be read."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    fields = status.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _namespace() -> int | None:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None
