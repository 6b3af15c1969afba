"""What tells that somebody changed a repository: the end of its log, the lock, and the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jvs_core import AuditRecord
from jvs_jupyter.server.events import What
from jvs_jupyter.server.paths import Place

_READ = 50
_SAYS: dict[str, tuple[What, ...]] = {
    "snapshot": ("snapshots",),
    "annotate": ("snapshots",),
    "restore": ("snapshots", "content", "worktrees"),
    "undo": ("snapshots", "content"),
    "redo": ("snapshots", "content"),
    "worktree_create": ("worktrees",),
    "worktree_rename": ("worktrees",),
    "worktree_remove": ("worktrees",),
    "worktree_label": ("worktrees",),
    "lock_acquire": ("locks",),
    "lock_steal": ("locks",),
    "lock_release": ("locks",),
    "ref_create": ("refs",),
    "ref_delete": ("refs",),
    "gc_pin": ("pins",),
    "gc_unpin": ("pins",),
    "gc_run": ("snapshots",),
    "run_start": ("runs",),
    "run_finish": ("runs", "snapshots"),
    "run_annotate": ("runs",),
    "run_remove": ("runs",),
}
_OTHERWISE: tuple[What, ...] = ("repository", "snapshots", "timeline")


@dataclass(frozen=True)
class Marks:
    """How a worktree stood when it was last looked at: each changes with what it stands for, ``runs`` those under way."""

    log: tuple[int, ...]
    seq: int
    lock: tuple[Any, ...]
    runs: tuple[int, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether nobody held the lock."""
        return bool(self.lock[0] != "held")


def look(place: Place, before: Marks | None) -> tuple[Marks, set[What]]:
    """Return how a place stands now, and what is not as it was ``before``. Raises JvsError.

    It costs a look at one file of the log, one of the lock and the folder of runs under way; records are read only where there are new ones.
    """
    repository = place.repository
    status = repository.locks.status()
    lock = (
        (status.state, None, None)
        if status.lock is None
        else (status.state, status.lock.holder_id, status.lock.fencing_token)
    )
    log = repository.audit.mark()
    runs = repository.runs.mark()
    moved: set[What] = set()
    if before is not None:
        moved.update(("locks",) if before.lock != lock else ())
        moved.update(("runs",) if before.runs != runs else ())
        if before.log == log:
            return Marks(log, before.seq, lock, runs), moved
    records = repository.audit.log(limit=_READ)
    seq = records[0].seq if records else 0
    marks = Marks(log, seq, lock, runs)
    if before is None:
        return marks, set()
    news = [record for record in records if record.seq > before.seq]
    return marks, _said(news) | moved


def _said(records: Iterable[AuditRecord]) -> set[What]:
    found: set[What] = set()
    for record in records:
        found.update(_SAYS.get(record.operation, _OTHERWISE))
    return found
