"""``operations``: how long work stands, and cancelling it."""

from __future__ import annotations

from http import HTTPStatus

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import whole


class OperationsHandler(Handler):
    """The operations of a worktree."""

    @route("listOperations")
    async def get(self) -> None:
        """List them, newest first."""
        place = await self.place(self.query()["path"])
        found = self.services.operations.of_worktree(place.repository.repo_id, place.worktree)
        self.answer(whole([operation.to_json() for operation in found]))


class OperationHandler(Handler):
    """One operation."""

    @route("getOperation")
    async def get(self, operation: str) -> None:
        """Show it."""
        self.answer({"operation": self.services.operations.get(operation).to_json()})

    @route("cancelOperation")
    async def delete(self, operation: str) -> None:
        """Cancel it."""
        found = self.services.operations.get(operation)
        over = found.over.is_set()
        if not over:
            self.services.operations.cancel(found)
        self.answer({"operation": found.to_json()}, HTTPStatus.OK if over else HTTPStatus.ACCEPTED)
