"""What changed: a worktree against its head, a snapshot against another or against the worktree."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jvs_core.errors import WorktreeNotFound
from jvs_core.operations import stored
from jvs_core.operations.clean_look import CleanLook
from jvs_core.payload.changes import caches as known_caches
from jvs_core.payload.changes import excluded
from jvs_core.payload.changes.difference import Changes, beyond_times, but_for_setuid
from jvs_core.payload.changes.difference import compare as compare_entries
from jvs_core.payload.tree.authority import Authority, believing, owned
from jvs_core.payload.tree.entry import Entry, text
from jvs_core.payload.tree.walk import REPOSITORY, Scan
from jvs_core.payload.work.collector import held_back
from jvs_core.results import ChangedEntries, ChangedEntry, Comparison, Renamed, TreeEntry

if TYPE_CHECKING:
    from jvs_core.operations.context import Context
    from jvs_core.progress import Progress

ChangeKind = Literal["added", "modified", "removed", "renamed"]


@dataclass(frozen=True)
class Unsaved:
    """What a worktree holds and no snapshot does: changed paths, and ``repositories``, which no snapshot ever keeps."""

    paths: Sequence[str]
    repositories: Sequence[str]


def unsaved(ctx: Context, name: str, progress: Progress, *, folder: Path | None = None) -> Unsaved:
    """Return the paths of worktree ``name`` that differ from all snapshots that it comes from, in more than a time.

    That is what ``status`` shows, and what differs from the head in owner, extended attributes or hard links. ``folder`` is
    where the worktree lies when it is not in its place. Repositories inside are named beside them.
    """
    scan = _described(ctx, name, folder or ctx.layout.worktree(name), progress, with_attributes=True)
    changes = _since(ctx, ctx.worktree(name).head_snapshot_id, scan)
    return Unsaved(
        [text(path) for path in (*changes.added, *changes.modified, *changes.removed)],
        [text(path) for path in _repositories(scan)],
    )


def _repositories(scan: Scan) -> list[bytes]:
    """Return the repositories in a worktree, also those in what is excluded."""
    from jvs_core.payload.inplace.nested_repositories import repositories

    found = [each.path for each in scan.left_out if each.kind == REPOSITORY]
    for path in scan.excluded():
        folder = scan.root / os.fsdecode(path)
        if folder.is_dir() and not folder.is_symlink():
            found += [path + b"/" + inner for inner in repositories(folder)]
    return sorted(found)


def differs(ctx: Context, name: str, progress: Progress) -> bool:
    """Return whether worktree ``name`` differs from its head in anything that a snapshot keeps, but times and known caches."""
    return bool(_but_caches(ctx, name, progress))


def count_changes(ctx: Context, name: str, progress: Progress) -> int:
    """Return how many paths of worktree ``name`` differ from its head in the way that ``differs`` asks for."""
    changes = _but_caches(ctx, name, progress)
    return len(changes.added) + len(changes.modified) + len(changes.removed)


@held_back()
def _but_caches(ctx: Context, name: str, progress: Progress) -> Changes:
    record = ctx.worktree(name)
    look = CleanLook(ctx, name, record, "differs", progress)
    if look.is_clean():
        return Changes()
    now = look.described()
    head_id = record.head_snapshot_id
    changes = _since(ctx, head_id, now)
    if changes:
        trees = [(look.root, now.entries)]
        if head_id is not None:
            trees.append((ctx.layout.payload(head_id), stored.entries(ctx.layout, head_id)))
        changes = known_caches.without_those_in(changes, *trees)
    if not changes:
        look.was_clean()
    return changes


def _since(ctx: Context, head_id: str | None, now: Scan) -> Changes:
    with believing(Authority(special=False)):  # what a restore left out is in the snapshot
        head, _ = owned(
            stored.entries(ctx.layout, head_id),
            present={entry.path: entry for entry in now.entries},
            payload=None if head_id is None else ctx.layout.payload(head_id),
        )
    return excluded.without(compare_entries(head, now.entries, differ=beyond_times(now.entries[0])), now)


def compare(
    ctx: Context,
    name: str,
    before: str,
    after: str | None,
    progress: Progress,
    *,
    caches: bool = True,
    renames: bool = False,
    paths: Sequence[str] = (),
) -> Comparison:
    """Return what changed from one snapshot to another, or to worktree ``name`` as it is. See ``Repository.compare``."""
    return _compared(
        ctx, name, before, after, progress, caches=caches, renames=renames, paths=paths
    ).comparison


def changes(
    ctx: Context,
    name: str,
    before: str,
    after: str | None,
    progress: Progress,
    *,
    caches: bool = True,
    paths: Sequence[str] = (),
) -> ChangedEntries:
    """Return the same, renames told apart, with both entries of each path. See ``Repository.changed_entries``."""
    found = _compared(ctx, name, before, after, progress, caches=caches, renames=True, paths=paths)
    sides = [
        {entry.path: entry for entry in entries if entry.path in found.paths}
        for entries in (found.old, found.new)
    ]
    return ChangedEntries(comparison=found.comparison, entries=list(_entries(found.comparison, *sides)))


@dataclass(frozen=True)
class _Compared:
    comparison: Comparison
    paths: Container[bytes]
    old: Sequence[Entry]
    new: Sequence[Entry]


def _compared(
    ctx: Context,
    name: str,
    before: str,
    after: str | None,
    progress: Progress,
    *,
    caches: bool,
    renames: bool,
    paths: Sequence[str],
) -> _Compared:
    from_id = ctx.resolve(before, name)
    to_id = None if after is None else ctx.resolve(after, name)
    from_entries = stored.entries(ctx.layout, from_id)
    if to_id is None:
        now = _looked_at(ctx, name, progress)
        to_entries = now.entries
        changes = excluded.without(compare_entries(from_entries, to_entries, differ=but_for_setuid), now)
    else:
        to_entries = stored.entries(ctx.layout, to_id)
        changes = compare_entries(from_entries, to_entries)
    moved: list[tuple[bytes, bytes]] = []
    if renames and changes.added and changes.removed:
        from jvs_core.payload.changes.renames import renamed

        changes, moved = renamed(changes, from_entries, to_entries)
    if paths:
        from jvs_core.operations.choosing import chosen

        changes, moved = chosen(paths, changes, moved)
    in_caches: set[bytes] = set()
    everything = Changes([*changes.added, *(new for _, new in moved)], changes.modified, changes.removed)
    if everything:
        to_root = ctx.layout.worktree(name) if to_id is None else ctx.layout.payload(to_id)
        trees = ((ctx.layout.payload(from_id), from_entries), (to_root, to_entries))
        in_caches = known_caches.those_in(everything, *trees)
    if not caches:
        changes = Changes(
            *(
                [path for path in each if path not in in_caches]
                for each in (changes.added, changes.modified, changes.removed)
            )
        )
        moved = [pair for pair in moved if pair[1] not in in_caches]
        in_caches = set()
    comparison = Comparison(
        from_=from_id,
        to=name if to_id is None else to_id,
        added=[text(path) for path in changes.added],
        modified=[text(path) for path in changes.modified],
        removed=[text(path) for path in changes.removed],
        renamed=[Renamed(from_=text(old), to=text(new)) for old, new in moved],
        caches=[text(path) for path in sorted(in_caches)],
    )
    names = {path.rstrip(b"/") for path in (*changes.added, *changes.modified, *changes.removed)}
    names.update(path for pair in moved for path in pair)
    return _Compared(comparison, names, from_entries, to_entries)


def _entries(
    comparison: Comparison, old: Mapping[bytes, Entry], new: Mapping[bytes, Entry]
) -> Iterator[ChangedEntry]:
    caches = set(comparison.caches)
    kinds: tuple[tuple[ChangeKind, Iterable[tuple[str | None, str]]], ...] = (
        ("added", ((None, path) for path in comparison.added)),
        ("modified", ((path, path) for path in comparison.modified)),
        ("removed", ((path, path) for path in comparison.removed)),
        ("renamed", ((pair.from_, pair.to) for pair in comparison.renamed)),
    )
    found = [
        ChangedEntry(
            path=path,
            old_path=was if was != path else None,
            change=change,
            cache=path in caches,
            old=None if was is None else _shown(old, was),
            new=None if change == "removed" else _shown(new, path),
        )
        for change, pairs in kinds
        for was, path in pairs
    ]
    yield from sorted(found, key=lambda each: (each.cache, os.fsencode(each.path)))


def _shown(entries: Mapping[bytes, Entry], path: str) -> TreeEntry:
    from jvs_core.operations.browse import shown

    return shown(entries[os.fsencode(path.rstrip("/"))])


def present(ctx: Context, name: str, progress: Progress) -> Sequence[Entry]:
    """Return the entries of worktree ``name`` as it is, every file hashed or known; attributes are not read.

    Raises WorktreeNotFound when its folder is missing.
    """
    return _looked_at(ctx, name, progress).entries


def _looked_at(ctx: Context, name: str, progress: Progress) -> Scan:
    return _described(ctx, name, ctx.layout.worktree(name), progress, with_attributes=False)


def _described(ctx: Context, name: str, root: Path, progress: Progress, *, with_attributes: bool) -> Scan:
    record = ctx.worktree(name)
    if not root.is_dir():
        raise WorktreeNotFound(f"the folder of worktree {name!r} is missing", hint="jvs doctor")
    from jvs_core.payload.changes.describe import describe

    return describe(
        root,
        ctx.index(record.worktree_id),
        clock_folder=ctx.layout.control,
        with_attributes=with_attributes,
        exclude=ctx.exclude,
        progress=progress,
    )
