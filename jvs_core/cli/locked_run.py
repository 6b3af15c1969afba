"""Running a command under a worktree's lock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.errors import InputError, JvsError

if TYPE_CHECKING:
    from jvs_core.control.lock import Lease
    from jvs_core.repository import Repository

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_LOOK_EVERY_S = 1.0


def run_locked(call: Call, command: Sequence[str], *, wait_s: float, purpose: str) -> Outcome:
    """Run ``command`` while the lock is held and renewed; the outcome's exit status is the command's.

    Raises LockConflict before anything is started, and FencingMismatch, LockExpired or LockNotHeld after the command
    ended when the lock was lost meanwhile.
    """
    repository = call.repository()
    if shutil.which(command[0]) is None:
        raise InputError(f"cannot run {command[0]!r}: there is no such command")
    with repository.hold(
        call.worktree, wait_s=wait_s, purpose=purpose or f"lock run: {command[0]}"[:200]
    ) as lease:
        status = _run(call, repository, lease, command)
        repository.locks.renew(call.worktree)  # raises unless the lock was ours to the end
    value = {"worktree": lease.record.worktree, "command": list(command), "exit_status": status}
    return Outcome(value, exit_status=status)


def _run(call: Call, repository: Repository, lease: Lease, command: Sequence[str]) -> int:
    environment = {**os.environ, "JVS_SESSION": repository.settings.session}
    output = sys.stderr if call.json else None
    try:
        child = subprocess.Popen(command, env=environment, stdout=output)
    except OSError as error:
        raise InputError(f"cannot run {command[0]!r}: {os.strerror(error.errno or 0)}") from error
    with _forwarding(child):
        lost = False
        while True:
            try:
                status = child.wait(timeout=_LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                lost = lost or _say_if_lost(call, repository, lease)
    return 128 - status if status < 0 else status


def _say_if_lost(call: Call, repository: Repository, lease: Lease) -> bool:
    """Return whether the lock is somebody else's, or nobody's, by now; tell the person when it is."""
    try:
        found = repository.locks.status(call.worktree)
    except JvsError:
        return False  # a mount that hangs may come back; the end of the command decides
    if found.state == "held" and found.lock is not None and found.lock.lock_id == lease.record.lock_id:
        return False
    if sys.stderr is not None:
        print("jvs: warning: the lock was lost; the command goes on without it", file=sys.stderr, flush=True)  # noqa: T201
    return True


@contextmanager
def _forwarding(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Hand the signals that would stop this process to the child, and let it decide."""

    def forward(number: int, _frame: FrameType | None) -> None:
        # a terminal sends Ctrl-C to the whole foreground group: the child has it already
        if number in (signal.SIGINT, signal.SIGQUIT) and _in_foreground():
            return
        child.send_signal(number)

    heeded = [number for number in _FORWARDED if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    previous = {number: signal.signal(number, forward) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
