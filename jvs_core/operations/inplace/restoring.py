"""In-place restore: making a worktree equal to a snapshot by changing only what differs.

First the worktree is snapshotted and pinned as it is, then an intent is written, which ``completion`` carries out.
"""

from __future__ import annotations

from collections.abc import Sequence

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.lock.lease import Lease
from jvs_core.control.records import journal, worktree
from jvs_core.errors import InputError
from jvs_core.model import Head, UndoPoint, Worktree
from jvs_core.operations import locking as locks
from jvs_core.operations.context import Context, step
from jvs_core.operations.inplace import completion, pending, saving, unfinished
from jvs_core.operations.inplace.plan import Way, find, is_latest
from jvs_core.operations.locking import Locking
from jvs_core.operations.refs import check_text
from jvs_core.operations.stored import Stored
from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree.entry import text
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress
from jvs_core.results import RestoredInPlace

UNDO_DEPTH = 16


@held_back()
def restore(
    ctx: Context,
    name: str,
    snapshot_id: str,
    *,
    reason: str,
    dry_run: bool,
    locking: Locking,
    progress: Progress,
) -> RestoredInPlace:
    """Make worktree ``name`` equal to a snapshot, which becomes its head. See ``Repository.restore_inplace``."""
    check_reason(reason)
    if dry_run:
        return preview(ctx, name, snapshot_id, find(ctx, name, ctx.stored(snapshot_id), progress))
    ctx = ctx.remembering()
    with locks.writing(ctx, name, locking, purpose="restore") as lease:
        unfinished.require_none_of_another(ctx, name)
        pending.finish_pending(ctx, name, lease, progress)
        record = ctx.worktree(name)
        wanted = ctx.stored(snapshot_id)
        way = find(ctx, name, wanted, progress)
        note = f"before in-place restore of {snapshot_id}: {reason}"
        pre = saving.save_present(
            ctx, name, lease, note, progress, way.present, lambda entry: entry.path in way.steps.seen
        )
        point = undo_point(pre, record, snapshot_id)
        return carry_out(
            ctx,
            name,
            lease,
            "restore",
            wanted,
            way,
            snapshot_id,
            pre,
            (*record.undo, point)[-UNDO_DEPTH:],
            (),
            reason,
            progress,
        )


def check_reason(reason: str) -> None:
    """Raise InputError for an empty ``reason``."""
    if not check_text(reason, "reason").strip():
        raise InputError("an in-place restore needs a reason", hint="--reason TEXT")


def undo_point(
    pre: str, record: Worktree, restored: str, *, path: str | None = None, to: str | None = None
) -> UndoPoint:
    """Return what is to be known of a worktree that was ``record``, is kept in ``pre`` and becomes ``restored``, or a path of it."""
    return UndoPoint(
        snapshot_id=pre,
        head_snapshot_id=record.head_snapshot_id,
        restored_snapshot_id=restored,
        restored_at=clock.timestamp(),
        path=path,
        to=to,
    )


def add_undo_point(ctx: Context, name: str, lease: Lease, point: UndoPoint) -> Head:
    """Record on worktree ``name`` what ``undo`` goes back to, in the critical section, and return the new head."""
    locks.check(ctx, lease)
    record = ctx.worktree(name)
    return worktree.move(
        ctx.layout,
        name,
        record,
        operation="restore",
        token=lease.token,
        snapshot_id=record.head_snapshot_id,
        undo=(*record.undo, point)[-UNDO_DEPTH:],
    )


def carry_out(
    ctx: Context,
    name: str,
    lease: Lease,
    operation: str,
    wanted: Stored,
    way: Way,
    head: str | None,
    pre: str,
    undo: Sequence[UndoPoint],
    redo: Sequence[UndoPoint],
    reason: str,
    progress: Progress,
) -> RestoredInPlace:
    """Bring worktree ``name`` the ``way`` to ``wanted`` and give it ``head`` and both stacks, under an intent.

    ``pre`` is the snapshot that holds the present.
    """
    record = ctx.worktree(name)
    if not is_latest(ctx, record, way.present):
        # Files changed since the look, and the snapshot has them as they are now.
        way = find(ctx, name, wanted, progress)
    with step(progress, "intent"), ctx.critical():
        locks.check(ctx, lease)
        for needed in {wanted.descriptor.snapshot_id, head} - {None}:
            catalog.require_kept(ctx.layout, str(needed))  # from here on the intent keeps it from gc
        intent = ctx.begin(
            unfinished.RESTORE_INTENT,
            worktree=name,
            worktree_id=record.worktree_id,
            fencing_token=lease.token,
            operation_name=operation,
            content=wanted.descriptor.snapshot_id,
            head=head,
            pre=pre,
            undo=[point.model_dump() for point in undo],
            redo=[point.model_dump() for point in redo],
            reason=reason,
            seen_head=ctx.worktree(name).head.number,
            same_owner=ctx.same_owner,
        )
    under_way = completion.Completion(ctx, name, lease, intent, progress)
    try:
        lost = under_way.bring(wanted, way)
        with step(progress, "head"):
            under_way.commit()
    except BaseException:
        journal.leave(ctx.layout, intent)
        raise
    return _answer(ctx, name, wanted.descriptor.snapshot_id, pre, way.changes, lost)


def preview(ctx: Context, name: str, content: str, way: Way) -> RestoredInPlace:
    """Return what going the ``way`` to snapshot ``content`` would change."""
    return _answer(ctx, name, content, None, way.changes, way.given_up)


def _answer(
    ctx: Context,
    name: str,
    snapshot_id: str,
    pre: str | None,
    changes: Changes,
    lost: Sequence[str] = (),
) -> RestoredInPlace:
    return RestoredInPlace(
        snapshot_id=snapshot_id,
        worktree=name,
        path=str(ctx.layout.worktree(name)),
        pre_restore_snapshot_id=pre,
        added=[text(path) for path in changes.added],
        modified=[text(path) for path in changes.modified],
        removed=[text(path) for path in changes.removed],
        degraded=tuple(lost),
    )
