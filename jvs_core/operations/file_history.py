"""Finding files in all of history: by name, and what became of one path."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from jvs_core import clock
from jvs_core.control.records import kept
from jvs_core.errors import InputError, PathNotFound
from jvs_core.operations import change_index
from jvs_core.operations.change_index import Change, ChangeIndex
from jvs_core.operations.context import Context
from jvs_core.operations.file_filter import FileFilter
from jvs_core.operations.inplace.several import matches
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.payload.tree.entry import is_below, printable, text
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.progress import Progress
from jvs_core.results import FileCopy, FileVersion, FoundFile

_GLOB = re.compile(r"[*?\[]")


def find(
    ctx: Context,
    name: str,
    pattern: str,
    *,
    every: bool,
    deleted: bool,
    filtered: FileFilter,
    unreadable: list[str] | None,
    progress: Progress,
) -> list[FoundFile]:
    """Return the files in history whose path matches. See ``Repository.find``."""
    if not pattern:
        raise InputError("the pattern is empty", hint="jvs find '*' finds every file")
    head = ctx.worktree(name).head_snapshot_id
    with (
        change_index.opened(ctx, progress) as index,
        Folders(ctx.layout.worktree(name)) as folders,
    ):
        if unreadable is not None:
            unreadable += index.unreadable
        chains = _chains(index, None if every else head)
        copies = _copies(ctx, None if every else ctx.worktree(name).worktree_id, pattern, unreadable)
        found = []
        for number, path in index.paths():
            if not is_meant(path, pattern):
                continue
            here = is_there(folders, path)
            if here and deleted:
                copies.pop(path, None)
                continue
            changes = index.changes_of(number)
            file = _found(changes, chains, index, here)
            if file is None:
                continue
            file = file.model_copy(update={"copies": copies.pop(path, [])})
            if not filtered or _any_fits(filtered, changes, chains) or _any_copy_fits(filtered, file.copies):
                found.append(file)
        for path, kept_ones in copies.items():
            here = is_there(folders, path)
            if not (here and deleted) and _any_copy_fits(filtered, kept_ones):
                found.append(_of_copies(path, kept_ones, here))
    return sorted(found, key=lambda file: os.fsencode(file.path))


def _copies(
    ctx: Context, worktree_id: str | None, pattern: str, unreadable: list[str] | None
) -> dict[bytes, list[FileCopy]]:
    """Return the kept copies of files whose path matches, by path, newest first."""
    found: dict[bytes, list[FileCopy]] = {}
    for each in kept.worktrees(ctx.layout) if worktree_id is None else [worktree_id]:
        records, broken = kept.readable(ctx.layout, each)
        if unreadable is not None:
            unreadable += [error.message for error in broken.values()]
        for copy in reversed(records):
            if is_meant(kept.path_of(copy), pattern):
                found.setdefault(kept.path_of(copy), []).append(
                    FileCopy(copy_id=copy.copy_id, size=copy.size, sha256=copy.sha256, kept_at=copy.kept_at)
                )
    return found


def _any_copy_fits(filtered: FileFilter, copies: Sequence[FileCopy]) -> bool:
    return any(filtered.fits(copy.size, clock.parse(copy.kept_at)) for copy in copies)


def _any_fits(filtered: FileFilter, changes: Sequence[Change], chains: Sequence[Mapping[str, int]]) -> bool:
    """Return whether a change in a lineage is meant; one that removed a file has the size of what it removed."""
    for chain in chains:
        own = [change for change in changes if change.snapshot_id in chain]
        size = 0
        for change in sorted(own, key=lambda each: chain[each.snapshot_id], reverse=True):
            size = size if change.kind is None else change.size
            if filtered.fits(size, int(change.snapshot_id[:13])):
                return True
    return False


def _of_copies(path: bytes, copies: list[FileCopy], here: bool) -> FoundFile:
    return FoundFile(
        path=text(path), versions=[], in_worktree=here, last_snapshot_id=None, removed_in=None, copies=copies
    )


def changing(
    ctx: Context,
    path: str | None,
    filtered: FileFilter,
    *,
    unreadable: list[str] | None,
    progress: Progress,
) -> set[str]:
    """Return the snapshots that changed ``path``, or what lies below it, since the one before; or what matches it.

    Only changes to files of a size that is meant count, where that is filtered; without ``path`` those to any file.
    Raises PathEscape, and PathNotFound where no snapshot ever had the path.
    """
    inner = b"" if path is None else payload_path(path)
    with change_index.opened(ctx, progress) as index:
        if unreadable is not None:
            unreadable += index.unreadable
        if inner and filtered:
            found = index.changed_where(_choosing(index, inner), filtered.fits_size)
        elif filtered:
            found = index.changed_where(lambda path: True, filtered.fits_size)
        elif inner:
            found = index.changed_in(inner) or index.changed_where(_choosing(index, inner), lambda size: True)
        else:
            found = set(index.bases)
        if found or not inner or _ever(index, inner):
            return found
    raise PathNotFound(
        f"no snapshot has {printable(inner)!r}",
        hint=f"jvs find {shlex.quote(os.fsdecode(inner).rpartition('/')[2])}",
    )


def _choosing(index: ChangeIndex, inner: bytes) -> Callable[[bytes], bool]:
    """Return the test of what a path names: to the letter and below it where there is such a one, else as a pattern."""
    name = os.fsdecode(inner)
    if _GLOB.search(name) is None or index.changed_in(inner):
        return lambda path: is_below(path, inner)
    patterns = name.split("/")
    return lambda path: matches(os.fsdecode(path).split("/"), patterns)


def _ever(index: ChangeIndex, inner: bytes) -> bool:
    chosen = _choosing(index, inner)
    return any(chosen(path) for _, path in index.paths())


def is_meant(path: bytes, pattern: str) -> bool:
    """Return whether a path matches: as a glob of the path, or of its name where it has no slash; else as a part of it."""
    name = os.fsdecode(path)
    if _GLOB.search(pattern) is None:
        return pattern.strip("/") in name
    parts = pattern.split("/")
    return matches(name.split("/"), parts if len(parts) > 1 else ["**", pattern])


def _chains(index: ChangeIndex, head: str | None) -> list[dict[str, int]]:
    """Return the lineage of ``head``, or with None those of all snapshots that none goes back to; with ages, newest 0."""
    tips = index.tips() if head is None else [head]
    return [
        {snapshot_id: age for age, snapshot_id in enumerate(lineage)}
        for lineage in map(index.lineage, tips)
        if lineage
    ]


def _found(
    changes: Sequence[Change], chains: Sequence[dict[str, int]], index: ChangeIndex, here: bool
) -> FoundFile | None:
    holders: list[str] = []
    held_to_the_end = False
    removals: list[str] = []
    for chain in chains:
        own = [change for change in changes if change.snapshot_id in chain]
        if not own:
            continue
        newest = min(own, key=lambda change: chain[change.snapshot_id])
        if newest.kind is not None:
            holders.append(next(iter(chain)))
            held_to_the_end = True
        else:
            removals.append(newest.snapshot_id)
            holders.append(str(index.bases[newest.snapshot_id]))
    if not holders:
        return None
    meant = [change for change in changes if any(change.snapshot_id in chain for chain in chains)]
    return FoundFile(
        path=text(changes[0].path),
        versions=_versions(meant),
        in_worktree=here,
        last_snapshot_id=max(holders),
        removed_in=None if held_to_the_end else max(removals),
    )


def _versions(changes: Sequence[Change]) -> list[FileVersion]:
    """Return the contents that a file had; a change of its mode alone is no other version."""
    found: list[FileVersion] = []
    last: Change | None = None
    for change in changes:
        if change.kind is not None and (last is None or change[2:] != last[2:] or change.sha256 is None):
            sha256 = None if change.sha256 is None else change.sha256.hex()
            found.append(FileVersion(snapshot_id=change.snapshot_id, size=change.size, sha256=sha256))
        last = change
    return found


def is_there(folders: Folders, path: bytes) -> bool:
    folder, name = split(path)
    try:
        os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
    except OSError:
        return False
    return True
