"""Making, listing and renaming worktrees."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jvs_core import files
from jvs_core.control.lock import critical
from jvs_core.control.lock.lease import state_of
from jvs_core.control.names import MAIN, check_worktree_name
from jvs_core.control.records import journal, worktree
from jvs_core.errors import AlreadyExists, InputError, JvsError, WorktreeNotFound
from jvs_core.interrupts import uninterrupted
from jvs_core.operations import locking
from jvs_core.operations.context import Context, step
from jvs_core.operations.exclusion import excluded
from jvs_core.operations.inplace import unfinished
from jvs_core.operations.status import status
from jvs_core.payload.tree.removal import require_movable
from jvs_core.progress import SILENT, Progress
from jvs_core.results import WorktreeCreated, WorktreeInfo
from jvs_core.wording import counted

_MOST_LABELS = 20
_LONGEST_LABEL = 1000


def create(
    ctx: Context, name: str, base: str | None, *, labels: Mapping[str, str] | None = None, progress: Progress
) -> WorktreeCreated:
    """Make a worktree from a snapshot, empty when there is none.

    Raises NameInvalid, AlreadyExists, InputError (labels).
    """
    name = check_worktree_name(name)
    _check_labels(labels or {})
    from jvs_core.operations import restore  # only who makes one needs what copies trees

    degraded = restore.new_worktree(
        ctx, name, base, operation="worktree_create", labels=labels, progress=progress
    )
    return WorktreeCreated(
        worktree=name,
        path=str(ctx.layout.worktree(name)),
        base_snapshot_id=base,
        degraded=tuple(degraded),
    )


def listing(
    ctx: Context,
    unreadable: list[str] | None = None,
    *,
    within_s: float | None = None,
    progress: Progress = SILENT,
) -> list[WorktreeInfo]:
    """Return every worktree, ``main`` first; with ``within_s`` also how many paths of each changed, one after the other as long as that.

    What is wrong with those whose record cannot be read goes to ``unreadable``; where that is not given, the first is
    raised: DescriptorCorrupt, or that this user may not read it.
    """
    found = []
    for name in worktree.names(ctx.layout):
        try:
            found.append(_info(ctx, name))
        except WorktreeNotFound:
            continue  # removed since the names were listed
        except (JvsError, OSError) as error:
            if unreadable is None:
                raise
            unreadable.append(_told(name, error))
    return found if within_s is None else _with_changes(ctx, found, unreadable, within_s, progress)


def _with_changes(
    ctx: Context,
    listed: Sequence[WorktreeInfo],
    unreadable: list[str] | None,
    within_s: float,
    progress: Progress,
) -> list[WorktreeInfo]:
    """Look at one worktree after the other until ``within_s`` seconds are over; the count of the others is None."""
    until = time.monotonic() + within_s
    found: list[WorktreeInfo] = []
    left = 0
    with step(progress, "status", len(listed)):
        for info in listed:
            changes = None
            if time.monotonic() >= until and found:
                left += 1
            else:
                try:
                    looked = status(ctx, info.name, SILENT)
                    changes = len(looked.added) + len(looked.modified) + len(looked.removed)
                except (JvsError, OSError) as error:
                    if unreadable is None:
                        raise
                    unreadable.append(f"worktree {info.name!r}: {getattr(error, 'message', error)}")
            found.append(info.model_copy(update={"changes": changes}))
            progress.advanced()
    if left and unreadable is not None:
        unreadable.append(
            f"no time to look at {counted(left, 'worktree')} within {within_s:g} s;"
            " jvs status --worktree NAME looks at one"
        )
    return found


def _told(name: str, error: JvsError | OSError) -> str:
    return error.message if isinstance(error, JvsError) else f"the record of worktree {name!r}: {error}"


def names(ctx: Context) -> list[str]:
    """Return the names of all worktrees, ``main`` first."""
    return worktree.names(ctx.layout)


def get(ctx: Context, name: str) -> WorktreeInfo:
    """Return one worktree as the listing shows it. Raises WorktreeNotFound."""
    return _info(ctx, name)


def label(ctx: Context, name: str, labels: Mapping[str, str]) -> WorktreeInfo:
    """Replace a worktree's labels, durable. Raises WorktreeNotFound, InputError."""
    _check_labels(labels)
    with uninterrupted(), ctx.critical():
        record = ctx.worktree(name)
        # The log first: where a crash comes in between, doctor writes what it says.
        ctx.audit(
            "worktree_label",
            worktree=name,
            worktree_id=record.worktree_id,
            target=name,
            details={"labels": dict(labels), "before": record.labels},
        )
        worktree.relabel(ctx.layout, name, record, labels)
    return _info(ctx, name)


def path(ctx: Context, name: str) -> Path:
    """Return the absolute path of a worktree. Raises WorktreeNotFound."""
    ctx.worktree(name)
    return ctx.layout.worktree(name)


def rename(ctx: Context, old: str, new: str) -> WorktreeInfo:
    """Give a worktree another name, under its lock.

    A crash leaves an intent from which ``doctor`` completes the renaming.

    Raises
    ------
    InputError
        ``main`` keeps its name.
    NameInvalid, AlreadyExists, WorktreeNotFound
        The names do not fit.
    LockConflict
        The worktree is locked, by anyone, or another user's in-place restore of it was cut short.
    """
    record = ctx.worktree(old)
    if old == MAIN:
        raise InputError("the worktree 'main' keeps its name")
    new = check_worktree_name(new)
    source, target = ctx.layout.worktree(old), ctx.layout.worktree(new)
    if os.path.lexists(target) or ctx.layout.worktree_config(new).parent.exists():
        raise AlreadyExists(f"worktree {new!r} already exists", hint="jvs worktree list")
    require_movable(source)
    with excluded(ctx, old, "rename") as held:
        unfinished.require_none_of_another(ctx, old)
        from jvs_core.operations import worktree_removal  # as restore

        worktree_removal.take_back(ctx, record)
        with uninterrupted(), ctx.critical():
            held.check()
            intent = ctx.begin(
                "worktree_rename",
                worktree=old,
                worktree_id=record.worktree_id,
                new_name=new,
            )
            worktree.rename(ctx.layout, old, new)
            critical.require(ctx.layout.repository_lock)
            files.rename_durable(source, target)
            ctx.audit(
                "worktree_rename",
                worktree=new,
                worktree_id=record.worktree_id,
                fencing_token=held.lease.token,
                target=new,
                details={"old_name": old},
            )
            journal.complete(ctx.layout, intent)
    return _info(ctx, new)


def _info(ctx: Context, name: str) -> WorktreeInfo:
    record = ctx.worktree(name)
    return WorktreeInfo(
        name=name,
        path=str(ctx.layout.worktree(name)),
        head_snapshot_id=record.head_snapshot_id,
        base_snapshot_id=record.base_snapshot_id,
        isolation=record.isolation,
        lock_state=state_of(locking.current(ctx, record)),
        labels=record.labels,
        worktree_id=record.worktree_id,
        created_at=record.created_at,
    )


def _check_labels(labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        if len(key) > _LONGEST_LABEL or len(value) > _LONGEST_LABEL or len(labels) > _MOST_LABELS:
            raise InputError(
                f"a worktree has at most {_MOST_LABELS} labels of at most {_LONGEST_LABEL} characters"
            )
