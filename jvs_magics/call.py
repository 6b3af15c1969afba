"""One ``%jvs`` line, run through the parser of ``jvs`` inside the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from jvs_core import Descriptor, InputError, JvsError, LeaseRecord, Progress, Repository
from jvs_core.cli.call import Call
from jvs_core.cli.group import Lazy
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.within import run_lock
from jvs_magics.folder import opened
from jvs_magics.kernel import Kernel
from jvs_magics.speech import say

COMMANDS = {
    "auto": Lazy("jvs_magics.commands:auto", "Take a snapshot after each cell that changed files."),
    "browse": Lazy("jvs_magics.commands:browse", "Browse snapshots with widgets."),
}
_IN_TERMINAL = ("mcp",)


@dataclass
class KernelCall(Call):
    """A call that comes from a kernel; ``magics`` is its state."""

    magics: Kernel | None = None


def run(magics: Kernel, args: Sequence[str], *, without_running: bool = False) -> tuple[Outcome, KernelCall]:
    """Run one command line and return its outcome; kept locks and executed cells follow what it did.

    ``without_running`` leaves the cell that runs out of the cells that a snapshot keeps. Raises JvsError.
    """
    from jvs_core.cli.main import execute

    if args and args[0] in _IN_TERMINAL:
        raise refuse(f"run jvs {args[0]} in a terminal: it uses standard input and output")
    magics.cells.counted(magics.count())
    makes_one = args[:1] == ["init"]
    call = KernelCall(
        opener=opened,
        repo=None if makes_one else magics.repo or None,
        worktree=None if makes_one else magics.worktree or None,
        lock_wait=lambda repository, worktree: wait(magics, repository, worktree),
        consistency="prefer_quiesced",
        lease_ms=lambda repository: repository.info().lease_duration_ms,
        cells=lambda: magics.cells.notebook(without_running=without_running) if magics.keep_cells else None,
        progress_factory=lambda finish: _progress(magics, finish),
        by_hand=False,
        magics=magics,
    )
    outcome = execute(args, call=call, more=COMMANDS)
    _follow(magics, call, outcome, without_running)
    return outcome, call


def wait(magics: Kernel, repository: Repository, worktree: str) -> float:
    """Return how long an operation may wait for the lock, and say for whom.

    Raises LockExpired or FencingMismatch where a kept lock was lost.
    """
    magics.locks.check(repository, worktree)
    found = repository.locks.status(worktree)
    if (
        found.state == "held"
        and found.lock is not None
        and found.lock.holder_id != repository.settings.holder_id
    ):
        say(
            f"waiting up to {magics.wait_s:g} s for {found.lock.holder_id},"
            f" who holds the lock on worktree '{worktree}' since {found.lock.acquired_at}"
        )
    return magics.wait_s


def refuse(message: str) -> JvsError:
    """Return the error for a line that cannot be carried out in a kernel."""
    return InputError(message)


def _follow(magics: Kernel, call: KernelCall, outcome: Outcome, without_running: bool) -> None:
    value: Any = outcome.value
    if call.command == "snapshot":
        if not isinstance(value, Descriptor):  # nothing changed, so nothing was taken
            return
        magics.cells.taken(without_running=without_running)
    elif call.command == "view":
        magics.views.keep(call.repository())
    elif call.command in ("lock acquire", "lock release"):
        repository = call.repository()
        if run_lock(repository, call.worktree or repository.worktree) is not None:
            return
        if isinstance(value, LeaseRecord):
            magics.locks.keep(repository, value)
        else:
            magics.locks.forget(repository, call.worktree or repository.worktree)


def _progress(magics: Kernel, finish: ExitStack) -> Progress:
    from jvs_magics.progress import progress

    return progress(magics.host, finish)
