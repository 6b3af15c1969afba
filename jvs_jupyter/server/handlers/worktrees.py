"""``worktrees``: making, listing, renaming and removing them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from jvs_core import JvsError, Repository, WorktreeInfo
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import whole
from jvs_jupyter.server.paths import Place
from jvs_jupyter.server.progress import Receiver


class WorktreesHandler(Handler):
    """All worktrees of a repository."""

    @route("listWorktrees")
    async def get(self) -> None:
        """List them."""
        place = await self.place(self.query()["path"])
        found = await self.call(_all, place)
        histories = self.services.histories
        self.answer(whole([{**each, "changed": histories.unsaved(place, each["name"])} for each in found]))

    @route("createWorktree")
    async def post(self) -> None:
        """Make one."""
        body = self.body()
        key = self.key()
        place = await self.place(body["path"])

        def work(progress: Receiver) -> dict[str, Any]:
            made = place.repository.worktrees.create(body["name"], from_=body["from"], progress=progress)
            return _located(place, made.to_json())

        operation = self.start("worktree_create", place, work, exclusive=False, key=key)
        await self.accept_or_answer(operation, HTTPStatus.CREATED)


class WorktreeHandler(Handler):
    """One worktree."""

    @route("renameWorktree")
    async def patch(self, name: str) -> None:
        """Give it another name."""
        body = self.body()
        place = await self.place(body["path"])
        await self.call(place.check_writable, name)
        info = await self.call(place.repository.worktrees.rename, name, body["name"])
        self.changed("worktrees", place)
        self.answer(await self.call(_shown, place, info))

    @route("deleteWorktree")
    async def delete(self, name: str) -> None:
        """Remove it."""
        query = self.query()
        place = await self.place(query["path"])
        await self.call(place.check_writable, name)

        def work(progress: Receiver) -> dict[str, Any]:
            place.repository.worktrees.remove(name, force=query["force"], progress=progress)
            return {}

        operation = self.start("worktree_remove", place, work, exclusive=False, key=None)
        await self.accept_or_answer(operation, HTTPStatus.NO_CONTENT)


def _all(place: Place) -> list[dict[str, Any]]:
    return [_shown(place, info) for info in place.repository.worktrees.all()]


def _shown(place: Place, info: WorktreeInfo) -> dict[str, Any]:
    return {
        **_located(place, info.to_json()),
        "created_at": info.created_at,
        "base_note": _note(place.repository, info.base_snapshot_id),
        "changed": None,
    }


def _note(repository: Repository, snapshot: str | None) -> str | None:
    if snapshot is None:
        return None
    try:
        return repository.show(snapshot).descriptor.note
    except JvsError as error:
        if error.exit_status in (3, 5):  # gone or damaged: the worktree is listed all the same
            return None
        raise


def _located(place: Place, shown: dict[str, Any]) -> dict[str, Any]:
    return {**shown, "contents_path": place.root.contents_path(shown["path"])}
