"""The pages that show something: everybody, one user, a worktree's snapshots, a snapshot's files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from tornado.web import HTTPError, authenticated

from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.service import reading
from jvs_jupyter.hub.service.base import Page, said
from jvs_jupyter.hub.service.child import Place
from jvs_jupyter.hub.service.survey import Row

_PER_PAGE = 50
_MOST_FILES = 1000

_ORDERS: dict[str, Callable[[Row], Any]] = {
    "user": lambda row: row.user.casefold(),
    "size": lambda row: -row.bytes,
    "left": lambda row: (row.left is None, row.left),
    "last": lambda row: row.last_snapshot_at or "",
    "lock": lambda row: (row.held is None, row.user.casefold()),
    "trouble": lambda row: (row.trouble is None, row.user.casefold()),
}
_ONLY: dict[str, Callable[[Row], bool]] = {
    "": lambda row: True,
    "used": lambda row: row.held is not None,
    "trouble": lambda row: row.trouble is not None,
    "none": lambda row: row.asked_at is not None and row.last_snapshot_at is None,
}


@dataclass(frozen=True)
class Sheet:
    """One page of a longer list."""

    number: int
    last: int
    of: int


class Everybody(Page):
    """All users: searched, sorted and paged here, so that any number of them is one page."""

    @authenticated
    async def get(self) -> None:
        """Show a page of them."""
        survey = self.desk.survey
        await survey.look()
        _, visible = self._found()
        await survey.refresh([row.user for row in visible])
        sheet, rows = self._found()
        asked = sum(row.asked_at is not None for row in survey.rows.values())
        pending = any(row.asked_at is None for row in rows) or not (survey.complete or survey.rows)
        self.show("everybody.html", rows=rows, sheet=sheet, words=self.asked("q").strip(), survey=survey,
                  order=self.asked("sort", "user"), only=self.asked("only"), asked=asked,
                  archived=await asyncio.to_thread(reading.archived, self.desk.site), site=self.desk.site,
                  again=2 if pending else None)  # fmt: skip

    def _found(self) -> tuple[Sheet, list[Row]]:
        words = self.asked("q").strip().casefold()
        only = _ONLY.get(self.asked("only"), _ONLY[""])
        order = _ORDERS.get(self.asked("sort"), _ORDERS["user"])
        rows = self.desk.survey.rows.values()
        found = sorted((row for row in rows if words in row.user.casefold() and only(row)), key=order)
        sheet = sheet_of(self.number("page"), len(found))
        return sheet, found[(sheet.number - 1) * _PER_PAGE :][:_PER_PAGE]


class Person(Page):
    """One user: what there is, what can be done, what was put aside."""

    @authenticated
    async def get(self) -> None:
        """Show it."""
        user = self.asked("name")
        row = await self.desk.survey.row(user, at_least=1)
        if row is None:
            raise HTTPError(404, "%s has no worktree here.", user or "Nobody")
        (beside, trouble), templates, newest = await asyncio.gather(
            self._or_trouble(reading.beside(self.desk.site, row, self.admin)),
            self.told(reading.templates(self.desk.site, self.admin)),
            self.told(reading.newest(self.desk.site, self.admin)),
        )
        self.show("person.html", row=row, beside=beside, trouble=row.trouble or trouble, templates=templates,
                  whole=self.desk.site.homes is not None, site=self.desk.site, newest=newest)  # fmt: skip

    async def _or_trouble(self, question: Any) -> tuple[list[Any], str | None]:
        try:
            return await question, None
        except Refused as refused:
            return [], said(refused)


class OfWorktree(Page):
    """A page about one worktree."""

    async def place(self) -> Place:
        """Return where the worktree is. Raises HTTPError."""
        return await self.told(
            reading.place(self.desk.site, self.desk.survey, self.asked("name"), self.asked("worktree"))
        )


class Snapshots(OfWorktree):
    """A worktree's snapshots, newest first."""

    @authenticated
    async def get(self) -> None:
        """Show a page of them."""
        place, number = await self.place(), self.number("page")
        found, pins = await self.told(
            reading.snapshots(place, self.admin, first=(number - 1) * _PER_PAGE, most=_PER_PAGE)
        )
        more = len(found) > _PER_PAGE
        self.show("snapshots.html", name=self.asked("name"), worktree=place.worktree, found=found[:_PER_PAGE],
                  pins=pins, number=number, more=more)  # fmt: skip


class Files(OfWorktree):
    """A folder of a snapshot, each file of which can be put back."""

    @authenticated
    async def get(self) -> None:
        """Show it."""
        place, snapshot, path = await self.place(), self.asked("snapshot"), self.asked("path").strip("/")
        found = await self.told(reading.files(place, self.admin, snapshot, path))
        above = ["/".join(path.split("/")[: end + 1]) for end in range(len(path.split("/")))] if path else []
        self.show("files.html", name=self.asked("name"), worktree=place.worktree, snapshot=snapshot, path=path,
                  above=above, found=found[:_MOST_FILES], left=max(len(found) - _MOST_FILES, 0))  # fmt: skip


class Metrics(Page):
    """The metrics, for who may see the page or has the hub's scope for its own metrics."""

    @property
    def hub_scopes(self) -> set[str]:
        """Return the scopes of which one is enough."""
        return {*(super().hub_scopes or ()), "read:metrics"}

    def get(self) -> None:
        """Write them."""
        if not self.current_user:
            raise HTTPError(403, "A token of the scope read:metrics is needed.")
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest(self.desk.watch.registry))


def sheet_of(number: int, of: int) -> Sheet:
    """Return the page of that number of a list, the last one where there are fewer."""
    last = max(-(-of // _PER_PAGE), 1)
    return Sheet(min(number, last), last, of)
