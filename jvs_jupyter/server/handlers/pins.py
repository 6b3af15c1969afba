"""``pins``: reasons to keep a snapshot."""

from __future__ import annotations

from http import HTTPStatus

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import page


class PinsHandler(Handler):
    """All pins of a repository."""

    @route("listPins")
    async def get(self) -> None:
        """Page through them, oldest first."""
        query = self.query()
        place = await self.place(query["path"])
        pins = await self.call(place.repository.pins.all)
        self.answer(
            page(
                pins,
                key=lambda pin: f"{pin.created_at} {pin.pin_id}",
                show=lambda pin: pin.to_json(),
                after=query["after"],
                limit=query["limit"],
            )
        )

    @route("createPin")
    async def post(self) -> None:
        """Keep a snapshot."""
        body = self.body()
        place = await self.place(body["path"])
        pin = await self.call(
            place.repository.pins.create, body["snapshot"], reason=body["reason"], expires=body["expires"]
        )
        self.changed("pins", place)
        self.answer(pin.to_json(), HTTPStatus.CREATED)


class PinHandler(Handler):
    """One pin."""

    @route("deletePin")
    async def delete(self, pin: str) -> None:
        """Take it out."""
        place = await self.place(self.query()["path"])
        removed = await self.call(place.repository.pins.delete, pin)
        self.changed("pins", place)
        self.answer(removed.to_json())
