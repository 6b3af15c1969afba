"""Finding the unfinished in-place restores of a worktree, and how far each came."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress

from jvs_core.control.records import journal
from jvs_core.errors import JvsError, LockConflict
from jvs_core.model import Head, Intent
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.payload.changes.difference import compare
from jvs_core.payload.tree.entry import Entry
from jvs_core.results import Unfinished

RESTORE_INTENT = "restore_inplace"
PATH_INTENT = "restore_path"
NEW_PATH_INTENT = "restore_new_path"
# The operations that move a head by restoring in place.
MOVING = ("restore", "undo", "redo")


def how_far(ctx: Context, intent: Intent, present: Sequence[Entry]) -> tuple[int, int]:
    """Return how many of the paths that a restore changes are restored already, and how many there are."""
    wanted = stored.entries(ctx.layout, intent.details["content"])
    total = _count(stored.entries(ctx.layout, intent.details["pre"]), wanted)
    return max(0, total - _count(present, wanted)), total


def unfinished(ctx: Context, name: str, present: Sequence[Entry]) -> Unfinished | None:
    """Return the in-place restore of worktree ``name`` that is unfinished: under way, or cut short."""
    for intent in journal.pending(ctx.layout)[0]:
        if intent.worktree == name and is_to_be_completed(ctx, intent):
            restored, total = None, None
            with suppress(JvsError):  # a snapshot that it needs is gone or damaged: doctor says so
                restored, total = how_far(ctx, intent, present)
            return Unfinished(
                operation=intent.details["operation_name"],
                snapshot_id=intent.details["content"],
                holder_id=intent.holder_id,
                started_at=intent.started_at,
                under_way=journal.state(intent, ctx.settings) is not False,
                own=journal.is_own(intent),
                restored=restored,
                total=total,
            )
    return None


def _count(before: Sequence[Entry], after: Sequence[Entry]) -> int:
    changes = compare(before, after)
    return len({*changes.added, *changes.modified, *changes.removed})


def moved_by(head: Head, intent: Intent) -> bool:
    """Return whether a restore moved the head: the head has its lease and the snapshot that it wanted."""
    if head.operation not in MOVING or head.fencing_token != intent.fencing_token:
        return False
    if intent.operation == PATH_INTENT:
        return True
    own = 1 if intent.details["own_snapshot"] is not None else 0
    return head.number - int(intent.details["seen_head"]) in range(1, 2 + own)


def stands(intent: Intent, head: Head) -> bool:
    """Return whether the head was moved by the restore itself, if at all, since its intent was written."""
    seen, own = intent.details["seen_head"], intent.details["own_snapshot"]
    return head.number == seen or (own is not None and (head.number, head.snapshot_id) == (seen + 1, own))


def is_to_be_completed(ctx: Context, intent: Intent) -> bool:
    """Return whether an intent is that of an in-place restore into a worktree whose head has not moved since."""
    if intent.operation != RESTORE_INTENT or intent.worktree is None:
        return False
    try:
        record = ctx.worktree(intent.worktree)
    except JvsError:
        return False
    return record.worktree_id == intent.worktree_id and stands(intent, record.head)


def require_none_of_another(ctx: Context, name: str) -> None:
    """Raise LockConflict where another user's in-place restore into worktree ``name`` was cut short."""
    for said in _of_another(ctx, name):
        raise LockConflict(
            said,
            hint="to complete it, that user runs: jvs doctor --repair finish_restore; to cancel it, run: jvs doctor --repair set_aside",
        )


def warn_of_another(ctx: Context, name: str) -> None:
    """Log a warning where ``require_none_of_another`` would refuse: the worktree may be a mix of two versions."""
    for said in _of_another(ctx, name):
        logging.getLogger("jvs").warning("%s", said)


def _of_another(ctx: Context, name: str) -> list[str]:
    return [
        f"an in-place restore of worktree {name!r} by {intent.holder_id} (uid {intent.uid}) was interrupted"
        for intent in journal.pending(ctx.layout)[0]
        if intent.worktree == name
        and not journal.is_own(intent)
        and is_to_be_completed(ctx, intent)
        and journal.state(intent, ctx.settings) is False
    ]
