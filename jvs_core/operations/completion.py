"""Bringing a worktree to what an intent says it is to become: at once, or by whoever comes after a crash.

An edit made on the way is never replaced before a snapshot holds it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from jvs_core import clock, files
from jvs_core.control import journal, pins, process, worktree
from jvs_core.control.lock import Lease
from jvs_core.errors import ConsistencyUnavailable, PayloadHashMismatch
from jvs_core.model import Intent
from jvs_core.operations import locks
from jvs_core.operations.context import Context, step
from jvs_core.operations.publish import Request, publish
from jvs_core.operations.stored import Stored
from jvs_core.operations.way import Way, find, look
from jvs_core.payload import converge
from jvs_core.payload.entry import FOLDER
from jvs_core.payload.extract import is_leftover, remove_leftover
from jvs_core.payload.faults import listed
from jvs_core.progress import Progress

RESTORE_INTENT = "restore_inplace"
PATH_INTENT = "restore_path"
NEW_PATH_INTENT = "restore_new_path"
PRE_RESTORE_TAG = "pre-restore"
_ROUNDS = 4


def finish_pending(ctx: Context, name: str, lease: Lease, progress: Progress) -> list[Intent]:
    """Complete the restores into worktree ``name`` that a crash interrupted, and return their intents.

    The caller holds the lock and the session's turn, so whoever began an in-place one is dead or fenced. What it had to
    keep or to give up is logged as a warning.

    Raises PayloadHashMismatch when the wanted snapshot is damaged; the worktree is then as it was before the restore.
    """
    record = ctx.worktree(name)
    found = [
        intent
        for intent in journal.pending(ctx.layout)[0]
        if intent.worktree_id == record.worktree_id
        and (
            intent.operation in (RESTORE_INTENT, PATH_INTENT)
            or (intent.operation == NEW_PATH_INTENT and process.is_running(intent, ctx.settings) is False)
        )
    ]
    for intent in found:
        if intent.operation != RESTORE_INTENT:
            leftover = ctx.layout.worktree(name) / os.fsdecode(bytes.fromhex(intent.details["temporary"]))
            remove_leftover(leftover.parent, leftover.name)
            journal.complete(ctx.layout, intent)
            continue
        kept = _save_later_edits(ctx, name, lease, intent, progress)
        wanted = ctx.stored(intent.details["content"])
        kept += bring(ctx, name, lease, intent, wanted, None, progress)
        commit(ctx, name, lease, intent)
        _tell(f"completed the interrupted in-place restore of worktree {name!r}", kept)
    return found


def bring(
    ctx: Context,
    name: str,
    lease: Lease,
    intent: Intent,
    wanted: Stored,
    way: Way | None,
    progress: Progress,
) -> list[str]:
    """Go the ``way`` to ``wanted``, and again where edits overtook it; return what there is to say, one line each.

    None stands for a way still to be found.

    Raises
    ------
    ConsistencyUnavailable
        Files kept changing. The restore is completed by whoever holds the lock next.
    PayloadHashMismatch
        ``wanted`` is damaged; the worktree is as it was before.
    """
    try:
        return _forward(ctx, name, lease, intent, wanted, way, progress)
    except PayloadHashMismatch:
        before = ctx.stored(intent.details["pre"])
        said = _forward(ctx, name, lease, intent, before, None, progress)
        journal.complete(ctx.layout, intent, durable=True)
        if said:
            _tell(f"took back the in-place restore of worktree {name!r} to a damaged snapshot", said)
        raise


def commit(ctx: Context, name: str, lease: Lease, intent: Intent) -> None:
    """Record that the worktree is what the intent wanted, and complete it."""
    details = intent.details
    with files.uninterrupted(), ctx.critical():
        locks.check(ctx, lease)
        record = ctx.worktree(name)
        worktree.update(
            ctx.layout, name, record.changed(head_snapshot_id=details["head"], undo=tuple(details["undo"]))
        )
        ctx.audit(
            details["operation_name"],
            worktree=name,
            worktree_id=record.worktree_id,
            snapshot_id=details["content"],
            fencing_token=lease.token,
            target=name,
            reason=details["reason"] or None,
            details={
                "inplace": True,
                "head_snapshot_id": details["head"],
                "pre_restore_snapshot_id": details["pre"],
            },
        )
        # Rolled forward once more after a power cut, it would take back what was done since.
        journal.complete(ctx.layout, intent, durable=True)


def pin(ctx: Context, snapshot_id: str, reason: str) -> None:
    """Keep a snapshot from gc for as long as an undo is promised."""
    expires = clock.timestamp(clock.now_ms() + pins.UNDO_MS)
    with ctx.critical():
        pins.create(
            ctx.layout,
            snapshot_id,
            reason=reason,
            by=ctx.settings.holder_id,
            expires_at=expires,
            lineage=True,
        )


def _forward(
    ctx: Context,
    name: str,
    lease: Lease,
    intent: Intent,
    wanted: Stored,
    way: Way | None,
    progress: Progress,
) -> list[str]:
    way = way or find(ctx, name, wanted, progress)
    said = list(way.given_up)
    root = ctx.layout.worktree(name)
    for _ in range(_ROUNDS):
        with step(progress, "converge"), wanted.read():
            applied = converge.apply(
                root, wanted.payload, way.steps, check=lambda: locks.check(ctx, lease), progress=progress
            )
        if not applied.overtaken:
            break
        said += _save_later_edits(ctx, name, lease, intent, progress)
        way = find(ctx, name, wanted, progress)
    else:
        raise ConsistencyUnavailable(
            f"files kept changing while they were to be replaced: {listed(applied.overtaken)}",
            hint="end what writes to them; the next command that holds the lock completes the restore",
        )
    with step(progress, "settle"):
        ctx.engine().settle(root)
    return [*said, *applied.losses()]


def _save_later_edits(ctx: Context, name: str, lease: Lease, intent: Intent, progress: Progress) -> list[str]:
    """Snapshot and pin the worktree when it holds anything that neither the wanted nor the pre-restore snapshot holds."""
    known = {
        (entry.path, entry.kind, entry.target, entry.sha256)
        for snapshot_id in (intent.details["content"], intent.details["pre"])
        for entry in ctx.stored(snapshot_id).entries
    }
    present = look(ctx, name, progress)
    later = [
        entry
        for entry in present.scan.entries
        if entry.kind != FOLDER
        and (entry.path, entry.kind, entry.target, entry.sha256) not in known
        and not is_leftover(entry.path)
    ]
    if not later:
        return []
    note = f"edits made during an in-place restore of {intent.details['content']}"
    request = Request(note, (PRE_RESTORE_TAG,), "quiesced")
    snapshot_id = publish(ctx, name, request, lease, progress, found=present.found).snapshot_id
    pin(ctx, snapshot_id, note)
    paths = listed([entry.path for entry in later])
    return [f"edits made meanwhile are replaced, and kept in snapshot {snapshot_id}: {paths}"]


def _tell(what: str, said: Sequence[str]) -> None:
    import logging  # seldom needed, and 2 ms

    logging.getLogger("jvs").warning("%s", "; ".join([what, *said]))
