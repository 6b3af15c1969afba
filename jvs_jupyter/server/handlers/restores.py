"""``restores``, ``undo`` and ``redo``: putting a snapshot, or one path of it, back, and taking that back."""

from __future__ import annotations

from typing import Any, Literal

from jvs_jupyter.server.errors import bad_input
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.operations import Kind, Work
from jvs_jupyter.server.paths import Place
from jvs_jupyter.server.progress import Receiver

_LISTED = 1000


class RestoresHandler(Handler):
    """Restores; into a new worktree unless asked otherwise."""

    @route("createRestore")
    async def post(self) -> None:
        """Put a snapshot back."""
        body = self.body()
        key = self.key()
        _check(body)
        place = await self.place(body["path"])
        snapshot = await self.call(place.repository.resolve, body["snapshot"])
        kind, work = _work(place, snapshot, body)
        self.accept(self.start(kind, place, work, exclusive=kind != "restore", key=key))


class UndoHandler(Handler):
    """Taking back the last in-place restore."""

    @route("undo")
    async def post(self) -> None:
        """Undo it."""
        await _go(self, "undo")


class RedoHandler(Handler):
    """Taking back the last undo."""

    @route("redo")
    async def post(self) -> None:
        """Go forward again."""
        await _go(self, "redo")


async def _go(handler: Handler, which: Literal["undo", "redo"]) -> None:
    body = handler.body()
    key = handler.key()
    if not (body["confirm"] or body["dry_run"]):
        raise bad_input(f"{which} changes files in place, and the request does not confirm it")
    place = await handler.place(body["path"])
    go = place.repository.undo if which == "undo" else place.repository.redo

    def work(progress: Receiver) -> dict[str, Any]:
        done = go(
            reason=body["reason"],
            force=body["force"],
            dry_run=body["dry_run"],
            lock=True,
            wait_s=body["wait_s"],
            progress=progress,
        )
        return _bounded(place, done.to_json())

    handler.accept(handler.start(which, place, work, exclusive=True, key=key))


def _check(body: dict[str, Any]) -> None:
    """Refuse what does not go together, before anything is looked at."""
    if body["inplace"]:
        if not (body["reason"] or "").strip():
            raise bad_input("an in-place restore needs a reason")
        if not (body["confirm"] or body["dry_run"]):
            raise bad_input("an in-place restore changes files: it needs confirm: true")
        if body["name"] is not None:
            raise bad_input("an in-place restore makes no worktree: leave name out")
    if body["named"] and (body["name"] is not None or body["inplace"] or body["file"] is not None):
        raise bad_input("named finds a name for a new worktree: leave it out, or name, inplace and file")
    if body["file"] is None and body["to"] is not None:
        raise bad_input("to needs file: it says where to put that file")
    if body["file"] is not None and body["name"] is not None:
        raise bad_input("a file goes into the worktree of path: leave name out")
    if body["dry_run"] and (not body["inplace"] or body["file"] is not None):
        raise bad_input("dry_run is for in-place restores of a whole worktree")


def _work(place: Place, snapshot: str, body: dict[str, Any]) -> tuple[Kind, Work]:
    repository = place.repository
    locking: dict[str, Any] = {"lock": True, "wait_s": body["wait_s"]}

    def whole(progress: Receiver) -> dict[str, Any]:
        name = repository.suggest_name(snapshot) if body["named"] else body["name"]
        done = repository.restore(snapshot, name=name, progress=progress).to_json()
        return {**done, "contents_path": place.root.contents_path(done["path"])}

    def inplace(progress: Receiver) -> dict[str, Any]:
        done = repository.restore_inplace(
            snapshot, reason=body["reason"], dry_run=body["dry_run"], progress=progress, **locking
        )
        return _bounded(place, done.to_json())

    def one_path(progress: Receiver) -> dict[str, Any]:
        done = repository.restore_path(
            snapshot,
            body["file"],
            to=body["to"],
            inplace=body["inplace"],
            reason=body["reason"] or "",
            progress=progress,
            **locking,
        ).to_json()
        return {**done, "contents_path": place.root.contents_path(done["path"])}

    if body["file"] is not None:
        return "restore_path", one_path
    return ("restore_inplace", inplace) if body["inplace"] else ("restore", whole)


def _bounded(place: Place, done: dict[str, Any]) -> dict[str, Any]:
    lists = {kind: done[kind] for kind in ("added", "modified", "removed")}
    cut = {kind: paths[:_LISTED] for kind, paths in lists.items()}
    shown = {**done, **cut, "contents_path": place.root.contents_path(done["path"])}
    return {**shown, "truncated": True} if cut != lists else shown
