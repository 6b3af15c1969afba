"""The locks that a kernel keeps: taken by ``%jvs lock acquire``, renewed until released, or until the kernel ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jvs_core import JvsError

if TYPE_CHECKING:
    from jvs_core import LeaseRecord, Repository

_STORAGE = 7
_GIVEN_BACK = "E_LOCK_NOT_HELD"

Key = tuple[str, str]


@dataclass
class _Kept:
    repository: Repository
    worktree: str
    interval_s: float
    stop: threading.Event = field(default_factory=threading.Event)
    lost: JvsError | None = None


class KeptLocks:
    """One renewing daemon thread for each kept lock. A kernel that is killed leaves its locks to their leases."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept] = {}

    def keep(self, repository: Repository, record: LeaseRecord) -> None:
        """Renew the lock of ``record``, which the session holds, from now on."""
        self.forget(repository, record.worktree)
        kept = _Kept(repository, record.worktree, record.renew_interval_ms / 1000)
        self._kept[_key(repository, record.worktree)] = kept
        threading.Thread(target=_renew, args=(kept,), name="jvs-kept-lock", daemon=True).start()

    def forget(self, repository: Repository, worktree: str) -> None:
        """Stop renewing a lock, which somebody has given back."""
        kept = self._kept.pop(_key(repository, worktree), None)
        if kept is not None:
            kept.stop.set()

    def check(self, repository: Repository, worktree: str) -> None:
        """Raise LockExpired or FencingMismatch, once, where a kept lock was lost.

        A laptop that slept wakes with a lease that ran out; the renewing thread may not have noticed yet.
        """
        kept = self._kept.get(_key(repository, worktree))
        if kept is None:
            return
        lost = kept.lost or _renew_once(kept)
        if lost is not None:
            self.forget(repository, worktree)
            if lost.code != _GIVEN_BACK:
                raise lost

    def release_all(self) -> None:
        """Give every kept lock back; one that cannot be reached is left to its lease."""
        for kept in self._kept.values():
            kept.stop.set()
            try:
                kept.repository.locks.release(kept.worktree)
            except JvsError:
                continue
        self._kept.clear()


def _renew(kept: _Kept) -> None:
    while not kept.stop.wait(kept.interval_s):
        kept.lost = _renew_once(kept)
        if kept.lost is not None:
            return


def _renew_once(kept: _Kept) -> JvsError | None:
    """Renew; return why the lock is lost. A mount that hangs may come back: the lease itself is the limit."""
    try:
        kept.repository.locks.renew(kept.worktree)
    except JvsError as error:
        return None if error.exit_status == _STORAGE else error
    return None


def _key(repository: Repository, worktree: str) -> Key:
    return str(repository.root), worktree
