"""``workspace``: which repository and worktree a notebook or folder lies in, and how it stands."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from jvs_core import JvsError
from jvs_jupyter.quotas import used_and_limit
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.handlers.locks import shown_lock
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.timeline.histories import shown


class WorkspaceHandler(Handler):
    """The workspace of a path."""

    @route("getWorkspace")
    async def get(self) -> None:
        """Describe it."""
        query = self.query()
        place = await self.place(query["path"])
        writable = await self.may_write()
        engine = await self.services.engine(place.repository)
        kept = self.services.keeper.has(place, place.worktree)
        history = await self.services.histories.of(place)
        without_lock = self.services.without_lock(place)
        began = time.monotonic()
        described = await self.services.look(
            describe,
            place,
            query["limit"],
            writable=writable and without_lock is None,
            kept=kept,
        )
        unsaved = described.pop("unsaved")
        self.services.histories.looked(place, time.monotonic() - began, unsaved)
        self.answer(
            {
                **described,
                "snapshot_engine": engine,
                "timeline": shown(self.services.histories, history, described["head"], unsaved),
                "without_lock": without_lock,
            }
        )


def describe(root: Root, path: str, limit: int, *, writable: bool, kept: bool) -> dict[str, Any]:
    """Return the workspace of a contents path, but for its engine."""
    place = root.place(path)
    repository = place.repository
    status = repository.status()
    lock = shown_lock(place, place.worktree, kept=kept)
    head = status.head_snapshot_id
    free = writable and (lock["mine"] or lock["state"] != "held")
    return {
        "path": place.path,
        "repo_id": repository.repo_id,
        "repo_root": str(repository.root),
        "repo_path": place.root.contents_path(repository.root),
        "worktree": place.worktree,
        "worktree_root": status.path,
        "worktree_path": place.worktree_path,
        "inner_path": place.inner,
        "head_snapshot_id": head,
        "head": _head(place, head),
        "lock": lock,
        "changes": _changes((status.added, status.modified, status.removed), frozenset(status.caches), limit),
        "can": {
            "snapshot": free,
            "restore": writable and head is not None,
            "restore_inplace": free and head is not None,
            "undo": free and repository.worktrees.undo_point() is not None,
            "redo": free and repository.worktrees.redo_point() is not None,
            "lock": free,
            "release": writable and lock["mine"],
            "put_back": writable,
            "timeline": writable,
        },
        "quota": _quota(place),
        "unsaved": status.but_caches,
    }


def _quota(place: Place) -> dict[str, int] | None:
    found = used_and_limit(place.folder)
    return None if found is None else {"used": found[0], "limit": found[1]}


def _head(place: Place, head: str | None) -> dict[str, Any] | None:
    if head is None:
        return None
    try:
        return place.repository.show(head).descriptor.to_json()
    except JvsError as error:
        if error.exit_status == 5:  # the panel must open for the repair to be found
            return None
        raise


def _changes(changed: Sequence[list[str]], caches: Collection[str], limit: int) -> dict[str, Any]:
    """Return what changed, but for caches: no snapshot is made for them, so they would count for ever."""
    added, modified, removed = ([path for path in paths if path not in caches] for paths in changed)
    total = len(added) + len(modified) + len(removed)
    first = modified[:limit]
    second = added[: limit - len(first)]
    third = removed[: limit - len(first) - len(second)]
    return {
        "clean": total == 0,
        "total": total,
        "truncated": total > limit,
        "added": second,
        "modified": first,
        "removed": third,
    }
