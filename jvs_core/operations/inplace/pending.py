"""Completing or clearing what interrupted commands left in a worktree; the next holder of its lock does it."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace

from jvs_core import files
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.lock.lease import Lease
from jvs_core.control.names import inside
from jvs_core.control.records import journal
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Intent, Worktree
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.completion import PRE_RESTORE_TAG, Completion, pin, tell
from jvs_core.operations.inplace.plan import look
from jvs_core.operations.inplace.unfinished import (
    NEW_PATH_INTENT,
    PATH_INTENT,
    RESTORE_INTENT,
    moved_by,
    stands,
)
from jvs_core.operations.publication import Request
from jvs_core.operations.publish import publish
from jvs_core.payload.copy.single import LEFTOVER_PREFIX, remove_leftover
from jvs_core.payload.tree.entry import FOLDER
from jvs_core.payload.tree.faults import listed
from jvs_core.progress import Progress


def finish_pending(ctx: Context, name: str, lease: Lease, progress: Progress) -> list[Intent]:
    """Complete the restores into worktree ``name`` that a crash interrupted, and return their intents.

    The caller holds the lock and the session's turn, so whoever began an in-place one is dead or fenced. What had to
    be kept or given up is logged as a warning.

    Raises PayloadHashMismatch when the wanted snapshot is damaged; the worktree is then as it was before the restore.
    """
    record = ctx.worktree(name)
    found = [
        intent
        for intent in journal.pending(ctx.layout)[0]
        if intent.worktree_id == record.worktree_id
        and journal.is_own(intent)
        and (
            intent.operation in (RESTORE_INTENT, PATH_INTENT)
            or (intent.operation == NEW_PATH_INTENT and journal.state(intent, ctx.settings) is False)
        )
    ]
    for intent in found:
        if intent.operation != NEW_PATH_INTENT:
            log_own_head(ctx, name, intent)
        if intent.operation == RESTORE_INTENT:
            if not stands(intent, ctx.worktree(name).head):
                if not moved_by(ctx.worktree(name).head, intent):
                    tell(f"an in-place restore of worktree {name!r} is outdated, and JVS cancels it", [])
                journal.complete(ctx.layout, intent)
                continue
            wanted = ctx.stored(intent.details["content"])
            asked = replace(ctx, same_owner=bool(intent.details.get("same_owner")))
            completion = Completion(asked, name, lease, intent, progress)
            kept = [*completion.save_later_edits(), *completion.bring(wanted)]
            completion.commit()
            tell(f"completed the interrupted in-place restore of worktree {name!r}", kept)
        else:
            if intent.operation == PATH_INTENT:
                note = "saved while a path was restored, which was cut short"
                save_taken_out(ctx, name, lease, intent, progress, note)
            drop_copy(ctx, intent)
    clear_dead_snapshots(ctx, record)
    return found


def save_taken_out(
    ctx: Context, name: str, lease: Lease, intent: Intent, progress: Progress, note: str
) -> None:
    """Snapshot the worktree if the file that a path restore took out is in no snapshot: a save from just before."""
    held = {
        (entry.kind, entry.target, entry.sha256)
        for snapshot_id in (intent.snapshot_id, intent.details.get("pre"))
        if snapshot_id is not None and catalog.exists(ctx.layout, snapshot_id)
        for entry in ctx.stored(snapshot_id).entries
    }
    left = bytes.fromhex(intent.details["temporary"])
    present = look(ctx, name, progress)
    saved = [
        entry.path
        for entry in present.scan.entries
        if (entry.path == left or entry.path.startswith(left + b"/"))
        and entry.kind != FOLDER
        and (entry.kind, entry.target, entry.sha256) not in held
    ]
    if saved:
        request = Request(note, (PRE_RESTORE_TAG,), "quiesced", "restore")
        taken = publish(ctx, name, request, lease, progress, found=present.found)
        pin(ctx, taken.snapshot_id, note)
        tell(f"{note}: kept in snapshot {taken.snapshot_id}", [listed(saved)])


def log_own_head(ctx: Context, name: str, intent: Intent) -> None:
    """Write the log record of an interrupted restore that moved the head, if a crash came before it."""
    with uninterrupted(), ctx.critical():
        record = ctx.worktree(name)
        logged = ledgers.read(ctx.layout).heads.get(record.worktree_id, {})
        if not moved_by(record.head, intent) or record.head.number != logged.get("number", 0) + 1:
            return
        ctx.audit(
            record.head.operation,
            worktree=name,
            worktree_id=record.worktree_id,
            snapshot_id=intent.details.get("content", record.head_snapshot_id),
            fencing_token=record.head.fencing_token,
            target=name,
            reason=intent.details.get("reason") or None,
            details={"inplace": True, "recovered": True, "head": record.head.to_json()},
        )


def clear_dead_snapshots(ctx: Context, record: Worktree) -> None:
    """Remove what the caller's snapshots of a worktree left when they died before they were published.

    First, in the critical section, the intent is removed and the temporary folder renamed: nobody else clears it then.
    """
    for intent in journal.pending(ctx.layout)[0]:
        if intent.operation != "snapshot" or intent.worktree_id != record.worktree_id:
            continue
        if not journal.is_own(intent) or journal.state(intent, ctx.settings) is not False:
            continue
        own = str(intent.snapshot_id)
        if os.path.lexists(ctx.layout.snapshot(own)):
            continue  # in place, and not in the log: doctor completes it
        temporary = ctx.layout.snapshots / f"{own}{files.TEMPORARY_SUFFIX}"
        claimed = temporary.with_name(f".{own}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}")
        with uninterrupted(), ctx.critical():
            if not journal.is_dead(ctx.layout, ctx.settings, intent):
                continue  # it gave a sign of life meanwhile
            journal.complete(ctx.layout, intent)
            files.unlink(ctx.layout.descriptors / f"{own}.json{files.TEMPORARY_SUFFIX}", missing_ok=True)
            if os.path.lexists(temporary):
                files.rename(temporary, claimed)
        ctx.removal_engine().remove(claimed)


def drop_copy(ctx: Context, intent: Intent) -> bool:
    """Remove what an interrupted restore of one path left under a temporary name, and its intent; say whether it did.

    First, in the critical section, the copy is renamed and gets an intent of the caller's own: a process still at work
    finds neither. Without the lock of the worktree, a restore that gave a sign of life meanwhile is left alone.
    """
    assert intent.worktree is not None
    top = ctx.layout.worktree(intent.worktree)
    place = top / os.fsdecode(bytes.fromhex(intent.details["temporary"]))
    left = inside(ctx.layout.root, place.parent) / place.name  # it may be a link itself
    claimed = left.with_name(f"{LEFTOVER_PREFIX}{secrets.token_hex(8)}")
    with uninterrupted(), ctx.critical():
        if intent.operation == NEW_PATH_INTENT and not journal.is_dead(ctx.layout, ctx.settings, intent):
            return False
        if not os.path.lexists(left):
            journal.complete(ctx.layout, intent)
            return True
        own = ctx.begin(
            NEW_PATH_INTENT,
            worktree=intent.worktree,
            worktree_id=intent.worktree_id,
            temporary=os.fsencode(claimed.relative_to(top)).hex(),
        )
        journal.complete(ctx.layout, intent)
        files.rename(left, claimed)
    remove_leftover(claimed.parent, claimed.name)
    journal.complete(ctx.layout, own)
    return True
