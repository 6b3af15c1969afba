"""Temporary worktrees: made for one piece of work, and gone after it unless they are to stay.

An intent names such a worktree from before it exists until it is gone or stays, so that ``doctor`` finds one whose
process died.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core.control.records import journal, worktree
from jvs_core.errors import Conflict, JvsError, WorktreeNotFound
from jvs_core.faults import translated
from jvs_core.model import Descriptor, Intent
from jvs_core.operations import compare, restore, snapshot, worktree_removal
from jvs_core.operations import locking as locks
from jvs_core.operations.context import Context
from jvs_core.operations.locking import Locking
from jvs_core.payload.inplace.nested_repositories import repositories
from jvs_core.progress import Progress

SANDBOX, ISOLATED_RUN = worktree_removal.TEMPORARY
# What each kind is called in messages and notes, and the tag of its snapshots.
_KINDS = {SANDBOX: ("sandbox", "sandbox"), ISOLATED_RUN: ("isolated run", "run")}


@dataclass
class TemporaryWorktree:
    """A worktree made for one piece of work. ``keep`` may be set at any time: the worktree then stays."""

    worktree: str
    path: Path
    base_snapshot_id: str
    keep: bool = False


def is_temporary(intent: Intent) -> bool:
    """Return whether an intent is about a temporary worktree."""
    return intent.operation in _KINDS


@contextmanager
def isolated_run(ctx: Context, name: str, base: str, progress: Progress) -> Iterator[TemporaryWorktree]:
    """Make the worktree ``name`` from snapshot ``base`` for one run, and remove it after the block unless it stays.

    One in which a repository was made stays, too, and the error says so.
    """
    intent = begin(ctx, ISOLATED_RUN, name, base, progress)
    made = TemporaryWorktree(name, ctx.layout.worktree(name), base)
    try:
        yield made
    finally:
        leave(ctx, name, intent, keep=made.keep, force=True, progress=progress)


@translated
def begin(ctx: Context, kind: str, name: str, base: str, progress: Progress) -> Intent:
    """Make the worktree ``name`` from snapshot ``base``, and before it the intent that names it."""
    intent = ctx.begin(kind, worktree=name, base=base)
    try:
        restore.new_worktree(ctx, name, base, operation="worktree_create", progress=progress)
    except BaseException:
        journal.complete(ctx.layout, intent)
        raise
    return intent


@translated
def leave(ctx: Context, name: str, intent: Intent, *, keep: bool, force: bool, progress: Progress) -> None:
    """Remove the worktree unless it is to stay; one that cannot be removed stays, and the error says so.

    One that holds a repository cannot, not even with ``force``: nothing else holds that.
    """
    try:
        if not keep:
            force = force and not repositories(ctx.layout.worktree(name))
            worktree_removal.remove(ctx, name, force=force, progress=progress)
    except JvsError as error:
        if name not in worktree.names(ctx.layout):
            raise  # it is removed, and the error says what is left of its folder
        called = _KINDS[intent.operation][0]
        raise type(error)(f"{called} {name!r} stays: {error.message}", hint=error.hint) from error
    finally:
        journal.complete(ctx.layout, intent)


def clean(ctx: Context, intent: Intent, progress: Progress) -> bool:
    """Snapshot what a worktree holds whose process died, then remove it, and return whether it is gone.

    The lease of a dead process of this session is given back; that of another session is waited out first, and so is
    whoever still writes to it.
    """
    name = str(intent.worktree)
    try:
        ctx.worktree(name)
    except WorktreeNotFound:
        journal.complete(ctx.layout, intent)
        return True
    with suppress(JvsError):
        locks.release(ctx, name)
    if locks.status(ctx, name).state == "held":
        return False
    if compare.unsaved(ctx, name, progress).paths:
        called, tag = _KINDS[intent.operation]
        save(ctx, name, f"{called}, interrupted", (tag,), progress, locking=Locking(take=True))
    try:
        worktree_removal.remove(ctx, name, force=False, progress=progress)
    except Conflict:
        return False
    journal.complete(ctx.layout, intent)
    return True


def save(
    ctx: Context,
    name: str,
    note: str,
    tags: tuple[str, ...],
    progress: Progress,
    locking: Locking = Locking(),  # noqa: B008 - frozen
) -> Descriptor:
    """Snapshot a temporary worktree, whether or not somebody writes to it."""
    return snapshot.take(
        ctx,
        name,
        note=note,
        tags=tags,
        consistency="prefer_quiesced",
        kind="run",
        locking=locking,
        progress=progress,
    )
