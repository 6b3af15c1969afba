"""Hard links in a new tree: one name of each link group is copied, and the others are linked to it."""

from __future__ import annotations

import os
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.packed import Editable
from jvs_core.payload.tree.stamp import Stamp

Names = dict[int, deque[int]]
"""The positions of all names of a file, by link group; the one to copy comes first."""


def leaders(entries: Sequence[Entry]) -> tuple[Sequence[int], Names]:
    """Return the positions to copy, one for each inode, and for each link group the positions of all its names."""
    first = array("Q")
    followers: Names = {}
    for position, entry in enumerate(entries):
        if entry.kind == FOLDER:
            continue
        if entry.link_group:
            if entry.link_group in followers:
                followers[entry.link_group].append(position)
                continue
            followers[entry.link_group] = deque([position])
        first.append(position)
    return first, followers


def next_leaders(
    sources: Folders, entries: Sequence[Entry], lost: Iterable[int], groups: Names
) -> tuple[list[int], list[int]]:
    """Return, for groups whose first name is ``lost``, the next name that is there; and the names that are gone."""
    following, gone = [], []
    for members in (groups[group] for position in lost if (group := entries[position].link_group)):
        while len(members) > 1:
            members.popleft()
            if _status(sources, entries[members[0]].path) is not None:
                following.append(members[0])
                break
            gone.append(members[0])
    return following, gone


def link(
    sources: Folders,
    first: Folders,
    other: Folders,
    entries: Sequence[Entry],
    stamps: Sequence[Stamp],
    groups: Names,
    made: Editable,
) -> set[bytes]:
    """Link the other names of each group in the target, which is open twice.

    Returns the names that changed since the scan. Raises NoSpace or EngineFailed, with the path.
    """
    changed = set()
    for members in groups.values():
        leader = made[members[0]]
        for position in islice(members, 1, None):
            entry = entries[position]
            if leader is None:
                made[position] = None
                continue
            if not _is_steady(sources, entry.path, stamps[position]):
                changed.add(entry.path)
            try:
                make(first, other, leader.path, entry.path)
            except OSError as error:
                raise translate(error, entry.path) from error
            made[position] = leader._replace(path=entry.path)
    return changed


def join(target: Path, entries: Sequence[Entry]) -> set[bytes]:
    """Link the names of each group in ``target`` to its first name, if they are not; return the folders changed."""
    touched: set[bytes] = set()
    _, groups = leaders(entries)
    if not groups:
        return touched
    with Folders(target) as there, Folders(target) as here:
        for members in groups.values():
            first = entries[members[0]].path
            for position in islice(members, 1, None):
                path = entries[position].path
                folder, name = split(path)
                try:
                    now, wanted = _status(here, path), _status(there, first)
                    if now is None or wanted is None or now.st_ino == wanted.st_ino:
                        continue
                    os.unlink(name, dir_fd=here.at(folder))
                    make(there, here, first, path)
                    touched.add(folder)
                except OSError as error:
                    if error.errno not in GONE:
                        raise translate(error, path) from error
    return touched


def make(origins: Folders, places: Folders, first: bytes, path: bytes) -> None:
    """Give the file ``first`` of ``origins`` the further name ``path`` in ``places``."""
    (origin, old), (place, new) = split(first), split(path)
    os.link(old, new, src_dir_fd=origins.at(origin), dst_dir_fd=places.at(place), follow_symlinks=False)


def _status(folders: Folders, path: bytes) -> os.stat_result | None:
    """Return the status of what is at ``path``, None for nothing."""
    folder, name = split(path)
    try:
        return os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, path, reading=True) from error
        return None


def _is_steady(sources: Folders, path: bytes, stamp: Stamp) -> bool:
    st = _status(sources, path)
    return st is not None and (st.st_dev, st.st_ino) == stamp[:2] and stamp.ctime_ns in (-1, st.st_ctime_ns)
