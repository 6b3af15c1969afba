"""``runs``: recorded notebook runs."""

from __future__ import annotations

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import page


class RunsHandler(Handler):
    """All runs of a repository."""

    @route("listRuns")
    async def get(self) -> None:
        """Page through them, newest first."""
        query = self.query()
        place = await self.place(query["path"])
        runs = await self.call(place.repository.runs.all)
        self.answer(
            page(
                runs,
                key=lambda run: run.run_id,
                show=lambda run: run.to_json(),
                after=query["after"],
                limit=query["limit"],
            )
        )


class RunHandler(Handler):
    """One run."""

    @route("getRun")
    async def get(self, run: str) -> None:
        """Show it."""
        place = await self.place(self.query()["path"])
        found = await self.call(place.repository.runs.get, run)
        self.answer(found.to_json())
