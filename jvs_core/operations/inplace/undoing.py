"""Undo and redo: taking back the last in-place restore of a worktree, and going forward again, each as one action.

Both are in-place restores of what the last one replaced. They refuse where something else happened since, which they would
take back as well: the person restores then, knowing what goes, or insists. Either way the present is kept first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from jvs_core.control.records import pins, worktree
from jvs_core.errors import IntegrityError, NotFound, NothingToUndo
from jvs_core.interrupts import uninterrupted
from jvs_core.model import UndoPoint, Worktree
from jvs_core.operations import locking as locks
from jvs_core.operations.context import Context
from jvs_core.operations.inplace import pending, restoring, saving, unfinished
from jvs_core.operations.inplace.plan import Present, Way, find
from jvs_core.operations.locking import Locking
from jvs_core.operations.refs import check_text
from jvs_core.payload.changes import caches, excluded
from jvs_core.payload.changes.difference import but_for_setuid, compare
from jvs_core.payload.tree.entry import Entry, is_below
from jvs_core.payload.tree.faults import listed
from jvs_core.progress import Progress
from jvs_core.results import RestoredInPlace

Operation = Literal["undo", "redo"]
_FORGET = "undo_forget"
_TAKEN_BACK = {"undo": "in-place restore", "redo": "undo"}


def go(
    ctx: Context,
    name: str,
    operation: Operation,
    *,
    reason: str,
    force: bool,
    dry_run: bool,
    locking: Locking,
    progress: Progress,
) -> RestoredInPlace:
    """Take back the last in-place restore of worktree ``name``, or the last undo. See ``Repository.undo``."""
    check_text(reason, "reason")
    if dry_run:
        point, way = _find(ctx, name, operation, force, progress)
        return restoring.preview(ctx, name, point.snapshot_id, way)
    ctx = ctx.remembering()
    with locks.writing(ctx, name, locking, purpose=operation) as lease:
        unfinished.require_none_of_another(ctx, name)
        pending.finish_pending(ctx, name, lease, progress)
        record = ctx.worktree(name)
        point, way = _find(ctx, name, operation, force, progress)
        note = f"before {operation} of the {_TAKEN_BACK[operation]} to {point.restored_snapshot_id}"
        pre = saving.save_present(
            ctx, name, lease, note, progress, way.present, lambda entry: entry.path in way.steps.seen
        )
        undo, redo = _stacks(record, operation, point, pre)
        return restoring.carry_out(
            ctx,
            name,
            lease,
            operation,
            ctx.stored(point.snapshot_id),
            way,
            point.head_snapshot_id,
            pre,
            undo,
            redo,
            reason,
            progress,
        )


def forget(ctx: Context, name: str, *, locking: Locking) -> int:
    """Give up what can be undone and redone in worktree ``name``, and the pins for it. See ``Repository.forget_undo``.

    A crash leaves all as it was, or pins that go when their time is over.
    """
    with locks.writing(ctx, name, locking, purpose="undo") as lease:
        unfinished.require_none_of_another(ctx, name)
        with uninterrupted(), ctx.critical():
            locks.check(ctx, lease)
            record = ctx.worktree(name)
            points = (*record.undo, *record.redo)
            if not points:
                raise NothingToUndo(f"worktree {name!r} has nothing to undo or redo", hint="jvs history")
            head = worktree.move(
                ctx.layout,
                name,
                record,
                operation=_FORGET,
                token=lease.token,
                snapshot_id=record.head_snapshot_id,
                undo=(),
            )
            ctx.audit(
                _FORGET,
                worktree=name,
                worktree_id=record.worktree_id,
                snapshot_id=record.head_snapshot_id,
                fencing_token=lease.token,
                target=name,
                details={"head": head.to_json(), "forgotten": [point.snapshot_id for point in points]},
            )
            needed = _kept_for(ctx, [each for each in worktree.names(ctx.layout) if each != name])
            for pin in pins.read_all(ctx.layout):
                held = {point.snapshot_id for point in points} - needed
                if pin.lineage and pin.snapshot_id in held:
                    pins.delete(ctx.layout, pin.pin_id)
    return len(points)


def _kept_for(ctx: Context, names: Sequence[str]) -> set[str]:
    """Return the snapshots that an undo or a redo of these worktrees goes back to."""
    records = [ctx.worktree(name) for name in names]
    return {point.snapshot_id for record in records for point in (*record.undo, *record.redo)}


def _find(
    ctx: Context, name: str, operation: Operation, force: bool, progress: Progress
) -> tuple[UndoPoint, Way]:
    record = ctx.worktree(name)
    points = record.undo if operation == "undo" else record.redo
    if not points:
        raise NothingToUndo(
            f"no {_TAKEN_BACK[operation]} of worktree {name!r} to take back", hint="jvs history --all"
        )
    way = find(ctx, name, ctx.stored(points[-1].snapshot_id), progress)
    if not force:
        _require_nothing_since(ctx, name, operation, record, points[-1], way.present)
    return points[-1], way


def _stacks(
    record: Worktree, operation: Operation, point: UndoPoint, pre: str
) -> tuple[Sequence[UndoPoint], Sequence[UndoPoint]]:
    """Return what can be undone and redone afterwards; the present, which ``pre`` holds, moves to the other stack."""
    back = restoring.undo_point(pre, record, point.snapshot_id)
    if operation == "undo":
        return record.undo[:-1], (*record.redo, back)[-restoring.UNDO_DEPTH :]
    return (*record.undo, back)[-restoring.UNDO_DEPTH :], record.redo[:-1]


def _require_nothing_since(
    ctx: Context, name: str, operation: Operation, record: Worktree, point: UndoPoint, present: Present
) -> None:
    """Raise NothingToUndo where a snapshot was taken, or anything but caches changed, since the worktree became what it was."""
    since = "snapshots were taken" if record.head.operation not in unfinished.MOVING else None
    if since is None:
        since = _changed_since(ctx, point, present)
    if since is None:
        return
    what = _TAKEN_BACK[operation]
    raise NothingToUndo(
        f"{since} since the {what} of worktree {name!r} at {point.restored_at}; {operation} would take that back too",
        hint=f"jvs restore {point.snapshot_id} --inplace --force --reason TEXT goes back to the state before,"
        f" and so does jvs {operation} --force; both keep the present in a snapshot",
    )


def _changed_since(ctx: Context, point: UndoPoint, present: Present) -> str | None:
    try:
        left = _left_by(ctx, point)
    except (IntegrityError, NotFound):  # thinned out or damaged: nobody can tell
        return "something may have changed"
    # A folder around a repository, a socket or a device stays, whatever was restored.
    changes = compare(left, present.scan.entries, differ=but_for_setuid)
    changes = excluded.without(changes, present.scan)
    changes = caches.without_those_in(changes, (present.scan.root, present.scan.entries))
    paths = [
        path
        for path in (*changes.added, *changes.modified, *changes.removed)
        if not any(left_out.path.startswith(path) for left_out in present.scan.left_out)
    ]
    return f"these changed ({listed(paths)})" if paths else None


def _left_by(ctx: Context, point: UndoPoint) -> Sequence[Entry]:
    """Return what the worktree was when the restore, undo or redo that made ``point`` was done."""
    restored = ctx.stored(point.restored_snapshot_id).entries
    if point.path is None or point.to is None:
        return restored
    path, to = bytes.fromhex(point.path), bytes.fromhex(point.to)
    before = ctx.stored(point.snapshot_id).entries
    kept = [entry for entry in before if not is_below(entry.path, to)]
    brought = [
        entry._replace(path=to + entry.path[len(path) :]) for entry in restored if is_below(entry.path, path)
    ]
    return sorted([*kept, *brought], key=lambda entry: entry.path)
