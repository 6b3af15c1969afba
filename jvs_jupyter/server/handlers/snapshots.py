"""``snapshots``: a worktree's timeline in pages, one snapshot, taking one, and editing its note and tags."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.server import rows
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.paths import Place
from jvs_jupyter.server.progress import Receiver


class SnapshotsHandler(Handler):
    """The timeline of a worktree."""

    @route("listSnapshots")
    async def get(self) -> None:
        """Page through it."""
        query = self.query()
        place = await self.place(query["path"])
        if query["file"] is not None or query["q"].strip():
            await self.services.indexed(place)
        page, complete = await self.services.look(rows.page_of, place, query)
        if not complete:
            self.services.index_soon(place)
        self.answer(page)

    @route("createSnapshot")
    async def post(self) -> None:
        """Take a snapshot."""
        body = self.body()
        key = self.key()
        place = await self.place(body["path"])

        def work(progress: Receiver) -> dict[str, Any]:
            return place.repository.snapshot(
                body["note"],
                tags=body["tags"],
                consistency=body["consistency"],
                lock=True,
                wait_s=body["wait_s"],
                progress=progress,
            ).to_json()

        self.accept(self.start("snapshot", place, work, exclusive=True, key=key))


class SnapshotHandler(Handler):
    """One snapshot."""

    @route("getSnapshot")
    async def get(self, id: str) -> None:  # noqa: A002 - the address names it so
        """Show it."""
        place = await self.place(self.query()["path"])
        self.answer(await self.call(_show, place, id))

    @route("annotateSnapshot")
    async def patch(self, id: str) -> None:  # noqa: A002
        """Edit its note and tags."""
        body = self.body()
        place = await self.place(body["path"] or self.query()["path"])
        edited = await self.call(
            place.repository.annotate,
            id,
            note=body["note"],
            add_tags=body["add_tags"],
            remove_tags=body["remove_tags"],
        )
        self.changed("snapshots", place)
        self.answer(await self.call(_show, place, edited.snapshot_id))


def _show(place: Place, snapshot: str) -> dict[str, Any]:
    shown = place.repository.show(snapshot).to_json()
    return {**shown, "contents_path": place.root.contents_path(shown["path"])}
