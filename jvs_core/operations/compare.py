"""What changed: a worktree against its head, a snapshot against another or against the worktree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jvs_core.errors import WorktreeNotFound
from jvs_core.operations import locking, stored
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.unfinished import unfinished
from jvs_core.payload.changes import caches as known_caches
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.difference import Changes, beyond_times, but_for_setuid
from jvs_core.payload.changes.difference import compare as compare_entries
from jvs_core.payload.tree.authority import Authority, believing, owned
from jvs_core.payload.tree.entry import Entry, text
from jvs_core.payload.tree.walk import REPOSITORY, Scan
from jvs_core.progress import Progress
from jvs_core.results import Comparison, Status


@dataclass(frozen=True)
class Unsaved:
    """What a worktree holds and no snapshot does: changed paths, and ``repositories``, which no snapshot ever keeps."""

    paths: Sequence[str]
    repositories: Sequence[str]


def status(ctx: Context, name: str, progress: Progress) -> Status:
    """Return how worktree ``name`` differs from its head. Changes nothing but the stat cache."""
    record = ctx.worktree(name)
    now = present(ctx, name, progress)
    head = stored.entries(ctx.layout, record.head_snapshot_id)
    changes = compare_entries(head, now, differ=but_for_setuid)
    return Status(
        worktree=name,
        path=str(ctx.layout.worktree(name)),
        head_snapshot_id=record.head_snapshot_id,
        lock_state=locking.status(ctx, name).state,
        clean=not (changes.added or changes.modified or changes.removed),
        added=[text(path) for path in changes.added],
        modified=[text(path) for path in changes.modified],
        removed=[text(path) for path in changes.removed],
        unfinished=unfinished(ctx, name, now),
        but_caches=_but_caches_among(ctx, name, changes, head, now),
    )


def _but_caches_among(
    ctx: Context, name: str, changes: Changes, head: Sequence[Entry], now: Sequence[Entry]
) -> int:
    if not changes:
        return 0
    trees = [(ctx.layout.worktree(name), now)]
    head_id = ctx.worktree(name).head_snapshot_id
    if head_id is not None:
        trees.append((ctx.layout.payload(head_id), head))
    kept = known_caches.without_those_in(changes, *trees)
    return len(kept.added) + len(kept.modified) + len(kept.removed)


def unsaved(ctx: Context, name: str, progress: Progress, *, folder: Path | None = None) -> Unsaved:
    """Return the paths of worktree ``name`` that differ from all snapshots that it comes from, in more than a time.

    That is what ``status`` shows, and what differs from the head in owner, extended attributes or hard links. ``folder`` is
    where the worktree lies when it is not in its place. Repositories inside are named beside them.
    """
    scan = _described(ctx, name, folder or ctx.layout.worktree(name), progress, with_attributes=True)
    changes = _since_head(ctx, name, scan.entries)
    return Unsaved(
        [text(path) for path in (*changes.added, *changes.modified, *changes.removed)],
        [text(each.path) for each in scan.left_out if each.kind == REPOSITORY],
    )


def differs(ctx: Context, name: str, progress: Progress) -> bool:
    """Return whether worktree ``name`` differs from its head in anything that a snapshot keeps, but times and known caches."""
    return bool(_but_caches(ctx, name, progress))


def count_changes(ctx: Context, name: str, progress: Progress) -> int:
    """Return how many paths of worktree ``name`` differ from its head in the way that ``differs`` asks for."""
    changes = _but_caches(ctx, name, progress)
    return len(changes.added) + len(changes.modified) + len(changes.removed)


def _but_caches(ctx: Context, name: str, progress: Progress) -> Changes:
    root = ctx.layout.worktree(name)
    now = _described(ctx, name, root, progress, with_attributes=True).entries
    changes = _since_head(ctx, name, now)
    head_id = ctx.worktree(name).head_snapshot_id
    if not changes:
        return changes
    trees = [(root, now)]
    if head_id is not None:
        trees.append((ctx.layout.payload(head_id), stored.entries(ctx.layout, head_id)))
    return known_caches.without_those_in(changes, *trees)


def _since_head(ctx: Context, name: str, now: Sequence[Entry]) -> Changes:
    head_id = ctx.worktree(name).head_snapshot_id
    with believing(Authority(special=False)):  # what a restore left out is in the snapshot
        head, _ = owned(
            stored.entries(ctx.layout, head_id),
            present={entry.path: entry for entry in now},
            payload=None if head_id is None else ctx.layout.payload(head_id),
        )
    return compare_entries(head, now, differ=beyond_times(now[0]))


def compare(
    ctx: Context, name: str, before: str, after: str | None, progress: Progress, *, caches: bool = True
) -> Comparison:
    """Return what changed from one snapshot to another, or to worktree ``name`` as it is; without ``caches`` but for those."""
    from_id = ctx.resolve(before, name)
    to_id = None if after is None else ctx.resolve(after, name)
    to_entries = present(ctx, name, progress) if to_id is None else stored.entries(ctx.layout, to_id)
    differ = but_for_setuid if to_id is None else None
    from_entries = stored.entries(ctx.layout, from_id)
    changes = compare_entries(from_entries, to_entries, differ=differ)
    if changes and not caches:
        to_root = ctx.layout.worktree(name) if to_id is None else ctx.layout.payload(to_id)
        trees = ((ctx.layout.payload(from_id), from_entries), (to_root, to_entries))
        changes = known_caches.without_those_in(changes, *trees)
    return Comparison(
        from_=from_id,
        to=name if to_id is None else to_id,
        added=[text(path) for path in changes.added],
        modified=[text(path) for path in changes.modified],
        removed=[text(path) for path in changes.removed],
    )


def present(ctx: Context, name: str, progress: Progress) -> Sequence[Entry]:
    """Return the entries of worktree ``name`` as it is, every file hashed or known; attributes are not read.

    Raises WorktreeNotFound when its folder is missing.
    """
    return _described(ctx, name, ctx.layout.worktree(name), progress, with_attributes=False).entries


def _described(ctx: Context, name: str, root: Path, progress: Progress, *, with_attributes: bool) -> Scan:
    record = ctx.worktree(name)
    if not root.is_dir():
        raise WorktreeNotFound(f"the folder of worktree {name!r} is missing", hint="jvs doctor")
    return describe(
        root,
        ctx.index(record.worktree_id),
        clock_folder=ctx.layout.control,
        with_attributes=with_attributes,
        progress=progress,
    )
