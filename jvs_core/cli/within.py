"""The recorded run that this process is a part of, as a kernel or below one, and the lock that is held for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jvs_core.model import LeaseRecord
    from jvs_core.repository import Repository


def run_lock(repository: Repository, worktree: str) -> LeaseRecord | None:
    """Return the lease on a worktree that is held for a run which this process is a part of; None without one.

    Such a run needs its lock to its end: nothing in it takes it a second time or gives it back.
    """
    found = repository.locks.status(worktree)
    held, settings = found.lock, repository.settings
    if found.state != "held" or held is None or held.holder_id != settings.holder_id:
        return None
    processes = _this_and_those_above()
    for run in repository.runs.all([]):
        owner = run.owner
        if (
            run.outcome == "started"
            and (owner.worktree_id, owner.fencing_token) == (held.worktree_id, held.fencing_token)
            and owner.host == settings.host
            and owner.pid in processes
        ):
            return held
    return None


def _this_and_those_above() -> set[int]:
    try:
        import psutil
    except ModuleNotFoundError:
        return {os.getpid(), os.getppid()}
    return {os.getpid(), *(process.pid for process in psutil.Process().parents())}
