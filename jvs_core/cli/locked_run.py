"""Running a command under a worktree's lock."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jvs_core.cli.call import Call
from jvs_core.cli.child import run_child
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.within import run_lock
from jvs_core.errors import InputError, JvsError

if TYPE_CHECKING:
    from jvs_core.control.lock.lease import Lease
    from jvs_core.repository import Repository


def run_locked(call: Call, command: Sequence[str], *, wait_s: float, purpose: str) -> Outcome:
    """Run ``command`` while the lock is held and renewed; the outcome's exit status is the command's.

    In a recorded run it is the run's lock, which is used and kept.

    Raises LockConflict before anything is started, and FencingMismatch, LockExpired or LockNotHeld after the command
    ended when the lock was lost meanwhile.
    """
    call.reads_input = True
    repository = call.repository()
    if shutil.which(command[0]) is None:
        raise InputError(f"cannot run {command[0]!r}: there is no such command")
    within = run_lock(repository, call.worktree or repository.worktree) is not None
    purpose = purpose or f"lock run: {command[0]}"[:200]
    with repository.hold(call.worktree, wait_s=wait_s, purpose=purpose, reuse=within) as lease:
        status = run_child(
            command,
            session=repository.settings.session,
            to_stderr=call.json,
            meanwhile=_Watch(call, repository, lease).look,
        )
        repository.locks.renew(call.worktree)  # raises unless the lock was ours to the end
    value = {"worktree": lease.record.worktree, "command": list(command), "exit_status": status}
    return Outcome(value, exit_status=status)


@dataclass
class _Watch:
    """Tells the person, once, that the lock is somebody else's, or nobody's, by now."""

    call: Call
    repository: Repository
    lease: Lease
    lost: bool = False

    def look(self) -> None:
        if self.lost or not self._is_lost():
            return
        self.lost = True
        if sys.stderr is not None:
            sys.stderr.write("jvs: warning: the lock is lost; the command continues without it\n")
            sys.stderr.flush()

    def _is_lost(self) -> bool:
        try:
            found = self.repository.locks.status(self.call.worktree)
        except JvsError:
            return False  # a mount that hangs may come back; the end of the command decides
        return not (
            found.state == "held"
            and found.lock is not None
            and found.lock.lock_id == self.lease.record.lock_id
        )
