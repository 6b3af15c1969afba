"""The rows of a timeline: every snapshot of a worktree, what it changed, and what it belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jvs_core import Descriptor, JvsError, Repository, Run
from jvs_jupyter.server.paths import Root

if TYPE_CHECKING:
    from jvs_core import HistoryItem

_LOOKED_AT = 1000
_STEP = 200
_INDEX_S = 0.5
_CELL = re.compile(r"cell-\d+")
_AFTER = re.compile(r"after-(\d{13}-[0-9a-f]{8})")

Wanted = Callable[["HistoryItem"], bool]


def bring_up_to_date(root: Root, path: str) -> bool:
    """Work on the index of changes for a moment and return whether it is complete."""
    return root.place(path).repository.changes.index(within_s=_INDEX_S)


def page_of(root: Root, path: str, query: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return one page of the timeline of a contents path, and whether the index of changes knew all of it."""
    repository = root.place(path).repository
    complete = repository.changes.index(within_s=_INDEX_S)
    lineage = set(repository.changes.lineage(within_s=0))
    wanted = _wanted(repository, lineage, query)
    filtered = any(query[name] for name in ("tag", "file")) or bool(query["q"].strip()) or not query["auto"]
    found, cursor = _found(repository, wanted, query, _STEP if filtered else query["limit"] + 1)
    return {"items": _rows(repository, found, lineage), "next": cursor}, complete


def _found(
    repository: Repository, wanted: Wanted, query: dict[str, Any], step: int
) -> tuple[list[HistoryItem], str | None]:
    """Return the snapshots of a page, and the one after which the next page begins; None where there is none."""
    limit, every = query["limit"], query["all"] or query["everywhere"]
    items: list[HistoryItem] = []
    before, looked_at = query["before"], 0
    while looked_at < _LOOKED_AT:
        found = repository.history(limit=step, every=every, before=before, unreadable=[])
        for item in found:
            if wanted(item):
                if len(items) == limit:
                    return items, items[-1].descriptor.snapshot_id
                items.append(item)
            before = item.descriptor.snapshot_id
        if len(found) < step:
            return items, None
        looked_at += len(found)
    return items, before if len(items) < limit else items[-1].descriptor.snapshot_id


def _wanted(repository: Repository, lineage: Collection[str], query: dict[str, Any]) -> Wanted:
    """Return what decides on each snapshot; automatic ones that thinned out are none that anybody wants."""
    own = None if query["everywhere"] else repository.worktrees.get().worktree_id
    touching = None if query["file"] is None else repository.changes.touching(query["file"], within_s=0)
    words = [_word(repository, word.casefold()) for word in query["q"].split()]

    def decide(item: HistoryItem) -> bool:
        descriptor = item.descriptor
        return (
            (own is None or descriptor.worktree_id == own or descriptor.snapshot_id in lineage)
            and not (descriptor.kind == "auto" and (item.expired or not query["auto"]))
            and (query["tag"] is None or query["tag"] in descriptor.tags)
            and (touching is None or descriptor.snapshot_id in touching)
            and all(fits(item) for fits in words)
        )

    return decide


def _word(repository: Repository, word: str) -> Wanted:
    """Return what decides whether one word of a search fits a snapshot."""
    if word.startswith("#") and len(word) > 1:
        return lambda item: any(tag.casefold().startswith(word[1:]) for tag in item.descriptor.tags)
    naming = repository.changes.naming(word, within_s=0)

    def fits(item: HistoryItem) -> bool:
        texts = (item.descriptor.note, item.descriptor.snapshot_id, *item.refs)
        return item.descriptor.snapshot_id in naming or any(word in text.casefold() for text in texts)

    return fits


def _rows(repository: Repository, items: list[HistoryItem], lineage: Collection[str]) -> list[dict[str, Any]]:
    head = repository.worktrees.get().head_snapshot_id
    changes = repository.changes.of((item.descriptor.snapshot_id for item in items), within_s=0)
    pins = _pins(repository)
    runs = _runs(repository, items)
    kinds = {item.descriptor.snapshot_id: item.descriptor.kind for item in items}
    rows = []
    for item in items:
        snapshot_id = item.descriptor.snapshot_id
        changed, run = changes.get(snapshot_id), runs.get(snapshot_id)
        rows.append(
            {
                **item.to_json(),
                "refs": item.refs,
                "pins": pins.get(snapshot_id, []),
                "is_head": snapshot_id == head,
                "later": snapshot_id not in lineage,
                "changed": None if changed is None else changed.to_json(),
                "run": None
                if run is None
                else {"run_id": run.run_id, "outcome": run.outcome, "metrics": run.metrics},
                "fold": _fold(item.descriptor, run, kinds),
            }
        )
    return rows


def _fold(descriptor: Descriptor, run: Run | None, kinds: dict[str, str | None]) -> dict[str, str] | None:
    """Return the action that a snapshot is a part of: a run, a cell, or a restore with what was edited meanwhile."""
    if run is not None:
        return {"id": run.run_id, "kind": "run"}
    tags = descriptor.original.tags
    if any(_CELL.fullmatch(tag) for tag in tags):
        before = next((found[1] for found in map(_AFTER.fullmatch, tags) if found), None)
        if before is not None or "before" in tags:
            return {"id": before or descriptor.snapshot_id, "kind": "cell"}
    if descriptor.kind == "restore":
        parent = descriptor.parent_snapshot_id
        first = parent if parent is not None and kinds.get(parent) == "restore" else descriptor.snapshot_id
        return {"id": first, "kind": "restore"}
    return None


def _pins(repository: Repository) -> dict[str, list[str]]:
    now = datetime.now(UTC).isoformat()
    found: dict[str, list[str]] = {}
    try:
        pins = repository.pins.all()
    except JvsError as error:
        if error.exit_status != 5:
            raise
        return {}  # one is damaged: doctor says which, and the timeline is shown without
    for pin in pins:
        if pin.expires_at is None or pin.expires_at > now:
            found.setdefault(pin.snapshot_id, []).append(pin.pin_id)
    return found


def _runs(repository: Repository, items: list[HistoryItem]) -> dict[str, Run]:
    """Return the run of each snapshot that has one, the newest; records are read only where one may."""
    if not any(item.descriptor.kind == "run" or "run" in item.descriptor.original.tags for item in items):
        return {}
    found: dict[str, Run] = {}
    for run in repository.runs.all(unreadable=[]):
        for snapshot_id in (run.before_snapshot_id, run.after_snapshot_id):
            if snapshot_id is not None:
                found.setdefault(snapshot_id, run)
    return found
