"""Describing a worktree as it is: every entry, every file with the hash of its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.changes.index import Recalled, StatIndex
from jvs_core.payload.changes.reading import attributes_of, with_digests
from jvs_core.payload.changes.writeback import write_back
from jvs_core.payload.changes.writeback_time import NEVER, WritebackTime
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.entry import SYMLINK, Entry
from jvs_core.payload.tree.exclude_rules import NOTHING, ExcludeRules
from jvs_core.payload.tree.link_groups import whole_groups
from jvs_core.payload.tree.packed import Editable, gone, present
from jvs_core.payload.tree.walk import Scan, scan
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import SILENT, Progress


def describe(
    worktree: Path,
    index: StatIndex,
    *,
    clock_folder: Path,
    with_attributes: bool,
    exclude: ExcludeRules = NOTHING,
    progress: Progress = SILENT,
) -> Scan:
    """Return the scan of ``worktree`` with all content hashes; only files that ``index`` does not know are read.

    With ``with_attributes`` the digests of the extended attributes are filled in too. Owners and modes are given as a
    snapshot taken by this process would keep them. Nothing is written in the worktree; what programs stored to its
    files is written back where any has to be read. The index learns, by the clock of ``clock_folder``'s file system,
    what lies on that. What vanishes meanwhile is left out, and what ``exclude`` says is not looked at.

    Raises UnsupportedFile, naming the files, when one that has to be read cannot be.
    """
    found = scan(worktree, progress, must_read=False, exclude=exclude)
    return complete(
        found, index, clock_folder=clock_folder, with_attributes=with_attributes, progress=progress
    )


@held_back()
def complete(
    found: Scan,
    index: StatIndex,
    *,
    clock_folder: Path,
    with_attributes: bool,
    progress: Progress = SILENT,
) -> Scan:
    """Return ``found``, a scan made without ``must_read``, with what ``describe`` finds out of it."""
    recalled = index.recall(found)
    unknown = recalled.unknown(found)
    xattrs_unknown = with_attributes and (
        bool(unknown) or any(known is not None and known.xattrs is None for known in recalled.digests)
    )
    learning = unknown or xattrs_unknown or recalled.stale
    writeback = write_back(found, unknown, clock_folder) if learning else NEVER
    entries = with_digests(found.entries, recalled)
    if with_attributes:
        _read_attributes(found.root, found.entries, entries, recalled)
    unsteady = _read_contents(found, entries, unknown, writeback, progress) if unknown else set()
    index.learn(found, entries, recalled, writeback, changed=unsteady, xattrs_read=with_attributes)
    if lost := gone(entries):
        stamps = enumerate(found.stamps)
        found = replace(found, stamps=[stamp for position, stamp in stamps if position not in lost])
    return replace(found, entries=owned(whole_groups(present(entries)))[0])


def _read_attributes(worktree: Path, found: Sequence[Entry], entries: Editable, recalled: Recalled) -> None:
    """Fill in the digests of the extended attributes that are not known; None stands for what vanished."""
    wanted = [
        position
        for position, (entry, known) in enumerate(zip(found, recalled.digests, strict=True))
        if entry.kind != SYMLINK and (known is None or known.xattrs is None)
    ]

    threads = juicefs.THREADS if juicefs.mount_at(worktree) else 1
    read = attributes_of(worktree, [found[position] for position in wanted], threads=threads)
    for position, digest in zip(wanted, read, strict=True):
        here = entries[position]
        assert here is not None
        if digest is None:
            entries[position] = None
        elif digest:
            entries[position] = here._replace(xattrs=digest)


def _read_contents(
    found: Scan,
    entries: Editable,
    unknown: Sequence[int],
    writeback: WritebackTime,
    progress: Progress,
) -> set[bytes]:
    """Hash the files at the positions ``unknown``; return the paths of those that changed since the scan."""
    asked = [found.entries[position] for position in unknown]
    stamps = [found.stamps[position] for position in unknown]
    unsteady: set[bytes] = set()
    read = hash_files(found.root, asked, stamps, flush=writeback.one_by_one, progress=progress)
    for position, hashed in zip(unknown, read, strict=True):
        here = entries[position]
        if hashed is None or not hashed.steady:
            unsteady.add(found.entries[position].path)
        if hashed is None or here is None:
            entries[position] = None
        else:
            entries[position] = tuple.__new__(Entry, (*here[:10], hashed.sha256))
    return unsteady
