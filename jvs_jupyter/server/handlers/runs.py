"""``runs``: recorded runs of notebooks and commands."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import cursor, key_of
from jvs_jupyter.server.paths import Root

_MANY = 500


class RunsHandler(Handler):
    """All runs of a repository."""

    @route("listRuns")
    async def get(self) -> None:
        """Page through them, chosen and sorted here."""
        query = self.query()
        place = await self.place(query["path"])
        many = len(await self.call(place.repository.runs.ids)) > _MANY
        if many and (query["where"] or query["q"] or query["sort"]):  # reading them all holds this process up
            self.answer(await self.services.reader.run(page_of, place.root, place.path, query))
        else:
            self.answer(await self.call(page_of, place.root, place.path, query))


class RunHandler(Handler):
    """One run."""

    @route("getRun")
    async def get(self, run: str) -> None:
        """Show it."""
        place = await self.place(self.query()["path"])
        found = await self.call(place.repository.runs.get, run)
        self.answer(found.to_json())


def page_of(root: Root, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return one page of the runs of the repository around a contents path, and how many there are on all pages.

    The cursor is the last run of the page before and how many came up to it: where that run has another place by now, or
    is gone, this goes on there, and rather shows one twice than leaves one out.
    """
    runs = root.place(path).repository.runs
    start, last = _start(query["after"])
    unreadable: list[str] = []
    limit = query["limit"]
    if not (query["where"] or query["q"] or query["sort"]):
        ids = runs.ids()
        start = next((at for at, run_id in enumerate(ids) if run_id < last), len(ids)) if last else 0
        shown, total = runs.find(skip=start, limit=limit, unreadable=unreadable), len(ids)
    else:
        found = runs.find(
            where=query["where"] or (), text=query["q"], sort=query["sort"], unreadable=unreadable
        )
        if start and not (start <= len(found) and found[start - 1].run_id == last):
            start = next((at + 1 for at, run in enumerate(found) if run.run_id == last), start - 1)
        shown, total = found[start : start + limit], len(found)
    end = start + limit
    following = cursor(f"{end} {shown[-1].run_id}") if shown and end < total else None
    return {
        "items": [run.to_json() for run in shown],
        "next": following,
        "total": total,
        "unreadable": unreadable,
    }


def _start(after: str | None) -> tuple[int, str]:
    """Return how many runs came before, and the last of them."""
    if after is None:
        return 0, ""
    number, _, last = key_of(after).partition(" ")
    return (int(number), last) if number.isascii() and number.isdigit() and len(number) < 10 else (0, "")
