"""How a worktree differs from its head, as ``jvs status`` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.control.records import journal
from jvs_core.operations import locking
from jvs_core.operations.clean_look import CleanLook
from jvs_core.payload.work.collector import held_back
from jvs_core.results import Status

if TYPE_CHECKING:
    from jvs_core.operations.context import Context
    from jvs_core.progress import Progress


@held_back()
def status(ctx: Context, name: str, progress: Progress) -> Status:
    """Return how worktree ``name`` differs from its head. Changes nothing but what is remembered of the worktree."""
    record = ctx.worktree(name)
    look = CleanLook(ctx, name, record, "status", progress)
    shown = Status(
        worktree=name,
        path=str(look.root),
        head_snapshot_id=record.head_snapshot_id,
        lock_state=locking.status(ctx, name).state,
        clean=True,
        added=[],
        modified=[],
        removed=[],
    )
    unfinished = any(intent.worktree == name for intent in journal.pending(ctx.layout)[0])
    if look.is_clean() and not unfinished:
        return shown
    return _in_full(ctx, look, shown)


def _in_full(ctx: Context, look: CleanLook, shown: Status) -> Status:
    """Return ``shown`` with what the look finds in every entry."""
    from jvs_core.operations import stored
    from jvs_core.operations.inplace.unfinished import unfinished
    from jvs_core.payload.changes import caches as known_caches
    from jvs_core.payload.changes import excluded
    from jvs_core.payload.changes.difference import but_for_setuid, compare
    from jvs_core.payload.tree.entry import text

    now = look.described()
    head_id = shown.head_snapshot_id
    head = stored.entries(ctx.layout, head_id)
    changes = excluded.without(compare(head, now.entries, differ=but_for_setuid), now)
    in_caches: set[bytes] = set()
    if changes:
        old = [] if head_id is None else [(ctx.layout.payload(head_id), head)]
        in_caches = known_caches.those_in(changes, *old, (look.root, now.entries))
    else:
        look.was_clean()
    return shown.model_copy(
        update={
            "clean": not changes,
            "added": [text(path) for path in changes.added],
            "modified": [text(path) for path in changes.modified],
            "removed": [text(path) for path in changes.removed],
            "caches": [text(path) for path in sorted(in_caches)],
            "unfinished": unfinished(ctx, shown.worktree, now.entries),
            "but_caches": len(changes.added) + len(changes.modified) + len(changes.removed) - len(in_caches),
        }
    )
