"""Sandboxes: a worktree for one piece of work, locked while it runs, snapshotted at its end, then removed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from jvs_core.control.lock.lease import Lease
from jvs_core.errors import JvsError
from jvs_core.operations import compare, locking, temporary_worktrees
from jvs_core.operations.context import Context
from jvs_core.operations.temporary_worktrees import TemporaryWorktree
from jvs_core.progress import SILENT, Progress


@dataclass(kw_only=True)
class Sandbox(TemporaryWorktree):
    """A worktree made for one piece of work.

    ``snapshot_id`` is the snapshot taken at the end, None until then. ``keep`` may be set at any time: the worktree
    then stays.
    """

    lease: Lease
    snapshot_id: str | None = None


@contextmanager
def sandbox(
    ctx: Context,
    base: str,
    *,
    keep: bool,
    note: str,
    tags: tuple[str, ...],
    save: bool = True,
    progress: Progress,
) -> Iterator[Sandbox]:
    """Make a worktree from snapshot ``base`` and hold its lock for the block. See ``Repository.sandbox``.

    Without ``save`` nothing of what the block leaves is snapshotted, and it goes with the worktree.
    """
    name = f"sandbox-{base[14:]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
    intent = temporary_worktrees.begin(ctx, temporary_worktrees.SANDBOX, name, base, progress)
    tags = (*tags, "sandbox")
    box: Sandbox | None = None
    try:
        with locking.hold(ctx, name, purpose="sandbox", in_turn=False, by_hand=False) as lease:
            box = Sandbox(name, ctx.layout.worktree(name), base, keep, lease=lease)
            try:
                yield box
            except BaseException:
                if save and compare.unsaved(ctx, name, SILENT).paths:
                    box.snapshot_id = temporary_worktrees.save(
                        ctx, name, note or "sandbox, failed", tags, progress
                    ).snapshot_id
                raise
            if save:
                box.snapshot_id = temporary_worktrees.save(
                    ctx, name, note or "sandbox", tags, progress
                ).snapshot_id
    except BaseException:
        with suppress(JvsError):  # what no snapshot holds stays; what went wrong first is what is told
            temporary_worktrees.leave(
                ctx, name, intent, keep=box is not None and box.keep, force=not save, progress=progress
            )
        raise
    temporary_worktrees.leave(ctx, name, intent, keep=box.keep, force=not save, progress=progress)
