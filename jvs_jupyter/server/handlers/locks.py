"""``locks``: who may write, and keeping a lock for the server's session."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.keeping import Keeper
from jvs_jupyter.server.pages import whole
from jvs_jupyter.server.paths import Place


class LocksHandler(Handler):
    """The locks of a repository's worktrees."""

    @route("listLocks")
    async def get(self) -> None:
        """Show them all."""
        place = await self.place(self.query()["path"])
        self.answer(await self.call(_all, place, self.services.keeper))

    @route("keepLock")
    async def post(self) -> None:
        """Keep the lock of the place's worktree."""
        body = self.body()
        place = await self.place(body["path"])
        record, new = await self.services.keeper.keep(place, purpose=body["purpose"], wait_s=body["wait_s"])
        self.changed("locks", place)
        self.answer(record.to_json(), HTTPStatus.CREATED if new else HTTPStatus.OK)

    @route("releaseLock")
    async def delete(self) -> None:
        """Give it back."""
        place = await self.place(self.query()["path"])
        await self.services.keeper.release(place)
        self.changed("locks", place)
        self.answer({"released": True})


def shown_lock(place: Place, worktree: str, *, kept: bool) -> dict[str, Any]:
    """Return the lock of a worktree, and whether it is the server's own."""
    status = place.repository.locks.status(worktree)
    holder = status.lock.holder_id if status.lock is not None else None
    return {
        "worktree": worktree,
        **status.to_json(),
        "mine": status.state == "held" and holder == place.root.settings.holder_id,
        "kept": kept,
    }


def _all(place: Place, keeper: Keeper) -> dict[str, Any]:
    names = [info.name for info in place.repository.worktrees.all()]
    return whole([shown_lock(place, name, kept=keeper.has(place, name)) for name in names])
