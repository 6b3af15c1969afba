"""Making a clone of an earlier payload equal to the next one: what is gone is removed, what is new stays to be made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split


@dataclass(frozen=True)
class Following:
    """What is to be done in a clone of ``earlier`` that is to become ``entries``.

    ``gone`` are the paths to remove, what is in a folder before it; ``new`` the positions of entries to make; ``other``
    those of files that become other versions of themselves, with what they were; ``touched`` the folders whose names change.
    """

    gone: Sequence[Entry]
    new: Sequence[int]
    other: Mapping[int, Entry]
    touched: frozenset[bytes]

    def is_small(self, entries: Sequence[Entry]) -> bool:
        """Say whether a clone saves work."""
        return len(self.gone) + len(self.new) + len(self.other) <= len(entries) // 2


def following(earlier: Sequence[Entry], entries: Sequence[Entry], *, keeps_links: bool) -> Following:
    """Return how ``entries`` differ from those of an ``earlier`` payload; with ``keeps_links`` a clone has its hard links."""
    before = {entry.path: entry for entry in earlier}
    names, old_names = _groups(entries), _groups(earlier)
    new: list[int] = []
    other: dict[int, Entry] = {}
    for position, entry in enumerate(entries):
        old = before.get(entry.path)
        if (old is not None and entry.kind == FOLDER == old.kind) or (
            old is not None
            and (*old[:8], *old[9:]) == (*entry[:8], *entry[9:])
            and names.get(entry.path) == old_names.get(entry.path)
            and (keeps_links or entry.path not in names)
        ):
            continue
        if (
            old is not None
            and old.kind == entry.kind == FILE
            and entry.path not in names
            and entry.path not in old_names
        ):
            other[position] = old
            continue
        new.append(position)
    made = {entries[position].path for position in new}
    here = {entry.path for entry in entries}
    gone = [entry for entry in reversed(earlier) if entry.path in made or entry.path not in here]
    touched = {split(entry.path)[0] for entry in gone} | {split(entries[p].path)[0] for p in new}
    return Following(gone, new, other, frozenset(touched))


def _groups(entries: Sequence[Entry]) -> Mapping[bytes, frozenset[bytes]]:
    """Return, for each path that is a hard link, all names of that file."""
    members: dict[int, list[bytes]] = {}
    for entry in entries:
        if entry.link_group:
            members.setdefault(entry.link_group, []).append(entry.path)
    return {path: names for names in map(frozenset, members.values()) for path in names}


def make_room(target: Path, todo: Following) -> None:
    """Remove what is ``gone`` from the clone ``target``; folders that change become writable for their owner meanwhile."""
    with Folders(target) as folders:
        for path in sorted(todo.touched):
            try:
                os.fchmod(folders.at(path), 0o700)
            except OSError as error:
                if error.errno not in GONE:  # a new one
                    raise translate(error, path) from error
        for entry in todo.gone:
            folder, name = split(entry.path)
            folders.forget(entry.path)
            try:
                if entry.kind == FOLDER:
                    os.rmdir(name, dir_fd=folders.at(folder))
                else:
                    os.unlink(name, dir_fd=folders.at(folder))
            except OSError as error:
                raise translate(error, entry.path) from error
