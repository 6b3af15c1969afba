"""Keeping the automatic history of one worktree, step by step: looks when it is time, pauses where it cannot, thins out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.errors import ClockSkewExceeded, Conflict, InputError, JvsError, NoSpace
from jvs_core.faults import storage_error
from jvs_core.model import Descriptor
from jvs_core.operations import snapshot
from jvs_core.operations.context import Context
from jvs_core.operations.gc.retention import AHEAD_MS
from jvs_core.operations.locking import Locking
from jvs_core.operations.timeline import announcements, thinning
from jvs_core.operations.timeline.schedule import Schedule
from jvs_core.operations.timeline.watching import Watch
from jvs_core.progress import SILENT
from jvs_core.settings import TimelineConfig
from jvs_core.wording import counted

_IDLE_S = 60.0  # how long a wait lasts at most, so that another configuration is noticed
_LOOK_ANYHOW_S = 3600.0  # a mapped file changes without an event
_THIN_S = 3600.0
_ANNOUNCE_S = 10.0
_BREATH_S = 1.0  # between two reads of events: of many changes one is enough
_SHARE = 0.01
_PATIENCE_S = 3600.0

_log = logging.getLogger("jvs")


@dataclass(frozen=True)
class Told:
    """Something that a person who keeps a history should know."""

    what: Literal["snapshot", "thinned", "paused", "resumed", "watching", "on", "off"]
    message: str
    snapshot_id: str | None = None


class Keeper:
    """Takes the automatic snapshots of one worktree. ``step`` does what is to be done by now, and never waits.

    ``now`` is a clock that no change of the machine's time moves, in seconds. What is worth telling goes to ``tell``.
    """

    def __init__(
        self,
        ctx: Context,
        name: str,
        tell: Callable[[Told], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ctx = ctx
        self._name = name
        self._tell = tell
        self._now = now
        self._reason: JvsError | None = None
        self._behind_since: float | None = None
        self._thin_at = self._looked_at = self._stepped_at = now()
        self._announced: tuple[float, object] = (float("-inf"), None)
        self._on = True
        self.must_watch_anew = False
        config = ctx.config.timeline
        self.schedule = Schedule(config.after_save_s, config.every_s)
        self.worktree_id = ctx.worktree(name).worktree_id
        self.schedule.touched(now() - config.after_save_s)  # what changed while nobody watched

    def touched(self) -> None:
        """Note that something changed in the worktree."""
        self.schedule.touched(self._now())

    def next_in_s(self) -> float:
        """Return for how many seconds nothing is to be done, if nothing changes."""
        now = self._now()
        due = [self._stepped_at + _IDLE_S]
        at = self.schedule.next_at(now)
        if at is not None and self._on:
            due.append(at)
        return max(min(due) - now, 0.0)

    def step(self, watch: Watch | None) -> None:
        """Take a snapshot, or thin out, where it is time, and say how things stand.

        Whatever goes wrong pauses the history, and it is tried again: nothing is raised but KeyboardInterrupt.
        """
        now = self._stepped_at = self._now()
        blind = watch is None or watch.why is not None
        if now - self._looked_at >= (self.schedule.gap_s if blind else _LOOK_ANYHOW_S):
            self.schedule.touched(now - self.schedule.after_save_s)
        try:
            self._ctx = ctx = Context.open(Layout(self._ctx.layout.root), self._ctx.settings)
            self._heed(ctx.config.timeline)
            if self._on and self.schedule.due(now):
                self._look(ctx)
            if self._on and self._reason is None and self._now() >= self._thin_at:
                self._thin(ctx)
        except (JvsError, OSError) as error:
            self._pause(storage_error(error) if isinstance(error, OSError) else error, self._now() - now)
        self.announce()

    def announce(self) -> None:
        """Say when the next snapshot comes and why none does; not again and again while a person types."""
        now = self._now()
        at = self.schedule.next_at(now) if self._on else None
        said = (at is None, self._reason)
        if said != self._announced[1] or now - self._announced[0] >= _ANNOUNCE_S:
            self._announced = (now, said)
            announcements.announce(
                self._ctx,
                self.worktree_id,
                next_in_s=None if at is None else at - now,
                reason=self._reason,
            )

    def end(self) -> None:
        """Take back what was said of this process."""
        announcements.withdraw(self._ctx, self.worktree_id)

    def _heed(self, config: TimelineConfig) -> None:
        self.schedule.after_save_s, self.schedule.every_s = config.after_save_s, config.every_s
        if config.enabled != self._on:
            self._on = config.enabled
            self._tell(
                Told("on", "automatic history is on again")
                if self._on
                else Told("off", "automatic history is off in this repository: jvs timeline on")
            )

    def _look(self, ctx: Context) -> None:
        began = self._now()
        self._require_time(ctx)
        made = self._take(ctx)
        ended = self._now()
        self._looked_at = ended
        self.schedule.taken(ended, ended - began)
        if self._reason is not None:
            self.must_watch_anew = not isinstance(self._reason, Conflict)
            self._reason = None
            self._tell(Told("resumed", "automatic history continues"))
        if made is not None:
            self._tell(Told("snapshot", f"Created snapshot {made.snapshot_id}", made.snapshot_id))

    def _take(self, ctx: Context) -> Descriptor | None:
        return snapshot.take_if_changed(
            ctx,
            self._name,
            note="",
            tags=(),
            consistency="prefer_quiesced",
            kind="auto",
            locking=Locking(take=True),
            progress=SILENT,
        )

    def _require_time(self, ctx: Context) -> None:
        """Wait where the clock was set back, so that snapshots keep their order; not for ever: it may have been ahead before."""
        head = ctx.worktree(self._name).head_snapshot_id
        ahead_ms = 0 if head is None else int(head[:13]) - clock.now_ms()
        if ahead_ms <= AHEAD_MS:
            self._behind_since = None
            return
        if self._behind_since is None:
            self._behind_since = self._now()
        if self._now() - self._behind_since < _PATIENCE_S:
            raise ClockSkewExceeded(
                f"the clock of this machine is {ahead_ms // 1000} s behind the newest snapshot",
                hint="set the clock; after an hour the history continues anyway",
            )

    def _thin(self, ctx: Context) -> None:
        began = self._now()
        try:
            done = thinning.thin(ctx, self._name, every=False, most=200, progress=SILENT)
        except JvsError as error:
            self._thin_at = self._now() + _THIN_S
            _log.warning("automatic snapshots cannot be thinned out: %s: %s", error.code, error.message)
            return
        cost_s = self._now() - began
        self._thin_at = self._now() + max(_IDLE_S if done.more else _THIN_S, cost_s / _SHARE)
        for note in done.notes if done.given_up or done.copies else ():
            self._tell(Told("thinned", note))

    def _pause(self, error: JvsError, cost_s: float) -> None:
        if self._reason is None or self._reason.code != error.code:
            self._tell(Told("paused", f"automatic history is paused: {error.code}: {error.message}"))
        if isinstance(error, NoSpace) and self._reason is None:
            self._thin_at = self._now()
            self._thin(self._ctx)
        self._reason = error
        self.schedule.postponed(self._now(), cost_s)


def keep(ctx: Context, name: str, tell: Callable[[Told], None]) -> NoReturn:
    """Keep the history of a worktree until the process is told to end: KeyboardInterrupt is all that is raised.

    Raises InputError where the history is off, before anything is done.
    """
    if not ctx.config.timeline.enabled:
        raise InputError("automatic history is off in this repository", hint="jvs timeline on")
    keeper = Keeper(ctx, name, tell)
    watch: Watch | None = None
    try:
        keeper.announce()
        while True:
            if watch is None or watch.is_lost or keeper.must_watch_anew:
                watch = _watched(ctx, name, watch, tell)
                keeper.must_watch_anew = False
            if keeper.next_in_s() <= 0:
                keeper.step(watch)
            if watch is None:
                time.sleep(keeper.next_in_s())
            elif watch.wait(keeper.next_in_s()):
                keeper.touched()
                keeper.announce()
                time.sleep(_BREATH_S)
    finally:
        if watch is not None:
            watch.close()
        keeper.end()


def _watched(ctx: Context, name: str, before: Watch | None, tell: Callable[[Told], None]) -> Watch | None:
    """Return a new watch; None where the worktree is not there now."""
    if before is not None:
        before.close()
    try:
        watch = Watch(ctx.layout.worktree(name))
    except (JvsError, OSError):
        return None
    told = f"watching {counted(watch.folders, 'folder')}" if watch.folders else "looking from time to time"
    tell(
        Told(
            "watching",
            told if watch.why is None else f"{told}; also looking from time to time, because {watch.why}",
        )
    )
    return watch
