"""Files of several names: one name is made, and the others are further names of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import Stamp

Names = dict[int, deque[int]]
"""The positions of all names of a file, by link group; that of the one to make comes first."""


def leaders(entries: Sequence[Entry]) -> tuple[list[int], Names]:
    """Return the positions to make, one for each inode, and for each link group the positions of all its names."""
    first = []
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
    """Return another name of each link group whose leader is ``lost``, the first that is still there, and those that are gone."""
    following, gone = [], []
    for members in (groups[group] for position in lost if (group := entries[position].link_group)):
        while len(members) > 1:
            members.popleft()
            if _is_there(sources, entries[members[0]].path):
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
    made: list[Entry | None],
) -> set[bytes]:
    """Give what was ``made`` its other names in the target, which is open twice; return the names that are not as they were seen any more.

    Raises NoSpace or EngineFailed, with the path.
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
            folder, name = split(entry.path)
            first_folder, first_name = split(leader.path)
            try:
                os.link(
                    first_name, name, src_dir_fd=first.at(first_folder), dst_dir_fd=other.at(folder),
                    follow_symlinks=False,
                )  # fmt: skip
            except OSError as error:
                raise translate(error, entry.path) from error
            made[position] = leader._replace(path=entry.path)
    return changed


def join(target: Path, entries: Sequence[Entry]) -> set[bytes]:
    """Make the names of each link group names of one file again, that of the first; return the folders touched."""
    first: dict[int, Entry] = {}
    touched: set[bytes] = set()
    grouped = [entry for entry in entries if entry.link_group]
    if not grouped:
        return touched
    with Folders(target) as there, Folders(target) as here:
        for entry in grouped:
            leader = first.setdefault(entry.link_group, entry)
            if leader is entry:
                continue
            folder, name = split(entry.path)
            leader_folder, leader_name = split(leader.path)
            try:
                origin, place = there.at(leader_folder), here.at(folder)
                is_now = os.stat(name, dir_fd=place, follow_symlinks=False)
                if os.stat(leader_name, dir_fd=origin, follow_symlinks=False).st_ino != is_now.st_ino:
                    os.unlink(name, dir_fd=place)
                    os.link(leader_name, name, src_dir_fd=origin, dst_dir_fd=place, follow_symlinks=False)
                    touched.add(folder)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, entry.path) from error
    return touched


def _is_there(folders: Folders, path: bytes) -> bool:
    folder, name = split(path)
    try:
        os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, path, reading=True) from error
        return False
    return True


def _is_steady(sources: Folders, path: bytes, stamp: Stamp) -> bool:
    folder, name = split(path)
    try:
        st = os.stat(name, dir_fd=sources.at(folder), follow_symlinks=False)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, path, reading=True) from error
        return False
    return (st.st_dev, st.st_ino) == stamp[:2] and stamp.ctime_ns in (-1, st.st_ctime_ns)
