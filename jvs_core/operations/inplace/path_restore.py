"""Restoring one file or folder of a snapshot into a worktree."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jvs_core import files, syncing
from jvs_core.control.records import journal
from jvs_core.errors import (
    AlreadyExists,
    EngineFailed,
    InputError,
    JvsError,
)
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Head, Intent
from jvs_core.operations import locking as locks
from jvs_core.operations import stored
from jvs_core.operations.context import Context, step
from jvs_core.operations.inplace import pending, restoring, saving, targets, unfinished
from jvs_core.operations.inplace.path_exchange import below, exchange, require_unchanged, swapped
from jvs_core.operations.inplace.plan import is_latest, look
from jvs_core.operations.locking import Locking
from jvs_core.payload.copy.single import LEFTOVER_PREFIX, extract, remove_leftover, state
from jvs_core.payload.inplace.obstacles import require_changeable
from jvs_core.payload.inplace.steps import Steps
from jvs_core.payload.tree.entry import Entry, is_below, printable
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.removal import require_unmounted
from jvs_core.payload.tree.walk import Scan
from jvs_core.progress import Progress
from jvs_core.results import Extracted


def path(
    ctx: Context,
    name: str,
    snapshot_id: str,
    wanted: str,
    *,
    to: str | None,
    replace: bool,
    reason: str,
    locking: Locking,
    progress: Progress,
) -> Extracted:
    """Copy one file or folder out of a snapshot into worktree ``name``. See ``Repository.restore_path``."""
    if replace:
        restoring.check_reason(reason)
    source = stored.load(ctx.layout, snapshot_id)
    inner = targets.payload_path(wanted)
    entry = targets.require(source.entries, inner, snapshot_id)
    if not inner:
        raise InputError(
            "this path is the whole snapshot", hint=f"to restore all of it: jvs restore {snapshot_id}"
        )
    root = ctx.layout.worktree(name)
    target = targets.target_of(root, os.fsdecode(inner) if to is None else to)
    targets.require_no_repository(os.fsencode(target.relative_to(root)), entry.kind)
    if os.path.lexists(target):
        if not replace:
            raise AlreadyExists(
                f"{target} already exists",
                hint="use --to with another path, or --inplace --force --reason TEXT",
            )
        return _replace(ctx, name, source, inner, target, reason, locking, progress)
    made = targets.make_parents(root, target, source.entries if to is None else [])
    degraded = bring_new(
        ctx,
        name,
        target,
        lambda temporary: _extract(ctx, source, inner, temporary, progress),
        lambda: _audit(ctx, name, snapshot_id, target, None, wanted, None),
        made,
    )
    return Extracted(snapshot_id=snapshot_id, path=str(target), degraded=tuple(degraded))


def bring_new(
    ctx: Context,
    name: str,
    target: Path,
    bring: Callable[[Path], list[str]],
    log: Callable[[], None],
    made: Sequence[Path],
) -> list[str]:
    """Let ``bring`` make a durable copy under a temporary name, give it the name ``target``, never over anything, and ``log`` it.

    Returns what ``bring`` does: what could not be kept. A failure removes the copy and the folders ``made`` for it; what a
    crash leaves is cleared by its intent. Raises AlreadyExists.
    """
    temporary = _temporary(target)
    intent = _begin(ctx, unfinished.NEW_PATH_INTENT, name, temporary)
    try:
        with journal.standing(ctx.layout, intent):
            degraded = bring(temporary)
        with uninterrupted(), ctx.critical():
            journal.require(ctx.layout, intent)
            files.rename_durable(temporary, target)
    except BaseException:
        with suppress(OSError, JvsError):
            remove_leftover(target.parent, temporary.name)
            for folder in reversed(made):
                files.remove_folder(folder)
        journal.complete(ctx.layout, intent)
        raise
    with ctx.critical():
        log()
    journal.complete(ctx.layout, intent)
    return degraded


def _replace(
    ctx: Context,
    name: str,
    source: stored.Stored,
    inner: bytes,
    target: Path,
    reason: str,
    locking: Locking,
    progress: Progress,
) -> Extracted:
    """Exchange ``target`` for the snapshot's version in one step, the present snapshotted first."""
    snapshot_id = source.descriptor.snapshot_id
    ctx = ctx.remembering()
    with locks.writing(ctx, name, locking, purpose="restore") as lease:
        unfinished.require_none_of_another(ctx, name)
        pending.finish_pending(ctx, name, lease, progress)
        record = ctx.worktree(name)
        require_unmounted(target)
        here = os.fsencode(target.relative_to(ctx.layout.worktree(name)))
        note = f"before restore of a path from {snapshot_id}: {reason}"
        present = look(ctx, name, progress)
        replaced = [entry for entry in present.scan.entries if is_below(entry.path, here)]
        require_changeable(present.scan, Steps(remove=replaced))
        _require_all_kept(present.scan, here)
        pre = saving.save_present(
            ctx, name, lease, note, progress, present,
            lambda entry: is_below(entry.path, here),
        )  # fmt: skip
        if not is_latest(ctx, ctx.worktree(name), present):
            # Files changed since the look, and the snapshot has them as they are now.
            present = look(ctx, name, progress)
        temporary = _temporary(target)
        intent = _begin(
            ctx,
            unfinished.PATH_INTENT,
            name,
            temporary,
            snapshot_id=snapshot_id,
            fencing_token=lease.token,
            pre=pre,
        )
        try:
            with journal.standing(ctx.layout, intent):
                degraded = _extract(ctx, source, inner, temporary, progress, below(present, here))
        except BaseException:
            remove_leftover(target.parent, temporary.name)
            raise
        with exchange(present, here, target, temporary) as swap:
            require_unchanged(present, here, target)
            with uninterrupted(), ctx.critical():
                locks.check(ctx, lease)
                journal.require(ctx.layout, intent)
                with swapped(swap, present, here, target) as left:
                    point = restoring.undo_point(pre, record, snapshot_id, path=inner.hex(), to=here.hex())
                    head = restoring.add_undo_point(ctx, name, lease, point)
                    _audit(ctx, name, snapshot_id, target, lease.token, os.fsdecode(inner), reason, head)
        if left is not None and state(temporary) != left:
            pending.save_taken_out(ctx, name, lease, intent, progress, "saved while a path was restored")
        remove_leftover(target.parent, temporary.name)
        syncing.sync_folder(target.parent)
        journal.complete(ctx.layout, intent)
    return Extracted(snapshot_id=snapshot_id, path=str(target), degraded=tuple(degraded))


def _require_all_kept(present: Scan, here: bytes) -> None:
    """Raise EngineFailed where what is to be replaced holds something that is excluded: no snapshot would have it."""
    folder = here + b"/"
    lost = [path for path in present.excluded() if is_below(path, here)]
    if not lost and present.exclude.covers(here):
        lost = [here]
    if lost:
        raise EngineFailed(
            f"JVS changed nothing, because {printable(here)} contains files that are excluded from snapshots: {listed(lost)}",
            hint=f"restore single files, with --path '{printable(folder)}*'; a restore of the whole snapshot does not touch them",
            paths=lost,
        )


def _extract(
    ctx: Context,
    source: stored.Stored,
    inner: bytes,
    temporary: Path,
    progress: Progress,
    instead: Mapping[bytes, Entry] | None = None,
) -> list[str]:
    with syncing.watching(temporary.parent) as sync:
        with step(progress, "clone"), source.read(), ctx.bringing():
            degraded = extract(source.payload, source.entries, inner, temporary, instead=instead)
        with step(progress, "settle"):
            if temporary.is_dir() and not temporary.is_symlink():
                ctx.engine().settle(temporary)
                sync([])
            elif temporary.is_file() and not temporary.is_symlink():
                sync([temporary])
    return degraded


def _begin(ctx: Context, operation: str, name: str, temporary: Path, **details: Any) -> Intent:
    return ctx.begin(
        operation,
        worktree=name,
        worktree_id=ctx.worktree(name).worktree_id,
        temporary=os.fsencode(temporary.relative_to(ctx.layout.worktree(name))).hex(),
        **details,
    )


def _temporary(target: Path) -> Path:
    return target.with_name(f"{LEFTOVER_PREFIX}{secrets.token_hex(8)}")


def _audit(
    ctx: Context,
    name: str,
    snapshot_id: str,
    target: Path,
    token: int | None,
    wanted: str,
    reason: str | None,
    head: Head | None = None,
) -> None:
    inner = os.fsencode(target.relative_to(ctx.layout.worktree(name)))
    ctx.audit(
        "restore",
        worktree=name,
        worktree_id=ctx.worktree(name).worktree_id,
        snapshot_id=snapshot_id,
        fencing_token=token,
        target=printable(inner),
        reason=reason,
        details={
            "path": printable(os.fsencode(wanted)),
            "inplace": token is not None,
            **({} if head is None else {"head": head.to_json()}),
        },
    )
