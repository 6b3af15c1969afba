"""``snapshots/{id}/files``: one folder of a snapshot."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import page
from jvs_jupyter.server.paths import Root


class FilesHandler(Handler):
    """The entries of one folder."""

    @route("listFiles")
    async def get(self, id: str) -> None:  # noqa: A002 - the address names it so
        """Page through them."""
        query = self.query()
        place = await self.place(query["path"])
        self.answer(await self.services.look(page_of, place, id, query))


def page_of(root: Root, path: str, snapshot: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return one page of a folder of a snapshot."""
    return page(
        root.place(path).repository.ls(snapshot, query["dir"]),
        key=lambda entry: entry.path,
        show=lambda entry: entry.to_json(),
        after=query["after"],
        limit=query["limit"],
    )
