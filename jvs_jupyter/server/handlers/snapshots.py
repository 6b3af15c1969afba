"""``snapshots``: a worktree's history in pages, one snapshot, and taking one."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from jvs_core import Descriptor, JvsError, Repository, known_summaries, summary
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.progress import Receiver

if TYPE_CHECKING:
    from jvs_core import HistoryItem

_LOOKED_AT = 1000
_MANIFESTS_READ = 50
_WORDS_S = 2.0


class SnapshotsHandler(Handler):
    """The history of a worktree."""

    @route("listSnapshots")
    async def get(self) -> None:
        """Page through it."""
        query = self.query()
        place = await self.place(query["path"])
        found = await self.call(_page, place.repository, query)
        missing = [item["snapshot_id"] for item in found["items"] if item["changed"]["words"] is None]
        if query["words"] and missing:
            said = await self.services.look(words_of, place, missing)
            for item in found["items"]:
                item["changed"]["words"] = said.get(item["snapshot_id"], item["changed"]["words"])
        self.answer(found)

    @route("createSnapshot")
    async def post(self) -> None:
        """Take a snapshot."""
        body = self.body()
        key = self.key()
        place = await self.place(body["path"])

        def work(progress: Receiver) -> dict[str, Any]:
            return place.repository.snapshot(
                body["note"],
                tags=body["tags"],
                consistency=body["consistency"],
                lock=True,
                wait_s=body["wait_s"],
                progress=progress,
            ).to_json()

        self.accept(self.start("snapshot", place, work, exclusive=True, key=key))


class SnapshotHandler(Handler):
    """One snapshot."""

    @route("getSnapshot")
    async def get(self, id: str) -> None:  # noqa: A002 - the address names it so
        """Show it."""
        place = await self.place(self.query()["path"])
        self.answer(await self.call(_show, place, id))


def words_of(root: Root, path: str, snapshots: list[str]) -> dict[str, list[str]]:
    """Return what the first of these snapshots changed, in words: as many as can be worked out in two seconds."""
    repository = root.place(path).repository
    found: dict[str, list[str]] = {}
    end = time.monotonic() + _WORDS_S
    for snapshot in snapshots:
        try:
            found[snapshot] = summary(repository, snapshot)
        except JvsError:  # its files are gone, or damaged: other answers say so
            found[snapshot] = []
        if time.monotonic() > end:
            break
    return found


def _show(place: Place, snapshot: str) -> dict[str, Any]:
    shown = place.repository.show(snapshot).to_json()
    return {**shown, "contents_path": place.root.contents_path(shown["path"])}


def _page(repository: Repository, query: dict[str, Any]) -> dict[str, Any]:
    limit, wanted = query["limit"], _filter(repository, query["tag"], query["file"])
    bound = limit if wanted is None else _LOOKED_AT if query["file"] is None else _MANIFESTS_READ
    items: list[HistoryItem] = []
    before, looked_at, more = query["before"], 0, True
    while more and len(items) < limit and looked_at < bound:
        step = min(bound - looked_at, limit)
        found = repository.history(limit=step + 1, every=query["all"], before=before)
        more = len(found) > step
        for item in found[:step]:
            looked_at += 1
            before = item.descriptor.snapshot_id
            if wanted is None or wanted(item.descriptor):
                items.append(item)
            if len(items) == limit:
                more = more or item is not found[-1]
                break
    known = known_summaries(repository, [item.descriptor.snapshot_id for item in items])
    shown = [
        {
            **item.to_json(),
            "refs": item.refs,
            "changed": {"words": known.get(item.descriptor.snapshot_id)},
        }
        for item in items
    ]
    return {"items": shown, "next": before if more else None}


def _filter(repository: Repository, tag: str | None, file: str | None) -> Callable[[Descriptor], bool] | None:
    if file is None:
        return None if tag is None else lambda descriptor: tag in descriptor.tags
    # A history is walked from child to parent: each version is looked up once.
    version = lru_cache(maxsize=4)(partial(_version, repository, file))

    def changed(descriptor: Descriptor) -> bool:
        if tag is not None and tag not in descriptor.tags:
            return False
        return version(descriptor.snapshot_id) != version(descriptor.parent_snapshot_id)

    return changed


def _version(repository: Repository, file: str, snapshot: str | None) -> tuple[Any, ...] | None:
    """Return what a path is in a snapshot; None where it is not there, or nobody can say any more."""
    if snapshot is None:
        return None
    try:
        entry = repository.stat(snapshot, file)
    except JvsError as error:
        if error.exit_status in (3, 5):
            return None
        raise
    return entry.type, entry.mode, entry.sha256, entry.target
