"""``find``: files in all of history."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import page
from jvs_jupyter.server.paths import Root


class FindHandler(Handler):
    """Files by their path."""

    @route("findFiles")
    async def get(self) -> None:
        """Page through them, by path."""
        query = self.query()
        place = await self.place(query["path"])
        await self.services.indexed(place)
        self.answer(await self.services.look(page_of, place, query))


def page_of(root: Root, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return one page of what is found in the repository of a contents path."""
    found = root.place(path).repository.find(
        query["q"],
        every=query["all"],
        deleted=query["deleted"],
        larger=query["larger"],
        smaller=query["smaller"],
        since=query["since"],
        until=query["until"],
        unreadable=[],
    )
    return page(
        found,
        key=lambda file: file.path,
        show=lambda file: file.to_json(),
        after=query["after"],
        limit=query["limit"],
    )
