"""The steps that make one tree equal to another by changing only what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from jvs_core.payload.tree.entry import FOLDER, Entry, is_alike
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.walk import Scan

Inode = tuple[int, int]


class Link(NamedTuple):
    """A hard link to make to the file ``first``; ``fresh``: the content at this name changes by it."""

    entry: Entry
    first: bytes
    fresh: bool


@dataclass(frozen=True)
class Steps:
    """What to do, in this order; nothing at all when every list is empty.

    ``clear``: present entries that stand where another kind belongs, the deepest first. ``make``: folders. ``fill``:
    files, links and FIFOs to bring from the payload. ``link``: further names. ``mend``: entries with the right content
    and wrong attributes, times apart. ``remove``: present entries that are not wanted, the deepest first. ``settle``:
    folders whose attributes differ or are opened up, the deepest first. ``open_up``: present folders without the
    permissions that the steps need. ``seen`` is the state of every file that stands where the steps put, mend or remove
    something.
    """

    clear: Sequence[Entry] = ()
    make: Sequence[Entry] = ()
    fill: Sequence[Entry] = ()
    link: Sequence[Link] = ()
    mend: Sequence[Entry] = ()
    remove: Sequence[Entry] = ()
    settle: Sequence[Entry] = ()
    open_up: Sequence[bytes] = ()
    seen: Mapping[bytes, FileState] = field(default_factory=dict)

    def brought(self) -> list[Entry]:
        """Return the entries that are read from the payload: those to copy, and those whose attributes are restored."""
        attributed = [entry for entry in (*self.mend, *self.settle) if entry.xattrs]
        return [*self.fill, *attributed]

    def __bool__(self) -> bool:
        return any((self.clear, self.make, self.fill, self.link, self.mend, self.remove, self.settle))


def plan(present: Scan, wanted: Sequence[Entry]) -> Steps:
    """Return the steps from ``present``, described with attributes, to the manifest entries ``wanted``.

    A file that is right keeps its inode; so does one that only needs other attributes, and the first of several
    names that should be one file. The same steps, planned again after a crash at any point, complete the work.
    """
    here = {entry.path: position for position, entry in enumerate(present.entries)}
    there = {entry.path: entry for entry in wanted}
    clear: list[Entry] = []
    make: list[Entry] = []
    mend: list[Entry] = []
    differing: list[Entry] = []
    for entry in wanted:
        position = here.get(entry.path)
        is_now = None if position is None else present.entries[position]
        if is_now is not None and (is_now.kind == FOLDER) != (entry.kind == FOLDER):
            clear.append(is_now)
        if entry.kind == FOLDER:
            if is_now is None or is_now.kind != FOLDER:
                make.append(entry)
                differing.append(entry)
            elif _attributes(is_now) != _attributes(entry):
                differing.append(entry)
    blocked = {entry.path for entry in clear if entry.kind == FOLDER}
    gone: list[Entry] = []
    for is_now in present.entries:
        if is_now.path not in there:
            (clear if blocked and _below(is_now.path, blocked) else gone).append(is_now)
    fill, link = _contents(present, here, wanted, mend)
    touched = {_parent(entry.path) for entries in (clear, make, fill, gone) for entry in entries}
    touched.update(_parent(name.entry.path) for name in link)
    closed = {
        entry.path
        for entry in present.entries
        if entry.kind == FOLDER and entry.mode & 0o700 != 0o700 and entry.path in touched
    }
    settle = {entry.path: entry for entry in differing}
    settle.update((path, there[path]) for path in closed if path in there and there[path].kind == FOLDER)
    return Steps(
        clear=sorted(clear, reverse=True),
        make=make,
        fill=fill,
        link=link,
        mend=mend,
        remove=sorted(gone, reverse=True),
        settle=sorted(settle.values(), reverse=True),
        open_up=sorted(closed),
        seen=_seen(present, here, (clear, fill, (name.entry for name in link), mend, gone), link),
    )


def _seen(
    present: Scan,
    here: Mapping[bytes, int],
    changed: Iterable[Iterable[Entry]],
    link: Sequence[Link],
) -> dict[bytes, FileState]:
    linked = {name.first for name in link}
    return {
        path: FileState.at(present, here[path], named=path in linked)
        for path in (entry.path for entries in changed for entry in entries)
        if path in here and present.entries[here[path]].kind != FOLDER
    }


def _contents(
    present: Scan, here: dict[bytes, int], wanted: Sequence[Entry], mend: list[Entry]
) -> tuple[list[Entry], list[Link]]:
    """Choose the inode for each wanted file: one that is there, or a new one."""
    fill: list[Entry] = []
    link: list[Link] = []
    claimed: set[Inode] = set()
    # Nearly all files: no hard links, nothing to change.
    alone = {entry for entry in present.entries if not entry.link_group}
    for names in _files([entry for entry in wanted if entry.link_group or entry not in alone]):
        keeper: Entry | None = None
        inode: Inode | None = None
        others: list[Link] = []
        for entry in names:
            position = here.get(entry.path)
            mine = None if position is None else present.stamps[position][:2]
            is_now = None if position is None else present.entries[position]
            if mine is not None and mine == inode:
                continue
            if keeper is None and is_now is not None and mine not in claimed and is_alike(is_now, entry):
                assert mine is not None
                keeper, inode = entry, mine
                claimed.add(mine)
                if _attributes(is_now) != _attributes(entry):
                    mend.append(entry)
                continue
            fresh = is_now is not None and not is_alike(is_now, entry)
            others.append(Link(entry, b"", fresh))
        if keeper is None:
            keeper = others.pop(0).entry
            fill.append(keeper)
            others = [other._replace(fresh=False) for other in others]  # it gets the present time
        link.extend(other._replace(first=keeper.path) for other in others)
    return fill, link


def _files(wanted: Sequence[Entry]) -> list[list[Entry]]:
    """Return all but folders, grouped by inode."""
    files: list[list[Entry]] = []
    groups: dict[int, list[Entry]] = {}
    for entry in wanted:
        if entry.kind == FOLDER:
            continue
        if entry.link_group and entry.link_group in groups:
            groups[entry.link_group].append(entry)
            continue
        names = [entry]
        if entry.link_group:
            groups[entry.link_group] = names
        files.append(names)
    return files


def _attributes(entry: Entry) -> tuple[object, ...]:
    return entry.mode, entry.uid, entry.gid, entry.xattrs


def _parent(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _below(path: bytes, folders: set[bytes]) -> bool:
    while path:
        path = _parent(path)
        if path in folders:
            return True
    return False
