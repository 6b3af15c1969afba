"""Sandboxes: a worktree for one piece of work, locked while it runs, snapshotted at its end, then removed.

An intent names the sandbox from before it exists until it is gone, so that ``doctor`` finds one whose process died.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core.control import journal
from jvs_core.control.lock import Lease
from jvs_core.errors import JvsError, WorktreeNotFound
from jvs_core.model import Descriptor, Intent
from jvs_core.operations import compare, locks, restore, snapshot, worktrees
from jvs_core.operations.context import Context
from jvs_core.operations.locks import Locking
from jvs_core.progress import SILENT, Progress

INTENT = "sandbox"


@dataclass
class Sandbox:
    """A worktree made for one piece of work.

    ``snapshot_id`` is the snapshot taken at the end, None until then. ``keep`` may be set at any time: the worktree
    then stays.
    """

    worktree: str
    path: Path
    base_snapshot_id: str
    lease: Lease
    keep: bool = False
    snapshot_id: str | None = None


@contextmanager
def sandbox(
    ctx: Context, base: str, *, keep: bool, note: str, tags: tuple[str, ...], progress: Progress
) -> Iterator[Sandbox]:
    """Make a worktree from snapshot ``base`` and hold its lock for the block. See ``Repository.sandbox``."""
    name = f"sandbox-{base[14:]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
    intent = journal.begin(ctx.layout, ctx.settings, INTENT, worktree=name, base=base)
    try:
        restore.new_worktree(ctx, name, base, operation="worktree_create", progress=progress)
    except BaseException:
        journal.complete(ctx.layout, intent)
        raise
    box: Sandbox | None = None
    try:
        with locks.hold(ctx, name, purpose="sandbox") as lease:
            box = Sandbox(name, ctx.layout.worktree(name), base, lease, keep=keep)
            try:
                yield box
            except BaseException:
                if not compare.status(ctx, name, SILENT).clean:
                    box.snapshot_id = _save(ctx, name, note or "sandbox, failed", tags, progress).snapshot_id
                raise
            box.snapshot_id = _save(ctx, name, note or "sandbox", tags, progress).snapshot_id
    except BaseException:
        with suppress(JvsError):  # what no snapshot holds stays; what went wrong first is what is told
            _leave(ctx, name, intent, keep=box is not None and box.keep, progress=progress)
        raise
    _leave(ctx, name, intent, keep=box.keep, progress=progress)


def clean(ctx: Context, intent: Intent, progress: Progress) -> bool:
    """Snapshot what a sandbox holds whose process died, then remove it, and return whether it is gone.

    The lease of a dead process of this session is given back; that of another session is waited out first.
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
    if not compare.status(ctx, name, progress).clean:
        _save(ctx, name, "sandbox, cut short", (), progress, locking=Locking(take=True))
    _leave(ctx, name, intent, keep=False, progress=progress)
    return True


def _save(
    ctx: Context,
    name: str,
    note: str,
    tags: tuple[str, ...],
    progress: Progress,
    locking: Locking = Locking(),  # noqa: B008 - frozen
) -> Descriptor:
    return snapshot.take(
        ctx,
        name,
        note=note,
        tags=(*tags, "sandbox"),
        consistency="prefer_quiesced",
        locking=locking,
        progress=progress,
    )


def _leave(ctx: Context, name: str, intent: Intent, *, keep: bool, progress: Progress) -> None:
    """Remove the sandbox unless it is to stay; one that changed after its snapshot stays, and the error says so."""
    try:
        if not keep:
            worktrees.remove(ctx, name, force=False, progress=progress)
    except JvsError as error:
        raise type(error)(f"sandbox {name!r} stays: {error.message}", hint=error.hint) from error
    finally:
        journal.complete(ctx.layout, intent)
