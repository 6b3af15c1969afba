"""What the service knows of everybody, asked in the background, so that a page is shown at once at any number of users.

One team repository tells of all in one pass. Homes are asked one by one with their owners' rights: those on a page that
somebody looks at first, then whoever was asked longest ago. A home that cannot be asked has that as its trouble.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.report import Usage
from jvs_jupyter.hub.service.sites import Site

FRESH_S = 3.0
_REST = 3
_SWEEP_S = 600.0
_AT_ONCE = 2
_PATIENCE_S = 0.6
_LOOK_S = 10.0


@dataclass(frozen=True)
class Row:
    """One user: what the last answer said, when that was, and what went wrong since."""

    user: str
    has: tuple[Usage, ...] = ()
    asked_at: float | None = None
    trouble: str | None = None

    @property
    def bytes(self) -> int:
        """How much the worktrees hold."""
        return sum(one.bytes for one in self.has)

    @property
    def last_snapshot_at(self) -> str | None:
        """When the user's own last snapshot was taken; None where all there is comes from the template."""
        return max((one.last_snapshot_at or "" for one in self.has if one.own_snapshot), default="") or None

    @property
    def left(self) -> int | None:
        """How much the user can still write, by quota or file system; None: unknown."""
        return min((one.left_bytes for one in self.has if one.left_bytes is not None), default=None)

    @property
    def quota(self) -> tuple[int, int] | None:
        """How much counts against the user's quota and how much may, of several that which leaves least; None: there is none."""
        found = [
            (one.quota_used_bytes, one.quota_bytes)
            for one in self.has
            if one.quota_bytes is not None and one.quota_used_bytes is not None
        ]
        return min(found, key=lambda one: one[1] - one[0], default=None)

    @property
    def held(self) -> Usage | None:
        """A worktree that is in use."""
        return next((one for one in self.has if one.lock_state == "held"), None)


class Survey:
    """The rows of all users of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rows: dict[str, Row] = {}
        self.failures = 0
        self.trouble: str | None = None
        self._asking: dict[str | None, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._whole_at: float | None = None
        self._whole_took = 0.0

    @property
    def complete(self) -> bool:
        """Return whether everybody was asked at least once."""
        if self.site.homes is None:
            return self._whole_at is not None
        return all(row.asked_at is not None for row in self.rows.values())

    async def look(self) -> None:
        """Find out who is there; without asking anybody where users are asked one by one."""
        if self.site.homes is not None:
            people = await asyncio.to_thread(self.site.people)
            self.rows = {user: self.rows.get(user) or Row(user) for user in people}

    async def refresh(
        self, users: Iterable[str], *, at_least: float = FRESH_S, wait: float = _PATIENCE_S
    ) -> None:
        """Ask those again whose answer is older than ``at_least`` seconds; return after ``wait`` even without it."""
        tasks = [self._ask(user) for user in self._due(users, at_least)]
        if tasks:
            await asyncio.wait(tasks, timeout=wait)

    async def anew(self, user: str) -> None:
        """Ask what a user has now that something was changed, and not what was asked before that."""
        await self.look()
        which = None if self.site.homes is None else user
        if which in self._asking:
            await asyncio.wait([self._asking[which]], timeout=_LOOK_S)
        await self.refresh([user], at_least=0, wait=_LOOK_S)

    async def row(self, user: str, *, at_least: float = _SWEEP_S) -> Row | None:
        """Return what is known of a user, asked again if that is older; None: nobody here is called that."""
        await self.look()
        known = self.rows.get(user)
        unknown = known is None or known.asked_at is None
        await self.refresh([user], at_least=0 if unknown else at_least, wait=_LOOK_S)
        return self.rows.get(user)

    async def keep(self) -> None:
        """Go on asking whoever was asked longest ago, one at a time; once all are known, with three times as long a rest."""
        while True:
            began = time.monotonic()
            try:
                await self.look()
                await self.refresh(self._longest_ago(), at_least=_SWEEP_S, wait=_SWEEP_S)
            except OSError as error:
                self.trouble = f"{error.filename}: {error.strerror}"
                await asyncio.sleep(_LOOK_S)
                continue
            if self.site.homes is not None:
                self.trouble = None
            took = time.monotonic() - began
            await asyncio.sleep(max(_REST * took, 1.0) if self.complete else 0)

    def _due(self, users: Iterable[str], at_least: float) -> list[str | None]:
        now = time.time()
        if self.site.homes is not None:
            known = [user for user in users if user in self.rows]
            return [user for user in known if now - (self.rows[user].asked_at or 0) >= at_least]
        rest = max(at_least, _REST * self._whole_took) if at_least else 0
        return [None] if self._whole_at is None or now - self._whole_at >= rest else []

    def _longest_ago(self) -> list[str]:
        oldest = min(self.rows.values(), key=lambda row: row.asked_at or 0, default=None)
        return [] if oldest is None else [oldest.user]

    def _ask(self, user: str | None) -> asyncio.Task[None]:
        if user not in self._asking:
            task = asyncio.create_task(self._answer(user))
            self._asking[user] = task
            task.add_done_callback(lambda _: self._asking.pop(user, None))
        return self._asking[user]

    async def _answer(self, user: str | None) -> None:
        async with self._places:
            began = time.time()
            try:
                found = await self.site.ask(user)
            except Refused as refused:
                self._failed(user, refused.message)
                return
        self._told(user, found)
        self._whole_took = time.time() - began if user is None else 0

    def _failed(self, user: str | None, message: str) -> None:
        self.failures += 1
        if user is None:
            self.trouble, self._whole_at = message, time.time()
        elif user in self.rows:
            self.rows[user] = replace(self.rows[user], asked_at=time.time(), trouble=message)

    def _told(self, user: str | None, found: list[Usage]) -> None:
        now = time.time()
        if user is not None:
            self.rows[user] = Row(user, tuple(found), now)
            return
        has: dict[str, list[Usage]] = {}
        for one in found:
            has.setdefault(one.user, []).append(one)
        self.rows = {name: Row(name, tuple(several), now) for name, several in has.items()}
        self.trouble, self._whole_at = None, now
