"""Snapshots after cells that changed files."""

from __future__ import annotations

import time
from functools import partial

from jvs_core import JvsError, LockConflict
from jvs_magics.kernel import Kernel
from jvs_magics.speech import say, usage_error


class Auto:
    """Whether and how often snapshots are taken after cells; a failure is said once and never breaks a cell."""

    def __init__(self, magics: Kernel) -> None:
        self._magics = magics
        self._last = float("-inf")
        self._said = ""
        self.enabled = False
        self.every_s = 0.0
        self.last_snapshot_id: str | None = None

    def turn_on(self, every_s: float) -> None:
        """Take snapshots from the end of this cell on, at most one in ``every_s`` seconds."""
        self.enabled, self.every_s, self._last, self._said = True, every_s, float("-inf"), ""

    def turn_off(self) -> None:
        """Take no more."""
        self.enabled = False

    def after_cell(self, execution_count: int) -> None:
        """Take a snapshot when files changed and it is time; say nothing when nothing changed."""
        if not self.enabled or time.monotonic() - self._last < self.every_s:
            return
        try:
            self._take(execution_count)
        except JvsError as error:
            problem = f"JVS took no snapshot after this cell: {usage_error(error)}"
            if problem != self._said:
                say(problem)
            self._said = problem

    def _take(self, execution_count: int) -> None:
        from jvs_magics.call import wait
        from jvs_magics.folder import opened

        magics = self._magics
        repository = opened(magics.repo or ".")
        worktree = magics.worktree or repository.worktree
        magics.locks.check(repository, worktree)
        take = partial(
            repository.snapshot_if_changed,
            f"after cell {execution_count}",
            worktree=worktree,
            tags=("auto", f"cell-{execution_count}"),
            consistency="prefer_quiesced",
            kind="auto",
            cells=magics.cells.notebook() if magics.keep_cells else None,
            lock=True,
        )
        try:
            made = take()
        except LockConflict:  # files changed: only then somebody else is waited for
            made = take(wait_s=wait(magics, repository, worktree))
        self._said = ""
        if made is None:
            return
        magics.cells.taken()
        self._last = time.monotonic()
        self.last_snapshot_id = made.snapshot_id
        label = "" if made.consistency_level == "quiesced" else f", {made.consistency_level}"
        say(f"snapshot {made.snapshot_id} after cell {execution_count}{label}")
