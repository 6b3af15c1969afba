"""Making, listing, renaming and removing worktrees."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from jvs_core import files
from jvs_core.control import journal, lock, process, worktree
from jvs_core.control.lock import Lease
from jvs_core.control.names import MAIN, check_worktree_name
from jvs_core.errors import AlreadyExists, InputError, UnsavedChanges
from jvs_core.model import Worktree
from jvs_core.operations import compare, locks, restore
from jvs_core.operations.context import Context, step
from jvs_core.progress import Progress
from jvs_core.results import WorktreeCreated, WorktreeInfo

# Intents that stand as long as a worktree that was made for one piece of work.
PASSING = ("sandbox", "isolated_run")
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
    degraded = restore.new_worktree(
        ctx, name, base, operation="worktree_create", labels=labels, progress=progress
    )
    return WorktreeCreated(
        worktree=name,
        path=str(ctx.layout.worktree(name)),
        base_snapshot_id=base,
        degraded=tuple(degraded),
    )


def listing(ctx: Context) -> list[WorktreeInfo]:
    """Return every worktree, ``main`` first."""
    return [_info(ctx, name) for name in worktree.names(ctx.layout)]


def names(ctx: Context) -> list[str]:
    """Return the names of all worktrees, ``main`` first."""
    return worktree.names(ctx.layout)


def get(ctx: Context, name: str) -> WorktreeInfo:
    """Return one worktree as the listing shows it. Raises WorktreeNotFound."""
    return _info(ctx, name)


def label(ctx: Context, name: str, labels: Mapping[str, str]) -> WorktreeInfo:
    """Replace a worktree's labels, durable. Raises WorktreeNotFound, InputError."""
    _check_labels(labels)
    with files.uninterrupted(), ctx.critical():
        record = ctx.worktree(name)
        worktree.update(ctx.layout, name, record.changed(labels=dict(labels)))
        ctx.audit(
            "worktree_label",
            worktree=name,
            worktree_id=record.worktree_id,
            target=name,
            details={"labels": dict(labels), "before": record.labels},
        )
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
        The worktree is locked, by anyone.
    """
    record = ctx.worktree(old)
    if old == MAIN:
        raise InputError("the worktree 'main' keeps its name")
    new = check_worktree_name(new)
    source, target = ctx.layout.worktree(old), ctx.layout.worktree(new)
    if os.path.lexists(target) or ctx.layout.worktree_config(new).parent.exists():
        raise AlreadyExists(f"worktree {new!r} exists already", hint="jvs worktree list")
    lease = _exclude_writers(ctx, old, record, "rename")
    try:
        with files.uninterrupted(), ctx.critical():
            intent = journal.begin(
                ctx.layout,
                ctx.settings,
                "worktree_rename",
                worktree=old,
                worktree_id=record.worktree_id,
                new_name=new,
            )
            worktree.rename(ctx.layout, old, new)
            files.rename_durable(source, target)
            ctx.audit(
                "worktree_rename",
                worktree=new,
                worktree_id=record.worktree_id,
                fencing_token=lease.token,
                target=new,
                details={"old_name": old},
            )
            journal.complete(ctx.layout, intent)
    finally:
        lock.release(ctx.layout, lease)
    return _info(ctx, new)


def remove(ctx: Context, name: str, *, force: bool, progress: Progress) -> None:
    """Remove a worktree, under its lock; its snapshots stay.

    The folder is renamed out of sight, then deleted. A crash leaves an intent from which ``doctor`` completes it.

    Raises
    ------
    InputError
        ``main`` cannot be removed.
    WorktreeNotFound
        There is none of that name.
    LockConflict
        The worktree is locked, by anyone; ``force`` does not help.
    UnsavedChanges
        It holds changes that no snapshot holds, and ``force`` was not given.
    """
    record = ctx.worktree(name)
    if name == MAIN:
        raise InputError(
            "the worktree 'main' cannot be removed", hint="remove the whole folder of the repository"
        )
    target = ctx.layout.worktree(name)
    lease = _exclude_writers(ctx, name, record, "remove")
    try:
        if not force and target.is_dir():
            _require_saved(ctx, name, progress)
        gone = target.with_name(f".{name}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}")
        with files.uninterrupted(), ctx.critical():
            intent = journal.begin(
                ctx.layout,
                ctx.settings,
                "worktree_remove",
                worktree=name,
                worktree_id=record.worktree_id,
                temporary=gone.name,
            )
            if os.path.lexists(target):
                files.rename_durable(target, gone)
            worktree.unregister(ctx.layout, name)
            _drop_intents(ctx, name)
            ctx.audit(
                "worktree_remove",
                worktree=name,
                worktree_id=record.worktree_id,
                snapshot_id=record.head_snapshot_id,
                fencing_token=lease.token,
                target=name,
                details={"force": force},
            )
    except BaseException:
        if ctx.layout.worktree_config(name).exists():
            lock.release(ctx.layout, lease)
        raise
    with step(progress, "delete"):
        ctx.engine().remove(gone)
        forget(ctx, record)
        journal.complete(ctx.layout, intent)


def forget(ctx: Context, record: Worktree) -> None:
    """Remove the leases, the session's secret and the stat cache of a worktree that is gone."""
    for token in lock.tokens(ctx.layout, record.worktree_id):
        (ctx.layout.locks(record.worktree_id) / str(token)).unlink(missing_ok=True)
    if ctx.layout.locks(record.worktree_id).is_dir():
        ctx.layout.locks(record.worktree_id).rmdir()
    ctx.session(record.worktree_id).forget()
    ctx.index(record.worktree_id).forget()


def _drop_intents(ctx: Context, name: str) -> None:
    """Complete what dead processes began in a worktree that was to go anyway; a live one does so itself."""
    for intent in journal.pending(ctx.layout)[0]:
        if (
            intent.operation in PASSING
            and intent.worktree == name
            and process.is_running(intent, ctx.settings) is False
        ):
            journal.complete(ctx.layout, intent)


def _require_saved(ctx: Context, name: str, progress: Progress) -> None:
    found = compare.status(ctx, name, progress)
    changed = [*found.added, *found.modified, *found.removed]
    if changed:
        shown = ", ".join(changed[:3]) + (", …" if len(changed) > 3 else "")
        raise UnsavedChanges(
            f"worktree {name!r} holds {len(changed)} changes that no snapshot holds: {shown}",
            hint=f"jvs snapshot --lock --worktree {name}, or: jvs worktree remove {name} --force",
        )


def _exclude_writers(ctx: Context, name: str, record: Worktree, purpose: str) -> Lease:
    """Take the lock for the caller alone, unseen by its session, so that nobody writes meanwhile."""
    locks.refuse_if_held(ctx, record)
    ctx.layout.complete()
    return lock.acquire(
        ctx.layout,
        ctx.settings,
        ctx.config.lease,
        worktree=name,
        worktree_id=record.worktree_id,
        lease_ms=ctx.config.lease.duration_ms,
        purpose=purpose,
        floor=0,
        own=ctx.session(record.worktree_id).load(),
    )[0]


def _info(ctx: Context, name: str) -> WorktreeInfo:
    record = ctx.worktree(name)
    return WorktreeInfo(
        name=name,
        path=str(ctx.layout.worktree(name)),
        head_snapshot_id=record.head_snapshot_id,
        base_snapshot_id=record.base_snapshot_id,
        isolation=record.isolation,
        lock_state=lock.state(locks.current(ctx, record)),
        labels=record.labels,
    )


def _check_labels(labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        if len(key) > _LONGEST_LABEL or len(value) > _LONGEST_LABEL or len(labels) > _MOST_LABELS:
            raise InputError(
                f"a worktree has at most {_MOST_LABELS} labels of at most {_LONGEST_LABEL} characters"
            )
