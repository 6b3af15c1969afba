"""Completing or undoing operations that were cut short."""

from __future__ import annotations

import os

from jvs_core import clock, files
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.records import heads, journal, quarantine, worktree
from jvs_core.errors import JvsError
from jvs_core.model import Intent, Worktree
from jvs_core.operations import (
    findings,
    leftovers,
    locking,
    publish,
    refs,
    snapshot,
    temporary_worktrees,
    worktree_removal,
)
from jvs_core.operations.context import Context
from jvs_core.operations.doctor import examination
from jvs_core.operations.inplace import pending
from jvs_core.operations.inplace.unfinished import (
    NEW_PATH_INTENT,
    PATH_INTENT,
    RESTORE_INTENT,
    is_to_be_completed,
)
from jvs_core.operations.log import annotation_differences, differences, report
from jvs_core.operations.views import closing
from jvs_core.operations.views.holding import VIEW
from jvs_core.progress import Progress


def advance_head(ctx: Context, progress: Progress) -> list[str]:
    """Complete the snapshots that were renamed into place (descriptor, head, log); bring heads to what the log says.

    The head of a worktree that was restored since stays where it is. A damaged log is repaired first, since it does not
    say what was completed.
    """
    done: list[str] = []
    if not report.check(ctx).ok:
        return done
    for snapshot_id, descriptor in sorted(leftovers.unfinished(ctx, ledgers.read(ctx.layout))):
        name = _name_of(ctx, descriptor.worktree_id)
        if name is None:  # its worktree is gone: there is no head to move
            with ctx.critical():
                publish.recover(ctx, descriptor.worktree, None, descriptor, progress, move_head=False)
            done.append(snapshot_id)
            continue
        with locking.writing(ctx, name, locking.Locking(take=True), purpose="repair"), ctx.critical():
            intent = _to_publish(ctx, snapshot_id)
            if intent is None:
                continue  # somebody else completed it meanwhile
            record = ctx.worktree(name)
            behind = (
                record.head_snapshot_id == descriptor.parent_snapshot_id
                and record.head.number < heads.LAST  # a planted one; the log's comes back below
                and not _went_on(record, intent)
            )
            publish.recover(ctx, name, record, descriptor, progress, move_head=behind)
            journal.complete(ctx.layout, intent)
        done.append(snapshot_id)
    return [*done, *differences.put_back(ctx), *annotation_differences.put_back(ctx)]


def _to_publish(ctx: Context, snapshot_id: str) -> Intent | None:
    found = (intent for intent in journal.pending(ctx.layout)[0] if intent.snapshot_id == snapshot_id)
    return next((intent for intent in found if intent.operation == leftovers.SNAPSHOT_INTENT), None)


def _went_on(record: Worktree, intent: Intent) -> bool:
    """Return whether a worktree was restored in place after the snapshot of the intent was begun."""
    begun = clock.parse(intent.started_at)
    return any(clock.parse(point.restored_at) > begun for point in (*record.undo, *record.redo))


def finish_restore(ctx: Context, progress: Progress) -> list[str]:
    """Roll interrupted in-place restores forward."""
    done = []
    for intent in leftovers.abandoned(ctx):
        name = _name_of(ctx, intent.worktree_id) if intent.worktree_id else None
        if name is None or intent.operation not in (RESTORE_INTENT, PATH_INTENT):
            continue
        if not journal.is_own(intent):
            continue
        with locking.writing(ctx, name, locking.Locking(take=True), purpose="repair") as lease:
            done += [finished.intent_id for finished in pending.finish_pending(ctx, name, lease, progress)]
    return done


def set_aside(ctx: Context, progress: Progress) -> list[str]:
    """Cancel other users' unfinished in-place restores, and quarantine folders in ``snapshots/`` that are no snapshots.

    The worktree is snapshotted as it is, and the restore is not carried out. Nothing is deleted.
    """
    done = []
    for intent in leftovers.abandoned(ctx):
        if journal.is_own(intent) or not is_to_be_completed(ctx, intent):
            continue
        snapshot.take(
            ctx,
            str(intent.worktree),
            note=f"set aside: an in-place restore by {intent.holder_id} that was interrupted",
            tags=("set-aside",),
            consistency="prefer_quiesced",
            kind="restore",
            locking=locking.Locking(take=True),
            progress=progress,
        )
        done.append(intent.intent_id)
    with ctx.critical():
        unknown = [
            found for found in examination.examine(ctx) if found.code == findings.SNAPSHOT_UNKNOWN.code
        ]
        for found in unknown:
            place = ctx.layout.snapshots / found.target
            if found.repair == "set_aside" and place.parent == ctx.layout.snapshots:
                quarantine.put(ctx.layout, place, found.target)
                done.append(f".jvs/snapshots/{found.target}")
    return done


def clean_intents(ctx: Context, progress: Progress) -> list[str]:
    """Undo or complete abandoned operations, then remove their intents."""
    unfinished = {key for key, _ in leftovers.unlogged(ctx.layout, ledgers.read(ctx.layout))}
    done = []
    # A temporary worktree comes last: making it, or a snapshot of it, may have been cut short as well.
    own = [intent for intent in leftovers.abandoned(ctx) if journal.is_own(intent)]
    for intent in sorted(own, key=temporary_worktrees.is_temporary):
        if intent.operation in (RESTORE_INTENT, PATH_INTENT) or (
            intent.operation == leftovers.SNAPSHOT_INTENT and intent.snapshot_id in unfinished
        ):
            continue
        if temporary_worktrees.is_temporary(intent):
            done += [intent.intent_id] if temporary_worktrees.clean(ctx, intent, progress) else []
            continue
        if intent.operation == VIEW:
            done += [intent.intent_id] if closing.clean(ctx, intent) else []
            continue
        if intent.operation == NEW_PATH_INTENT:
            done += [intent.intent_id] if pending.drop_copy(ctx, intent) else []
            continue
        with ctx.critical():
            if not journal.is_dead(ctx.layout, ctx.settings, intent):
                continue  # it gave a sign of life meanwhile
            if not _resolve(ctx, intent):
                continue
            journal.complete(ctx.layout, intent)
        done.append(intent.intent_id)
    for name in journal.pending(ctx.layout)[1]:
        place = ctx.layout.intents / name
        files.rename_durable(place, place.with_name(f"{name}.unreadable"))
        done.append(name)
    return done


def _resolve(ctx: Context, intent: Intent) -> bool:
    """Undo or complete one operation, and return whether its intent may go."""
    if intent.operation in (refs.CREATE, refs.DELETE):
        refs.reconcile(ctx, intent)
    name = intent.worktree
    if name is None:
        return True
    registered = ctx.layout.worktree_config(name).exists()
    folder = ctx.layout.worktree(name)
    if intent.operation in ("restore", "worktree_create") and registered and not os.path.lexists(folder):
        worktree.unregister(ctx.layout, name)  # never reported: its folder is still under the temporary name
    elif intent.operation == "worktree_rename":
        new = str(intent.details["new_name"])
        worktree.finish_rename(ctx.layout, name, new)
        if ctx.layout.worktree_config(new).exists():
            files.finish_rename(folder, ctx.layout.worktree(new))
        if (
            ctx.layout.worktree_config(new).exists()
            and folder.exists()
            and not ctx.layout.worktree(new).exists()
        ):
            files.rename_durable(folder, ctx.layout.worktree(new))
        _tell_log(ctx, intent)
    elif intent.operation == leftovers.REMOVAL:
        if not worktree_removal.finish(ctx, intent):
            return False
        _tell_log(ctx, intent)
    return True


def _tell_log(ctx: Context, intent: Intent) -> None:
    """Write the log record of a worktree's removal or new name, if a crash came before it."""
    worktree_id = str(intent.worktree_id)
    logged, now = ledgers.read(ctx.layout).worktrees.get(worktree_id), _name_of(ctx, worktree_id)
    if logged is None or logged == now or (now is None) != (intent.operation == "worktree_remove"):
        return
    ctx.audit(
        intent.operation,
        worktree=now or logged,
        worktree_id=worktree_id,
        target=now or logged,
        details={"recovered": True, **({"old_name": logged} if now else {})},
    )


def _name_of(ctx: Context, worktree_id: str) -> str | None:
    for name in worktree.names(ctx.layout):
        try:
            if ctx.worktree(name).worktree_id == worktree_id:
                return name
        except JvsError:
            continue
    return None
