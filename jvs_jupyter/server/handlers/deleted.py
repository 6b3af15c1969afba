"""``deleted``: files that were deleted or overwritten, their bytes, and putting them back."""

from __future__ import annotations

import mimetypes
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jvs_core import JvsError, Repository, SnapshotFile
from jvs_jupyter.server.errors import bad_input
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.handlers.content import Download
from jvs_jupyter.server.pages import cursor, key_of
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.progress import Receiver

if TYPE_CHECKING:
    from jvs_core import LostFile

_TEXT = frozenset(
    f"application/{name}" for name in ("json", "javascript", "toml", "xml", "x-sh", "x-tex", "sql", "yaml")
) | {"image/svg+xml"}
_SNIFFED = 8192


class DeletedHandler(Handler):
    """Lost files."""

    @route("listDeleted")
    async def get(self) -> None:
        """Page through them, newest first."""
        query = self.query()
        place = await self.place(query["path"])
        await self.services.indexed(place)
        self.answer(await self.services.look(page_of, place, query))

    @route("putBack")
    async def post(self) -> None:
        """Put one back."""
        body = self.body()
        key = self.key()
        source = _source(body)
        place = await self.place(body["path"])
        await self.call(place.check_writable, place.worktree)

        def work(progress: Receiver) -> dict[str, Any]:
            done = place.repository.timeline.put_back(body["file"], source, to=body["to"], progress=progress)
            return {
                "file": done.path,
                "path": place.root.contents_path(place.folder / done.path),
                "snapshot_id": done.snapshot_id,
                "renamed": done.renamed,
            }

        operation = self.start("put_back", place, work, exclusive=True, key=key)
        await self.accept_or_answer(operation, HTTPStatus.OK)


class DeletedContentHandler(Download):
    """The bytes of a lost file."""

    @route("getDeletedContent")
    async def get(self) -> None:
        """Send them."""
        await self._serve(send=True)

    @route("headDeletedContent")
    async def head(self) -> None:
        """Send their headers."""
        await self._serve(send=False)

    async def _serve(self, *, send: bool) -> None:
        query = self.query()
        _source(query)
        place = await self.place(query["path"])
        if query["copy"] is not None:
            opening = partial(place.repository.timeline.open_copy, query["copy"])
        else:
            opening = partial(place.repository.open_file, query["snapshot"], query["file"])
        await self.serve(query["file"], await self.call(opening), send=send)


def page_of(root: Root, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return one page of what the worktree of a contents path lost."""
    place = root.place(path)
    limit = query["limit"]
    found = place.repository.timeline.deleted(
        query["q"],
        query["dir"],
        limit=limit + 1,
        after=None if query["after"] is None else key_of(query["after"]),
        unreadable=[],
    )
    items = [_shown(place, lost) for lost in found[:limit]]
    return {"items": items, "next": cursor(found[limit - 1].next) if len(found) > limit else None}


def _shown(place: Place, lost: LostFile) -> dict[str, Any]:
    return {
        **lost.to_json(),
        "path": place.root.contents_path(place.folder / lost.file),
        "binary": _is_binary(place.repository, lost),
    }


def _is_binary(repository: Repository, lost: LostFile) -> bool:
    """Return whether a file is none of text: by its name, and by its first bytes where that says nothing."""
    if lost.file.endswith(".ipynb"):
        return False
    kind, packed = mimetypes.guess_type(lost.file)
    if kind is not None:
        return packed is not None or not (kind.startswith("text/") or kind in _TEXT)
    try:
        stream = _opened(repository, lost)
        try:
            return b"\0" in stream.read(_SNIFFED)
        finally:
            stream.close()
    except JvsError:
        return True  # nobody can open it


def _opened(repository: Repository, lost: LostFile) -> SnapshotFile:
    if lost.source.copy_id is not None:
        return repository.timeline.open_copy(lost.source.copy_id)
    return repository.open_file(str(lost.source.snapshot_id), lost.file)


def _source(given: dict[str, Any]) -> str:
    """Return the id of what holds the file. Raises RequestError (400) for none, and for two."""
    named = [given[name] for name in ("snapshot", "copy") if given[name] is not None]
    if len(named) != 1:
        raise bad_input("give either the snapshot or the copy that holds the file")
    return str(named[0])
