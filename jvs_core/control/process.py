"""Processes as intents and runs record them, and whether such a process still runs."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from jvs_core import clock
from jvs_core.model import Process
from jvs_core.settings import Settings

SIGN_OF_LIFE_S = 10.0
SKEW_MS = 2_000
SILENCE_MS = 33_000  # three signs of life, and how far two clocks may differ
# States of proc(5) in which a process has ended, though its id is still taken: its parent did not ask what became of it.
_ENDED = ("Z", "X")


def own(settings: Settings) -> dict[str, Any]:
    """Return the fields by which a record names the calling process."""
    return _fields(settings, os.getpid())


def session(settings: Settings) -> dict[str, Any]:
    """Return the fields of the process with which the caller's session ends: its terminal's shell, or who called.

    A process that leads a session of its own was started by somebody who calls one command after the other.
    """
    leader = os.getsid(0)
    if leader in (0, os.getpid()) or _look(leader) is None:
        leader = os.getppid()
    return _fields(settings, leader or os.getpid())


def _fields(settings: Settings, pid: int) -> dict[str, Any]:
    found = _look(pid)
    return {
        "host": settings.host,
        "machine_id": _machine_id(),
        "boot_id": clock.boot_id(),
        "pid_namespace": _namespace(),
        "pid": pid,
        "process_start": None if found is None else found[1],
    }


def is_running(
    process: Process, settings: Settings, *, seen_ms: int | None = None, silent: bool = False
) -> bool | None:
    """Return whether a recorded process still runs; None where that cannot be known from here.

    A process of this boot and this container is looked up: its start time shows that the kernel gave its id to another
    one, its state that it has ended and its parent has not noticed. Of others ``seen_ms`` decides, the time of their
    last sign of life: one before this machine was started, or older than a lease with its margins, is that of a dead
    process; one in the future says nothing. The host's name says nothing either. Nobody gives signs for one that is ``silent``: it counts as running
    unless it certainly does not.
    """
    if process.boot_id != clock.boot_id() or process.pid_namespace not in (None, _namespace()):
        return _by_sign_of_life(process, seen_ms, silent)
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


def user_of(pid: int) -> int | None:
    """Return the user whose process this is; None where it is gone or hidden."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def _by_sign_of_life(process: Process, seen_ms: int | None, silent: bool) -> bool | None:
    if seen_ms is None:
        return None
    now = clock.now_ms()
    if seen_ms > now + SKEW_MS and not silent:
        return None
    if (
        process.boot_id != clock.boot_id()
        and process.machine_id not in (None, "")
        and (process.machine_id == _machine_id() and seen_ms < now - clock.boot_ms() - SKEW_MS)
    ):
        return False
    return silent or seen_ms >= now - SILENCE_MS


@cache
def _machine_id() -> str | None:
    try:
        found = Path("/etc/machine-id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return found if re.fullmatch("[0-9a-f]{32}", found) else None


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
