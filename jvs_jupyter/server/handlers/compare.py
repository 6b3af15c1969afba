"""``compare``: what changed from a snapshot to another, or to the worktree as it is."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.pages import page
from jvs_jupyter.server.paths import Root

_KINDS = ("added", "modified", "removed")


class CompareHandler(Handler):
    """A comparison."""

    @route("compare")
    async def get(self) -> None:
        """Page through the changed paths, by name."""
        query = self.query()
        place = await self.place(query["path"])
        self.answer(await self.services.look(page_of, place, query))


def page_of(root: Root, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Return one page of a comparison in the worktree of a contents path."""
    found = root.place(path).repository.compare(query["from"], query["to"])
    lists = {kind: getattr(found, kind) for kind in _KINDS}
    changes = sorted((path, kind) for kind, paths in lists.items() for path in paths)
    shown = page(
        changes,
        key=lambda change: change[0],
        show=lambda change: {"path": change[0], "change": change[1]},
        after=query["after"],
        limit=query["limit"],
    )
    here = {kind: [item["path"] for item in shown["items"] if item["change"] == kind] for kind in _KINDS}
    counts = {kind: len(paths) for kind, paths in lists.items()}
    return {"from": found.from_, "to": found.to, **shown, "counts": counts, **here}
