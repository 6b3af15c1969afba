"""Folders below one top, opened without following a link and without limits of depth or path length."""

from __future__ import annotations

import os
from collections import OrderedDict
from types import TracebackType
from typing import TYPE_CHECKING

from jvs_core import anchored

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
KEPT_OPEN = 24  # so that sixteen threads, with the files that each reads, stay below the usual limit of 1,024


def split(path: bytes) -> tuple[bytes, bytes]:
    """Return the folder and the name of ``path``; the folder of a top-level name is ``b""``."""
    folder, _, name = path.rpartition(b"/")
    return folder, name


class Folders:
    """Descriptors of folders below ``top``, opened on demand; at most ``KEPT_OPEN`` are open at a time.

    Every component is opened relative to its parent's descriptor with ``O_NOFOLLOW``, so a path can be of any
    length and a folder that was swapped for a symbolic link is an error (``ENOTDIR`` or ``ELOOP``), not a way
    out of the tree. Not for use by two threads at once.
    """

    def __init__(self, top: Path | bytes, *, within: int | None = None) -> None:
        """Open ``top``, by its name where the folder ``within``, an open one, is given."""
        if within is None:
            self.top = anchored.open_folder(top, FOLDER_FLAGS)
        else:
            self.top = os.open(top, FOLDER_FLAGS, dir_fd=within)
        self._open: OrderedDict[bytes, int] = OrderedDict()

    def again(self) -> Folders:
        """Return the same top for another thread, by a descriptor of its own; the file system hears nothing of it."""
        other = object.__new__(Folders)
        other.top = os.dup(self.top)
        other._open = OrderedDict()
        return other

    def at(self, path: bytes) -> int:
        """Return a descriptor of the folder ``path``, good until ``KEPT_OPEN`` other folders were asked for."""
        if not path:
            return self.top
        fd = self._open.get(path)
        if fd is not None:
            self._open.move_to_end(path)
            return fd
        missing = []
        while path and path not in self._open:
            path, name = split(path)
            missing.append(name)
        fd = self._open[path] if path else self.top
        for name in reversed(missing):
            fd = os.open(name, FOLDER_FLAGS, dir_fd=fd)
            path = path + b"/" + name if path else name
            self._open[path] = fd
            if len(self._open) > KEPT_OPEN:
                os.close(self._open.popitem(last=False)[1])
        return fd

    def forget(self, path: bytes) -> None:
        """Close ``path`` if it is open, before it is removed or replaced."""
        fd = self._open.pop(path, None)
        if fd is not None:
            os.close(fd)

    def close(self) -> None:
        """Close every descriptor."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        if self.top >= 0:
            os.close(self.top)
            self.top = -1

    def __enter__(self) -> Folders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
