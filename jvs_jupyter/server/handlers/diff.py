"""``diff``: what changed inside one file, or inside each that changed; also with the edits of an open document."""

from __future__ import annotations

from typing import Any

from jvs_core import InputError, JvsError, what_changed, what_changed_in
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.paths import Place, Root

NOW = "now"
LARGEST_DOCUMENT = 64 << 20
_QUICK = 2_000_000
"""So many bytes are compared in a thread; more of them in a process, which leaves the event loop alone."""


class DiffHandler(Handler):
    """The inside of changes."""

    @route("getDiff")
    async def get(self) -> None:
        """Compare two snapshots, or one with the worktree as it is."""
        await self._answer(self.query())

    @route("diffDocument")
    async def post(self) -> None:
        """Compare a snapshot, or the file as it is saved, with the content of an open document."""
        await self._answer(self.body(LARGEST_DOCUMENT))

    async def _answer(self, asked: dict[str, Any]) -> None:
        place = await self.place(asked["path"])
        if asked["file"] is None:
            found = await self.services.reader.run(every, place.root, place.path, asked)
        elif await self.call(_size, place, asked) > _QUICK:
            found = await self.services.reader.run(one, place.root, place.path, asked)
        else:
            found = await self.call(one, place.root, place.path, asked)
        self.answer(found)


def one(root: Root, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Return how one file differs."""
    content = asked.get("content")
    return what_changed_in(
        root.place(path).repository,
        asked["file"],
        _side(asked["from"]),
        _side(asked["to"]),
        old_path=asked["old_file"],
        content=None if content is None else content.encode("utf-8", "surrogateescape"),
        everything=asked["everything"],
    ).to_json()


def every(root: Root, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Return how each changed path differs, in words only: its detail is asked for one by one."""
    before = _side(asked["from"])
    if before is None:
        raise InputError(
            "without a file, only 'to' can be now, not 'from'",
            hint="ask for the changes from a snapshot to now",
        )
    found = what_changed(root.place(path).repository, before, _side(asked["to"])).to_json()
    return {**found, "changes": [{**change, "detail": None} for change in found["changes"]]}


def _side(name: str) -> str | None:
    return None if name == NOW else name


def _size(place: Place, asked: dict[str, Any]) -> int:
    """Return how many bytes are to be compared; nothing where they are not there."""
    repository = place.repository
    total = len(asked.get("content") or "")
    for name, file in ((asked["from"], asked["old_file"] or asked["file"]), (asked["to"], asked["file"])):
        try:
            side = _side(name)
            total += (repository.stat_now(file) if side is None else repository.stat(side, file)).size
        except JvsError:
            continue
    return total
