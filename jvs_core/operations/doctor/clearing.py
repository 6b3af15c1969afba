"""Removing temporary files, folders and leases that no operation uses any more."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from jvs_core import files, syncing
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.control_folders import CONTROL_FOLDERS
from jvs_core.control.lock import lease_files
from jvs_core.control.records import worktree
from jvs_core.errors import JvsError
from jvs_core.operations import leftovers
from jvs_core.operations.context import Context
from jvs_core.operations.doctor import examination
from jvs_core.operations.gc import aftermath
from jvs_core.operations.log import differences, report
from jvs_core.progress import Progress


def clean_tmp(ctx: Context, progress: Progress) -> list[str]:
    """Remove what no operation uses, make missing folders that were empty, and finish or undo what gc left behind."""
    ledger = ledgers.read(ctx.layout)
    done = [
        f".jvs/{folder}" for folder in CONTROL_FOLDERS if not os.path.lexists(ctx.layout.control / folder)
    ]
    with ctx.critical():
        left = [ctx.layout.root / path for path in leftovers.leftovers(ctx, ledger)]
        done += [str(path.relative_to(ctx.layout.root)) for path in left]
        folders = [path for path in left if path.is_dir() and not path.is_symlink()]
        for path in left:
            if path not in folders:
                files.remove_file(path)
        folders = [_claimed(path) for path in folders]
        for name in [name for name, empty in examination.without_folder(ctx) if empty]:
            folder = ctx.layout.worktree(name)
            ctx.engine().make_worktree(folder)
            syncing.sync_folder(folder.parent)
            done.append(name)
    for path in folders:
        ctx.removal_engine().remove(path)
    with ctx.critical():
        done += differences.finish_runs(ctx.layout, ledger)
    return [*done, *(aftermath.mend(ctx, ledger) if report.check(ctx).ok else [])]


def _claimed(path: Path) -> Path:
    """Rename a folder that is to be removed to a name that nobody else uses, in the critical section, and return it."""
    base = path.name.removesuffix(files.TEMPORARY_SUFFIX).lstrip(".")[:80]
    claimed = path.with_name(f".{base}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}")
    files.rename_new(path, claimed)
    return claimed


def clean_locks(ctx: Context, progress: Progress) -> list[str]:
    """Remove superseded leases, files that are no leases, and the leases of removed worktrees.

    Where a worktree cannot be read, all leases of unknown worktrees are left: one of them may be its.
    """
    done: list[str] = []
    with ctx.critical():
        known: set[str] = set()
        for name in worktree.names(ctx.layout):
            try:
                worktree_id = ctx.worktree(name).worktree_id
            except JvsError:
                return done
            known.add(worktree_id)
            done += [f"{name} {token}" for token in lease_files.remove_superseded(ctx.layout, worktree_id)]
            done += [f"{name} {stray}" for stray in lease_files.remove_strays(ctx.layout, worktree_id)]
        own = known | {ctx.layout.repository_lock.name}
        for other in sorted(set(ctx.layout.listing(ctx.layout.repository_lock.parent)) - own):
            files.remove_any(ctx.layout.repository_lock.with_name(other))
            done.append(other)
    return done
