"""The automatic history of one worktree, as one server keeps it: when it is time, one at a time, and why not just now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jvs_core import JvsError, Schedule
from jvs_jupyter.server.errors import RequestError, described
from jvs_jupyter.server.paths import Place
from jvs_jupyter.server.timeline import work
from jvs_jupyter.server.timeline.work import Plan, Taken

_AT_ONCE_S = 5.0
_LONGEST_PAUSE_S = 300.0
_THIN_AFTER = 10
_THIN_S = 1800.0
_FIRST_THIN_S = 60.0
_THIN_MORE_S = 60.0

Run = Callable[..., Awaitable[Any]]
Turn = Callable[[Place], AbstractAsyncContextManager[None]]
Log = logging.Logger | logging.LoggerAdapter[Any]


@dataclass(frozen=True)
class Desk:
    """What the histories of one server share.

    ``look`` runs a function of root and path where it holds nobody up, ``turn`` is the worktree's queue, ``tell`` says that
    something of a place is not as it was.
    """

    look: Run
    turn: Turn
    tell: Callable[[Any, Place], None]
    log: Log


class History:
    """The automatic history of one worktree. Called on the event loop only.

    Whatever fails is no more than a pause: it is tried again, more and more seldom, and what could not be kept yet is kept
    then. Nothing here raises.
    """

    def __init__(self, place: Place, plan: Plan, desk: Desk) -> None:
        self.place = place
        self._desk = desk
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._cost_s: float | None = None
        self._thin_at = time.monotonic() + _FIRST_THIN_S
        self._taken = 0
        self._error: JvsError | None = None
        self.reason: dict[str, Any] | None = None
        self.plan = plan
        self.schedule = Schedule(plan.after_save_s, plan.every_s)

    @property
    def path(self) -> str:
        """The worktree for the contents API, or the root where that lies in it."""
        return self.place.worktree_path or ""

    @property
    def is_fast(self) -> bool:
        """Whether a snapshot is known to take less than a second here."""
        return self._cost_s is not None and self._cost_s < 1.0

    @property
    def is_busy(self) -> bool:
        """Whether one is being taken."""
        return self._task is not None

    def planned(self, plan: Plan) -> None:
        """Go by another configuration from now on."""
        if plan == self.plan:
            return
        self.plan = plan
        self.schedule.after_save_s, self.schedule.every_s = plan.after_save_s, plan.every_s
        if plan.enabled:
            self.touched()
        else:
            self.reason = None
        self._tell()

    def touched(self) -> None:
        """Note that something in the worktree changed."""
        self.schedule.touched(time.monotonic())

    def freed(self) -> None:
        """Note that the lock is free: who waited for it need wait no longer."""
        if self.reason is not None and self.reason["code"] == "E_LOCK_CONFLICT":
            self._retry_at = time.monotonic()
            self.schedule.postponed(time.monotonic() - self.schedule.after_save_s)

    def next_at(self) -> str | None:
        """Return when the next snapshot is due; None where nothing changed, or nobody takes one."""
        now = time.monotonic()
        at = self.schedule.next_at(now)
        if at is None or not self.plan.enabled:
            return None
        moment = datetime.now(UTC) + timedelta(seconds=max(at, self._retry_at) - now)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def tick(self) -> None:
        """Begin what it is time for."""
        now = time.monotonic()
        if self.is_busy or not self.plan.enabled:
            return
        if self.schedule.due(now) and now >= self._retry_at:
            self._begin(self._take())
        elif now >= self._thin_at:
            self._begin(self._thin())

    async def finish(self, within_s: float) -> None:
        """Take what changed since the last one, as a server does at its end."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=within_s)
        if self.plan.enabled and self.schedule.next_at(time.monotonic()) is not None and not self.is_busy:
            self._begin(self._take())
            assert self._task is not None
            await asyncio.wait({self._task}, timeout=within_s)

    async def withdraw(self) -> None:
        """Take back what was said of this server's work here."""
        try:
            await self._desk.look(work.withdraw, self.place.root, self.path)
        except (JvsError, RequestError):
            return  # the file system is gone, or the worktree: what was said ends with the process

    def done(self, taken: Taken) -> None:
        """Note what came of a look, of this history's own or one that a person asked for."""
        now = time.monotonic()
        self.schedule.taken(now, taken.cost_s)
        self._cost_s = taken.cost_s
        self._failures, self._retry_at = 0, 0.0
        self.reason = self._error = None
        if taken.snapshot is not None:
            self._taken += 1
            if self._taken >= _THIN_AFTER:
                self._thin_at = min(self._thin_at, now)
            self._desk.tell("snapshots", self.place)
        self._tell()

    def failed(self, error: JvsError | RequestError) -> None:
        """Note that a look was in vain, and when to try again; the first time that somebody holds the lock is no pause."""
        now = time.monotonic()
        self._failures += 1
        is_conflict = error.code == "E_LOCK_CONFLICT"
        if is_conflict and self._failures == 1:
            self.schedule.postponed(now - self.schedule.after_save_s)
            self._retry_at = now + _AT_ONCE_S
            return
        pause = self.schedule.after_save_s * 2 ** min(self._failures - 1, 10)
        self.schedule.postponed(now - self.schedule.after_save_s)
        self._retry_at = now + min(pause, _LONGEST_PAUSE_S)
        known = error.to_json()
        if self.reason is None or known["code"] != self.reason["code"]:
            self._desk.log.warning(
                "the history of worktree %r is paused: %s: %s",
                self.place.worktree,
                error.code,
                error.message,
            )
        self.reason = known
        self._error = error if isinstance(error, JvsError) else None
        self._tell()

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name="jvs-history")
        self._task = task
        task.add_done_callback(lambda _: self._ended())

    def _ended(self) -> None:
        self._task = None

    async def _take(self) -> None:
        try:
            async with self._desk.turn(self.place):
                self.done(await self._desk.look(work.take, self.place.root, self.path))
        except (JvsError, RequestError) as error:
            self.failed(error)
        except Exception as error:
            self._desk.log.exception("no automatic snapshot")
            self.failed(described(500, f"unexpected {type(error).__name__}"))
        await self._announce()

    async def _thin(self) -> None:
        more = False
        try:
            async with self._desk.turn(self.place):
                more = await self._desk.look(work.thin, self.place.root, self.path)
            self._desk.tell("snapshots", self.place)
        except (JvsError, RequestError) as error:
            self._desk.log.info("nothing was thinned out: %s: %s", error.code, error.message)
        except Exception:
            self._desk.log.exception("nothing was thinned out")
        self._taken = 0
        self._thin_at = time.monotonic() + (_THIN_MORE_S if more else _THIN_S)

    async def _announce(self) -> None:
        at = self.schedule.next_at(time.monotonic())
        next_in_s = None if at is None else max(at, self._retry_at) - time.monotonic()
        try:
            await self._desk.look(work.announce, self.place.root, self.path, next_in_s, self._error)
        except Exception as error:  # noqa: BLE001 - it is for others to see; the history itself goes on
            self._desk.log.debug("not announced: %s", error)

    def _tell(self) -> None:
        self._desk.tell("timeline", self.place)
