"""Removing kept copies of files: those that are old, and those that a person named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jvs_core import clock, files
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import kept
from jvs_core.interrupts import uninterrupted
from jvs_core.model import KeptCopy
from jvs_core.operations.context import Context
from jvs_core.payload.tree.removal import remove_tree

_DAY_MS = 86_400_000


def has_expired(copy: KeptCopy, days: int) -> bool:
    """Return whether a copy was kept for ``days``; one from the future was not."""
    return clock.parse(copy.kept_at) + days * _DAY_MS < clock.now_ms()


def purge(ctx: Context, days: int, most: int) -> tuple[list[str], int]:
    """Remove up to ``most`` copies of all worktrees that are older than ``days``; return their ids and bytes.

    What goes is first renamed to a name that nobody else uses, in the critical section, and the log is told; a crash leaves
    that name, which ``doctor`` removes. One that cannot be read is left to ``doctor``.
    """
    old = [copy for copy in readable(ctx.layout) if has_expired(copy, days)][:most]
    return remove(ctx, old)


def remove(ctx: Context, old: list[KeptCopy]) -> tuple[list[str], int]:
    """Remove kept copies; return the ids of those that were there, and their bytes. As ``purge``."""
    if not old:
        return [], 0
    claimed: list[tuple[KeptCopy, Path]] = []
    with uninterrupted(), ctx.critical():
        for copy in old:
            critical.require(ctx.layout.repository_lock)
            place = ctx.layout.kept(copy.worktree_id, copy.copy_id)
            name = f".{copy.copy_id}.{catalog.new_id()[14:]}{files.TEMPORARY_SUFFIX}"
            with suppress(FileNotFoundError):
                kept.claim(ctx.layout, copy.worktree_id, copy.copy_id, place.with_name(name))
                claimed.append((copy, place.with_name(name)))
        if claimed:
            ctx.audit("kept_remove", details={"copies": [copy.copy_id for copy, _ in claimed]})
    for _, place in claimed:
        remove_tree(place)
    return [copy.copy_id for copy, _ in claimed], sum(copy.size for copy, _ in claimed)


def readable(layout: Layout) -> Iterator[KeptCopy]:
    """Yield the kept copies of all worktrees, those of removed ones too; one that cannot be read is left out."""
    for worktree_id in kept.worktrees(layout):
        yield from kept.readable(layout, worktree_id)[0]
