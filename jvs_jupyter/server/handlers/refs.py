"""``refs``: names for snapshots."""

from __future__ import annotations

from http import HTTPStatus

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import page


class RefsHandler(Handler):
    """All refs of a repository."""

    @route("listRefs")
    async def get(self) -> None:
        """Page through them, by name."""
        query = self.query()
        place = await self.place(query["path"])
        refs = await self.call(place.repository.refs.all)
        self.answer(
            page(
                sorted(refs, key=lambda ref: ref.name),
                key=lambda ref: ref.name,
                show=lambda ref: ref.to_json(),
                after=query["after"],
                limit=query["limit"],
            )
        )

    @route("createRef")
    async def post(self) -> None:
        """Name a snapshot."""
        body = self.body()
        place = await self.place(body["path"])
        ref = await self.call(place.repository.refs.create, body["name"], body["snapshot"], note=body["note"])
        self.changed("refs", place)
        self.answer(ref.to_json(), HTTPStatus.CREATED)


class RefHandler(Handler):
    """One ref."""

    @route("deleteRef")
    async def delete(self, name: str) -> None:
        """Delete it; the snapshot stays."""
        place = await self.place(self.query()["path"])
        ref = await self.call(place.repository.refs.delete, name)
        self.changed("refs", place)
        self.answer(ref.to_json())
