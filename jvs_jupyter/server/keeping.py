"""Locks that the server keeps for its session: renewed until they are given back, or nobody works there any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jvs_core import JvsError, LeaseRecord
from jvs_jupyter.server.paths import Place

_LEASE_MS = 60_000
_WAIT_STEP_S = 0.2

T = TypeVar("T")
Call = Callable[..., Awaitable[Any]]


@dataclass(eq=False)
class _Kept:
    place: Place
    record: LeaseRecord
    used_at: float
    for_good: bool = False
    task: asyncio.Task[None] | None = None


class Keeper:
    """The kept locks of one server, by repository and worktree. Called on the event loop only.

    ``call`` runs a function in a reading thread; ``changed`` is told when a lock is gone without anybody having asked.
    A server that dies leaves leases that run out within a minute.
    """

    def __init__(self, *, idle_s: float, call: Call, changed: Callable[[Place], None]) -> None:
        self._idle_s = idle_s
        self._call = call
        self._changed = changed
        self._kept: dict[tuple[Path, str], _Kept] = {}

    def has(self, place: Place, worktree: str) -> bool:
        """Return whether the server keeps the lock of a worktree."""
        return (place.repository.root, worktree) in self._kept

    def touch(self, place: Place) -> None:
        """Note that somebody works on the place's worktree."""
        kept = self._kept.get((place.repository.root, place.worktree))
        if kept is not None:
            kept.used_at = time.monotonic()

    async def keep(
        self, place: Place, *, purpose: str, wait_s: float, for_good: bool = False
    ) -> tuple[LeaseRecord, bool]:
        """Take the lock of the place's worktree, or go on with the session's; return it and whether it is new.

        ``for_good`` keeps it however long nobody works there.

        Raises LockConflict with the holder's name, after ``wait_s`` seconds.
        """
        record, new = await self._take(place, purpose, wait_s)
        name = (place.repository.root, place.worktree)
        if name in self._kept:
            self._kept[name].record = record
            self._kept[name].for_good |= for_good
            self.touch(place)
        else:
            kept = self._kept[name] = _Kept(place, record, time.monotonic(), for_good)
            kept.task = asyncio.get_running_loop().create_task(self._renew(name, kept), name="jvs-lock")
        return record, new

    async def release(self, place: Place) -> None:
        """Give the session's lock on the place's worktree back. Raises LockNotHeld, LockExpired, FencingMismatch."""
        self._drop((place.repository.root, place.worktree))
        await self._call(place.repository.locks.release)

    async def close(self) -> None:
        """Give every kept lock back."""
        for name, kept in list(self._kept.items()):
            self._drop(name)
            await self._give_back(kept)

    async def _take(self, place: Place, purpose: str, wait_s: float) -> tuple[LeaseRecord, bool]:
        locks = place.repository.locks
        deadline = time.monotonic() + wait_s
        while True:
            try:
                return await self._call(locks.acquire, lease_ms=_LEASE_MS, purpose=purpose), True
            except JvsError as error:
                if error.code != "E_LOCK_CONFLICT":
                    raise
                own = await self._own(place)
                if own is not None:
                    return own, False
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_WAIT_STEP_S)

    async def _own(self, place: Place) -> LeaseRecord | None:
        try:
            renewed: LeaseRecord = await self._call(place.repository.locks.renew)
        except JvsError:
            return None
        return renewed

    async def _renew(self, name: tuple[Path, str], kept: _Kept) -> None:
        while True:
            await asyncio.sleep(min(kept.record.renew_interval_ms / 1000, self._idle_s / 4))
            if not kept.for_good and time.monotonic() - kept.used_at >= self._idle_s:
                await self._give_back(kept)
                break
            try:
                kept.record = await self._call(kept.place.repository.locks.renew)
            except JvsError as error:
                if error.exit_status == 7:  # a mount that hangs may come back; the lease itself is the limit
                    continue
                break
        if self._kept.get(name) is kept:
            del self._kept[name]
        self._changed(kept.place)

    async def _give_back(self, kept: _Kept) -> None:
        try:
            await self._call(kept.place.repository.locks.release)
        except JvsError:
            return  # lost or given back meanwhile: there is nothing left to give

    def _drop(self, name: tuple[Path, str]) -> None:
        kept = self._kept.pop(name, None)
        if kept is not None and kept.task is not None:
            kept.task.cancel()
