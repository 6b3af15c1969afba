"""The automatic histories of one server: which worktrees have one, and the clock that drives them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jvs_core import JvsError
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.paths import Place
from jvs_jupyter.server.timeline import marks, work
from jvs_jupyter.server.timeline.history import Desk, History
from jvs_jupyter.server.timeline.marks import Marks
from jvs_jupyter.server.timeline.watching import Watch
from jvs_jupyter.server.timeline.work import Cause, Plan

_TICK_S = 1.0
_ASKED_S = 3600.0
_AWAKE_S = 600.0
_MOST = 50
_PLAN_S = 30.0
_WHOLE_S = 2.0
_BEFORE_S = {"delete": 60.0, "rename": 60.0, "overwrite": 10.0}
_STOP_S = 15.0
_SHARE = 0.04
_LONGEST_S = 30.0
_SURE_S = 600.0
_BLIND_S = 60.0
_KEEPS_NONE = {
    "code": "E_FORBIDDEN",
    "message": "this server keeps no automatic history",
    "hint": "JvsServer.timeline = True in its configuration",
}


@dataclass(eq=False)
class _Open:
    """A worktree that this server works in: its history, what was seen last, and who looks on."""

    history: History
    asked_at: float
    marks: Marks | None = None
    planned_at: float = 0.0
    watch: Watch | None = None
    changed: bool = False
    told_at: float = 0.0
    look_s: float = 0.0
    unsaved: int | None = None
    sure_at: float = 0.0

    @property
    def gap_s(self) -> float:
        """How long at least lies between two news of a worktree that keeps changing: who hears them looks it over."""
        return min(max(self.look_s / _SHARE, _TICK_S), _LONGEST_S)


def shown(
    histories: Histories, history: History, head: dict[str, Any] | None, changed: int
) -> dict[str, Any]:
    """Return how a history stands, as the REST interface shows it, where so many paths changed since ``head``."""
    on = history.plan.enabled
    state = "off" if not on else "paused" if history.reason else "changed" if changed else "saved"
    return {
        "state": state,
        "last_at": None if head is None else head["created_at"],
        "changed": changed,
        "next_at": history.next_at() if state == "changed" else None,
        "reason": history.reason if on else None if histories.enabled else dict(_KEEPS_NONE),
        "slowed": on and history.schedule.is_slow,
    }


class Histories:
    """The histories of one server's worktrees. Called on the event loop only.

    A worktree gets one when somebody asks for it or saves in it, and when the server's root lies in it. ``awake`` says when
    the server last did anything for anybody: while it does nothing, or nobody asked for a worktree within the hour, that is
    not looked at.
    """

    def __init__(
        self,
        desk: Desk,
        place_of: Callable[[str], Awaitable[Place]],
        call: Callable[..., Awaitable[Any]],
        awake: Callable[[], datetime],
        *,
        enabled: bool,
    ) -> None:
        self._desk = desk
        self._place_of = place_of
        self._call = call
        self._awake = awake
        self._open: dict[tuple[Path, str], _Open] = {}
        self._task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Future[None]] = set()
        self.enabled = enabled

    async def start(self) -> None:
        """Begin, with the worktree that the root lies in: what changed while no server ran is kept soon."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="jvs-histories")
        with suppress(JvsError, RequestError):
            history = await self.of(await self._place_of(""))
            history.touched()

    async def of(self, place: Place) -> History:
        """Return the history of a place, on which somebody looks from now on. Raises JvsError."""
        key = place.repository.root, place.worktree
        known = self._open.get(key)
        if known is None:
            plan = await self._plan(place)
            known = self._open.setdefault(key, _Open(History(place, plan, self._desk), time.monotonic()))
            known.planned_at = time.monotonic()
            self._close_the_oldest()
        known.asked_at = time.monotonic()
        return known.history

    def seen(self, place: Place) -> History | None:
        """Return the history of a place, if there is one."""
        known = self._open.get((place.repository.root, place.worktree))
        return None if known is None else known.history

    def looked(self, place: Place, look_s: float, unsaved: int) -> None:
        """Note how long it took to look a worktree over, and how many paths were found changed."""
        known = self._open.get((place.repository.root, place.worktree))
        if known is not None:
            known.look_s, known.unsaved = look_s, unsaved

    def unsaved(self, place: Place, worktree: str) -> int | None:
        """Return how many paths of a worktree were changed when it was looked over; None where something moved since."""
        known = self._open.get((place.repository.root, worktree))
        return None if known is None else known.unsaved

    async def touched(self, path: str) -> None:
        """Note that what is at a contents path was saved, renamed or deleted. Raises nothing."""
        try:
            place = await self._place_of(path)
            if place.inner:
                (await self.of(place)).touched()
        except (JvsError, RequestError):
            return  # it lies in no repository, or in one that cannot be used, which its workspace says

    async def before(self, path: str, cause: Cause) -> None:
        """Keep what is at a contents path before it goes. Raises nothing.

        A snapshot of the whole worktree that takes longer than it used to goes on beside a copy of what goes: nothing is
        deleted before the one or the other is done. That a copy takes a minute is a disk that hangs.
        """
        try:
            place = await self._place_of(path)
            if not place.inner or not self.enabled:
                return
            history = await self.of(place)
            if history.plan.enabled:
                whole = history.is_fast and not history.is_busy and cause != "overwrite"
                if whole and await self._is_kept_within(_WHOLE_S, history, path, cause, whole=True):
                    return
                if not await self._is_kept_within(_BEFORE_S[cause], history, path, cause, whole=False):
                    self._desk.log.warning("%s took too long, so JVS may not have kept it", path)
        except (JvsError, RequestError) as error:
            if error.code not in ("E_NOT_A_REPOSITORY", "E_OUTSIDE_ROOT", "E_PATH_ESCAPE"):
                self._desk.log.warning(
                    "%s was not kept before its %s: %s: %s", path, cause, error.code, error.message
                )
        except Exception:
            self._desk.log.exception("%s was not kept before its %s", path, cause)

    async def reconsider(self, place: Place) -> History:
        """Read the configuration of a place's repository again. Raises JvsError."""
        history = await self.of(place)
        history.planned(await self._plan(place))
        return history

    async def stop(self) -> None:
        """Take what is not kept yet, then end."""
        if self._task is not None:
            self._task.cancel()
        known = list(self._open.values())
        for each in known:
            self._unwatch(each)
        if self.enabled:
            await asyncio.gather(*(each.history.finish(_STOP_S) for each in known))
            await asyncio.gather(*(each.history.withdraw() for each in known))

    async def _is_kept_within(
        self, seconds: float, history: History, path: str, cause: Cause, *, whole: bool
    ) -> bool:
        """Keep what is at a path, and say whether that was done in time; else it goes on. Raises what keeping raises."""
        task = asyncio.ensure_future(self._keep(history, path, cause, whole=whole))
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            self._tasks.add(task)
            task.add_done_callback(self._ended)
            return False
        task.result()
        return True

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._desk.log.warning("a change during a deletion failed: %s", error)

    async def _keep(self, history: History, path: str, cause: Cause, *, whole: bool) -> None:
        kept = await self._call(work.keep, history.place.root, path, cause, whole=whole)
        if kept:
            self._desk.tell("timeline", history.place)

    async def _plan(self, place: Place) -> Plan:
        plan: Plan = await self._call(work.plan, place.root, place.path)
        return plan if self.enabled else Plan(False, plan.after_save_s, plan.every_s)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            idle = (datetime.now(UTC) - self._awake()).total_seconds() > _AWAKE_S
            for known in list(self._open.values()):
                try:
                    await self._look_at(known, idle=idle)
                except Exception:
                    self._desk.log.exception("a worktree could not be looked at")

    async def _look_at(self, known: _Open, *, idle: bool) -> None:
        now = time.monotonic()
        history = known.history
        if idle or now - known.asked_at > _ASKED_S:
            self._unwatch(known)
        else:
            await self._see(known)
        if now - known.planned_at >= _PLAN_S:
            known.planned_at = now
            with suppress(JvsError, RequestError):
                history.planned(await self._plan(history.place))
        history.tick()

    async def _see(self, known: _Open) -> None:
        """Tell what others changed since the last time, and note what changed in the worktree."""
        place = known.history.place
        if known.watch is None:
            loop = asyncio.get_running_loop()
            known.watch = Watch(place, lambda: _later(loop, self._moved, known), self._desk.log)
            known.sure_at = time.monotonic()
        elif time.monotonic() - known.sure_at >= (_BLIND_S if known.watch.is_blind else _SURE_S):
            known.sure_at = time.monotonic()
            known.history.touched()
        try:
            seen, news = await self._call(marks.look, place, known.marks)
        except (JvsError, RequestError):
            return  # the file system is gone, or the log is damaged: whoever asks is told, and this goes on
        if known.marks is not None and seen.is_free and not known.marks.is_free:
            known.history.freed()
        known.marks = seen
        for what in sorted(news):
            self._desk.tell(what, place)
        self._tell_of_content(known)

    def _moved(self, known: _Open) -> None:
        known.changed, known.unsaved = True, None
        known.history.touched()
        self._tell_of_content(known)

    def _tell_of_content(self, known: _Open) -> None:
        now = time.monotonic()
        if known.changed and now - known.told_at >= known.gap_s:
            known.changed, known.told_at = False, now
            self._desk.tell("content", known.history.place)

    def _unwatch(self, known: _Open) -> None:
        if known.watch is not None:
            known.watch.stop()
            known.watch = None

    def _close_the_oldest(self) -> None:
        while len(self._open) > _MOST:
            oldest = min(self._open, key=lambda key: self._open[key].asked_at)
            self._unwatch(self._open.pop(oldest))


def _later(loop: asyncio.AbstractEventLoop, function: Callable[[_Open], None], known: _Open) -> None:
    with suppress(RuntimeError):  # the loop is closed: the server ended
        loop.call_soon_threadsafe(function, known)
