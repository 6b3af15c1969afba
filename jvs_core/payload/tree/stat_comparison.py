"""Comparing the status of every entry of a tree with what is expected of it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import FOLDER_FLAGS, Folders, split
from jvs_core.payload.tree.packed import Places
from jvs_core.payload.work.threads import unfold

LONGEST_PATH = 3800
FORMS = {FILE: stat.S_IFREG, FOLDER: stat.S_IFDIR, SYMLINK: stat.S_IFLNK, FIFO: stat.S_IFIFO}

Same = Callable[[int, os.stat_result], bool]
_Folder = tuple[bytes, int, int]


@dataclass
class Differences:
    """Paths that are not as expected; ``extra`` holds the topmost unexpected ones, with their status."""

    changed: list[bytes] = field(default_factory=list)
    missing: list[bytes] = field(default_factory=list)
    extra: dict[bytes, os.stat_result] = field(default_factory=dict)

    def paths(self) -> list[bytes]:
        """Return all of them, sorted."""
        return sorted([*self.changed, *self.missing, *self.extra])


def look(root: Path, entries: Sequence[Entry], same: Same, *, threads: int = 1) -> Differences:
    """Compare the tree ``root`` with ``entries``; no links are followed and only folders are opened.

    ``same(position, status)`` says whether what was found at ``entries[position].path`` is what it should be. It
    is called once for each path that is there, from up to ``threads`` threads. Every entry is looked at once: what
    ``same`` is told holds for the moment of that call.
    """
    return _Look(root, entries, same).run(threads)


class _Look:
    """One look, and what it found so far."""

    def __init__(self, root: Path, entries: Sequence[Entry], same: Same) -> None:
        self.root = root
        self.entries = entries
        self.same = same
        self.places = Places(entries)
        self.seen = bytearray(len(entries))
        self.found = Differences()

    def run(self, threads: int) -> Differences:
        with Folders(self.root) as self.folders:
            top = os.fstat(self.folders.top)
            self.judge(b"", 0, top)
            unfold((b"", top.st_dev, top.st_ino), self.opened, threads)
        if 0 in self.seen:
            self.found.missing = [
                entry.path for entry, seen in zip(self.entries, self.seen, strict=True) if not seen
            ]
        self.found.changed.sort()
        return self.found

    @contextmanager
    def opened(self) -> Iterator[Callable[[_Folder], Sequence[_Folder]]]:
        with self.folders.again() as folders:
            yield lambda folder: self.visit(folders, folder)

    def visit(self, folders: Folders, folder: _Folder) -> Sequence[_Folder]:
        try:
            return self.list(folders, *folder)
        except OSError as error:
            if error.errno not in GONE:
                raise translate(error, folder[0], reading=True) from error
            self.found.changed.append(folder[0])
            return ()

    def list(self, folders: Folders, path: bytes, dev: int, ino: int) -> Sequence[_Folder]:
        fd, mine = _open(folders, path)
        try:
            here = os.fstat(fd)
            if (here.st_dev, here.st_ino) != (dev, ino):
                self.found.changed.append(path)
                return ()
            prefix = path + b"/" if path else b""
            inner: list[_Folder] = []
            positions = self.places.below(path)
            get = positions.get
            encoding, surrogates = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
            with os.scandir(fd) as listing:
                for item in listing:
                    child = prefix + item.name.encode(encoding, surrogates)
                    try:
                        status = item.stat(follow_symlinks=False)
                    except OSError as error:
                        if error.errno not in GONE:
                            raise translate(error, child, reading=True) from error
                        if child in positions:
                            self.found.changed.append(child)
                        continue
                    position = get(child)
                    if position is None:
                        self.found.extra[child] = status
                    else:
                        self.judge(child, position, status)
                        if stat.S_ISDIR(status.st_mode) and self.entries[position].kind == FOLDER:
                            inner.append((child, status.st_dev, status.st_ino))
        finally:
            if mine:
                os.close(fd)
        return inner

    def judge(self, path: bytes, position: int, status: os.stat_result) -> None:
        self.seen[position] = 1
        if not self.same(position, status):
            self.found.changed.append(path)


def _open(folders: Folders, path: bytes) -> tuple[int, bool]:
    """Open the folder ``path`` in one call where its length allows; the caller compares the inode."""
    if not path or len(path) > LONGEST_PATH:
        return folders.at(path), False
    return os.open(path, FOLDER_FLAGS, dir_fd=folders.top), True


def place(folders: Folders, path: bytes) -> tuple[int, bytes]:
    """Return a folder's descriptor and a name from there for ``path``: one step where its length allows.

    Not safe against a folder swapped for a link: the caller compares the inode of what it opens.
    """
    if len(path) <= LONGEST_PATH:
        return folders.top, path
    parent, name = split(path)
    return folders.at(parent), name
