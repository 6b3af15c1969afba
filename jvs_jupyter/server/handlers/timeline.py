"""``timeline``: turning the automatic history on and off, and a snapshot at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.progress import Receiver
from jvs_jupyter.server.timeline import work
from jvs_jupyter.server.timeline.histories import shown


class TimelineHandler(Handler):
    """Whether a repository has an automatic history."""

    @route("setTimeline")
    async def post(self) -> None:
        """Turn it on or off."""
        body = self.body()
        place = await self.place(body["path"])
        await self.call(place.repository.timeline.switch, body["on"])
        history = await self.services.histories.reconsider(place)
        self.changed("timeline", place)
        head, changed = await self.services.look(standing, place)
        self.answer(shown(self.services.histories, history, head, changed))


class NowHandler(Handler):
    """An automatic snapshot at once."""

    @route("keepNow")
    async def post(self) -> None:
        """Take it if anything changed."""
        body = self.body()
        key = self.key()
        place = await self.place(body["path"])
        history = await self.services.histories.of(place)
        loop = asyncio.get_running_loop()

        def take(progress: Receiver) -> dict[str, Any]:
            began = time.monotonic()
            made = place.repository.timeline.snapshot(progress=progress)
            head = place.repository.worktrees.get().head_snapshot_id
            shown = None if made is None else made.to_json()
            taken = work.Taken(shown, head, time.monotonic() - began)
            loop.call_soon_threadsafe(history.done, taken)
            return shown or {"created": False, "head_snapshot_id": head}

        self.accept(self.start("snapshot", place, take, exclusive=True, key=key))


def standing(root: Root, path: str) -> tuple[dict[str, Any] | None, int]:
    """Return the head of the worktree of a contents path, and how many paths changed since."""
    place: Place = root.place(path)
    status = place.repository.status()
    head = status.head_snapshot_id
    return None if head is None else place.repository.show(head).descriptor.to_json(), status.but_caches
