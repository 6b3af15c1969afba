"""Corrections to a tree that was cloned as a whole: outdated files, and what no snapshot keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core.payload.changes.writeback_time import WritebackTime
from jvs_core.payload.copy.transfer import Item, Outcome, Transfer
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.removal import remove_folder
from jvs_core.payload.tree.walk import Scan
from jvs_core.payload.work.threads import each
from jvs_core.wording import counted


@dataclass
class Corrections:
    """The entries after corrections, what changed in the source meanwhile, and the folders in which names changed."""

    entries: list[Entry]
    changed: set[bytes] = field(default_factory=set)
    degraded: list[str] = field(default_factory=list)
    touched: set[bytes] = field(default_factory=set)

    def add(self, later: Corrections) -> None:
        """Add later corrections."""
        self.entries = later.entries
        self.changed |= later.changed
        self.degraded += later.degraded
        self.touched |= later.touched


def bring_again(
    found: Scan,
    target: Path,
    entries: Sequence[Entry],
    positions: Sequence[int],
    *,
    writeback: WritebackTime,
    threads: int,
) -> Corrections:
    """Copy the files at ``positions`` from ``found.root`` to ``target`` again; fsync both.

    ``entries`` are those of ``found``, digests filled in. Of a link group only the first name is copied.
    """
    corrections = Corrections(list(entries))
    transfer = Transfer("reflink", writeback, durable=True)
    leaders: dict[int, int] = {}
    chosen = [p for p in positions if not (g := entries[p].link_group) or leaders.setdefault(g, p) == p]

    @contextmanager
    def opened() -> Iterator[Callable[[int], Outcome | None]]:
        with Folders(found.root) as sources, Folders(target) as targets:
            yield lambda position: _bring(found, sources, targets, position, transfer)

    unshared = []
    for position, brought in zip(chosen, each(chosen, opened, threads), strict=True):
        path = entries[position].path
        corrections.touched.add(split(path)[0])
        if brought is None:
            corrections.changed.add(path)
            continue
        corrections.entries[position] = entries[position]._replace(
            size=brought.size, xattrs=brought.xattrs, sha256=brought.sha256
        )
        if brought.changed:
            corrections.changed.add(path)
        if brought.how == "copy":
            unshared.append(path)
        if brought.refused:
            corrections.degraded.append(f"the file system refused extended attributes: {listed([path])}")
    for position in positions:
        leader = leaders.get(entries[position].link_group, position)
        if leader != position:
            corrections.entries[position] = corrections.entries[leader]._replace(path=entries[position].path)
    if unshared:
        corrections.degraded.append(
            f"{counted(len(unshared), 'file was', 'files were')} copied without shared blocks: {listed(unshared)}"
        )
    return corrections


def _bring(
    found: Scan, sources: Folders, targets: Folders, position: int, transfer: Transfer
) -> Outcome | None:
    entry = found.entries[position]
    folder, name = split(entry.path)
    item = Item(
        position, name, entry.kind, found.stamps[position], entry.size, entry.mtime_ns, entry.mode, entry.uid, entry.gid
    )  # fmt: skip
    try:
        source = sources.at(folder)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise translate(error, entry.path, reading=True) from error
    try:
        inside = targets.at(folder)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=inside)
        made = transfer.bring(item, source, inside, name, folder)
    except Changed:
        return None
    except OSError as error:
        raise translate(error, entry.path) from error
    return Outcome(made, entry.size, how="reflink") if isinstance(made, bytes) else made


def leave_out(target: Path, paths: Sequence[bytes]) -> set[bytes]:
    """Remove ``paths`` in ``target``, folders with their content; return the folders that they lay in."""
    if paths:
        with Folders(target) as folders:
            for path in paths:
                folder, name = split(path)
                try:
                    parent = folders.at(folder)
                    try:
                        os.unlink(name, dir_fd=parent)
                    except IsADirectoryError:
                        remove_folder(parent, name)
                except OSError as error:
                    if error.errno not in GONE:
                        raise translate(error, path) from error
    return {split(path)[0] for path in paths}
