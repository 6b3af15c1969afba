"""Removing a worktree: its folder is renamed away, checked for unsaved changes once more, and then deleted.

The removal can be undone until the worktree is unregistered. Until then whatever fails, or ``doctor`` after a crash,
puts the folder back; from then on the rest of it is deleted, by ``doctor`` where it must.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from jvs_core import files
from jvs_core.control.lock import lease_files
from jvs_core.control.names import MAIN
from jvs_core.control.records import journal, worktree
from jvs_core.errors import (
    AlreadyExists,
    EngineFailed,
    InputError,
    LockConflict,
    UnsavedChanges,
    WorktreeNotFound,
)
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Intent, Worktree
from jvs_core.operations import compare, last_snapshot, leftovers, locking
from jvs_core.operations.context import Context, step
from jvs_core.operations.exclusion import Exclusion, excluded
from jvs_core.operations.inplace import unfinished
from jvs_core.operations.log import lost
from jvs_core.payload.tree.removal import require_movable, require_unmounted
from jvs_core.progress import Progress
from jvs_core.wording import counted

# Intents that stand as long as a worktree that was made for one piece of work.
TEMPORARY = ("sandbox", "isolated_run")


def remove(
    ctx: Context, name: str, *, force: bool, keep_last: bool = False, progress: Progress
) -> str | None:
    """Remove a worktree, under its lock; its snapshots stay.

    With ``keep_last`` what ``force`` would lose is kept first: a pinned snapshot of the worktree, whose id is returned where
    one was made. Where it cannot be, the worktree stays. A program that holds a file of it open can write there to the end; what is changed by name is found, however late.

    Raises
    ------
    InputError
        ``main`` cannot be removed.
    WorktreeNotFound
        There is none of that name. With ``force`` one whose registration was lost is let go: the log says so from then on,
        and nothing is removed.
    LockConflict, FencingMismatch, LockExpired
        The worktree is locked, by anyone, or was locked meanwhile, or another user's in-place restore of it was cut short;
        ``force`` does not help.
    UnsavedChanges
        It holds changes that no snapshot holds, or a repository, and ``force`` was not given; or changed after the last
        snapshot.
    PayloadHashMismatch
        Its head is damaged, as far as a look at every entry shows, and ``force`` was not given: the worktree may be the
        last good copy.
    EngineFailed
        Something is mounted in it, or it is immutable; ``force`` does not help. Or it is removed, but something in it is
        immutable or another user's and stays in a hidden folder, which ``doctor`` deletes then.
    """
    try:
        record = ctx.worktree(name)
    except WorktreeNotFound:
        if force and lost.let_go_worktree(ctx, name):
            return None
        raise
    if name == MAIN:
        raise InputError(
            "the worktree 'main' cannot be removed", hint="remove the whole folder of the repository"
        )
    target = ctx.layout.worktree(name)
    gone = target.with_name(f".{name}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}")
    require_unmounted(target)
    require_movable(target)
    last = _kept(ctx, name, record, progress) if force and keep_last else None
    with excluded(ctx, name, "remove") as held:
        unfinished.require_none_of_another(ctx, name)
        take_back(ctx, record)
        if not force and target.is_dir():
            if record.head_snapshot_id is not None:
                ctx.stored(record.head_snapshot_id).require_sound([])
            _require_saved(ctx, name, target, progress)
        record = ctx.worktree(name)
        intent = _carry_out(ctx, name, record, gone, held, force=force, kept=keep_last, progress=progress)
    forget(ctx, record)
    with step(progress, "delete"):
        _delete(ctx, name, gone, intent)
        journal.complete(ctx.layout, intent)
    return last


def _kept(ctx: Context, name: str, record: Worktree, progress: Progress) -> str | None:
    """Take the last snapshot, in the session's own turn, so that after a crash the session can go on at once."""
    locking.refuse_if_held(ctx, record)
    unfinished.require_none_of_another(ctx, name)
    if not os.path.lexists(ctx.layout.worktree(name)):
        with excluded(ctx, name, "remove"):
            take_back(ctx, record)
    return last_snapshot.keep(ctx, name, progress) if ctx.layout.worktree(name).is_dir() else None


def _delete(ctx: Context, name: str, gone: Path, intent: Intent) -> None:
    try:
        ctx.removal_engine().remove(gone)
    except EngineFailed as error:
        journal.leave(ctx.layout, intent)
        first = (error.hint or "see why").removesuffix(", then run the command again")
        raise EngineFailed(
            f"worktree {name!r} is removed, but part of its folder could not be deleted: {error.message}",
            hint=f"{first}; then: jvs doctor --repair-runtime",
            **error.facts,
        ) from error


def _carry_out(
    ctx: Context,
    name: str,
    record: Worktree,
    gone: Path,
    held: Exclusion,
    *,
    force: bool,
    kept: bool,
    progress: Progress,
) -> Intent:
    """Rename the worktree's folder away and, unless something is in the way, unregister it; return the intent."""
    target = ctx.layout.worktree(name)
    intent: Intent | None = None
    try:
        with step(progress, "hide"), uninterrupted(), ctx.critical():
            held.check()
            intent = ctx.begin(
                leftovers.REMOVAL,
                worktree=name,
                worktree_id=record.worktree_id,
                temporary=gone.name,
            )
            hidden = os.path.lexists(target)
            if hidden:
                files.rename_durable(target, gone)
        require_unmounted(gone)
        if gone.is_dir() and not force:
            _require_saved(ctx, name, gone, progress)
        elif gone.is_dir() and kept:
            last_snapshot.require_unchanged(ctx, name, gone, progress)
        with step(progress, "unregister"), uninterrupted(), ctx.critical():
            held.check()
            journal.require(ctx.layout, intent)
            if hidden and not os.path.lexists(gone):
                raise LockConflict(
                    f"worktree {name!r} was put back by somebody while JVS removed it", hint="jvs doctor"
                )
            worktree.unregister(ctx.layout, name)
            _drop_intents(ctx, name)
            ctx.audit(
                "worktree_remove",
                worktree=name,
                worktree_id=record.worktree_id,
                snapshot_id=record.head_snapshot_id,
                fencing_token=held.lease.token,
                target=name,
                details={"force": force},
            )
    except BaseException:
        if intent is not None:
            with uninterrupted(), ctx.critical():
                if leftovers.is_undecided(ctx, intent) and put_back(ctx, intent):
                    journal.complete(ctx.layout, intent)
        raise
    return intent


def put_back(ctx: Context, intent: Intent) -> bool:
    """Put the folder back that a removal renamed away and that may still be undone; the caller holds the critical section.

    Returns False, and leaves all as it is, where another folder is in its place.
    """
    folder = ctx.layout.worktree(str(intent.worktree))
    gone = folder.with_name(str(intent.details["temporary"]))
    worktree.undo_unregister(ctx.layout, str(intent.worktree))
    files.undo_rename(folder, gone)
    if not os.path.lexists(gone):
        return True
    if os.path.lexists(folder):
        return False
    files.rename_durable(gone, folder)
    return True


def take_back(ctx: Context, record: Worktree) -> None:
    """Put a worktree back that a killed removal hid; the caller has locked everybody out.

    Raises AlreadyExists when another folder is in its place.
    """
    for intent in journal.pending(ctx.layout)[0]:
        if intent.worktree_id != record.worktree_id or intent.operation != leftovers.REMOVAL:
            continue
        if not journal.is_own(intent):
            continue
        with uninterrupted(), ctx.critical():
            if not put_back(ctx, intent):
                raise AlreadyExists(
                    f"worktrees/{intent.details['temporary']} holds worktree {intent.worktree!r}, but another folder is in its place",
                    hint=f"move worktrees/{intent.worktree} away, then: jvs doctor --repair-runtime",
                )
            journal.complete(ctx.layout, intent)


def finish(ctx: Context, intent: Intent) -> bool:
    """Undo a killed removal, or complete it where nothing is left to put back; the caller holds the critical section.

    Returns False where another folder is in the worktree's place: then the intent has to stay.
    """
    if not leftovers.is_undecided(ctx, intent):
        worktree.finish_unregister(ctx.layout, str(intent.worktree))
        return True
    if not put_back(ctx, intent):
        return False
    name = str(intent.worktree)
    if not os.path.lexists(ctx.layout.worktree(name)):
        record = ctx.worktree(name)
        worktree.unregister(ctx.layout, name)
        forget(ctx, record)
    return True


def forget(ctx: Context, record: Worktree) -> None:
    """Remove the leases, the session's secret and the stat cache of a worktree that is gone."""
    lease_files.remove_all(ctx.layout, record.worktree_id)
    ctx.session(record.worktree_id).forget()
    ctx.index(record.worktree_id).forget()


def _drop_intents(ctx: Context, name: str) -> None:
    """Remove the intents of dead processes in a worktree that is removed anyway; live ones remove theirs."""
    for intent in journal.pending(ctx.layout)[0]:
        if (
            intent.operation in TEMPORARY
            and intent.worktree == name
            and journal.is_own(intent)
            and journal.state(intent, ctx.settings) is False
        ):
            journal.complete(ctx.layout, intent)


def _require_saved(ctx: Context, name: str, folder: Path, progress: Progress) -> None:
    unsaved = compare.unsaved(ctx, name, progress, folder=folder)
    force = f"jvs worktree remove {name} --force"
    if unsaved.repositories:
        raise UnsavedChanges(
            f"worktree {name!r} contains a repository, which is in no snapshot: {_shown(unsaved.repositories)}",
            hint=f"move its folder out of the worktree, or: {force}",
        )
    if unsaved.paths:
        raise UnsavedChanges(
            f"worktree {name!r} has {counted(len(unsaved.paths), 'change')} that {'is' if len(unsaved.paths) == 1 else 'are'} in no snapshot: {_shown(unsaved.paths)}",
            hint=f"jvs snapshot --lock --worktree {name}, or: {force}",
        )


def _shown(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
