"""Reading one file out of a payload, checked against its manifest: the last piece is returned only if all is right."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from jvs_core.errors import PayloadHashMismatch
from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import hash_fd
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split

MOST_REMEMBERED = 4096
SETTLED_NS = 1_000_000_000
"""A younger state is not remembered: a write within the same tick of the clock would not change it."""
_NO_FILE = (*GONE, errno.ENODEV)
_TURNS = [threading.Lock() for _ in range(16)]

Inode = tuple[int, int, int, int, int]


class Digests:
    """The digests of files, by device, inode, size and times; the least recently used are forgotten."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._found: OrderedDict[Inode, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, inode: Inode) -> bytes | None:
        """Return the digest that a file in this state had."""
        with self._lock:
            if inode in self._found:
                self._found.move_to_end(inode)
            return self._found.get(inode)

    def put(self, inode: Inode, digest: bytes) -> None:
        """Remember the digest of a file whose state has settled."""
        if time.time_ns() - inode[-1] < SETTLED_NS:
            return
        with self._lock:
            self._found[inode] = digest
            self._found.move_to_end(inode)
            if len(self._found) > self._most:
                self._found.popitem(last=False)


DIGESTS = Digests()


class CheckedFile(io.RawIOBase):
    """An open file of a payload that must hold what ``entry`` says; ``damaged`` makes the error where it does not.

    It owns the descriptor ``fd`` and closes it. A read from beginning to end is hashed on the way, and its last piece
    is returned only if the digest is right. Before a read in another order, and by ``check``, the whole file is hashed,
    unless a file in this state (inode, size, times) was right before. There is no ``fileno``, which would bypass the
    check.
    """

    def __init__(self, fd: int, entry: Entry, damaged: Callable[[], PayloadHashMismatch]) -> None:
        super().__init__()
        self._fd = fd
        self._entry = entry
        self._damaged = damaged
        self._position = 0
        self._right: Inode | None = None
        self._opened = _state(fd)
        self._passing = None if self._is_suspect() else sha256(usedforsecurity=False)

    def check(self) -> None:
        """Make sure that all of it is what the manifest says. Raises PayloadHashMismatch, EngineFailed."""
        now = _state(self._fd)
        if now != self._right:
            with _TURNS[hash(now) % len(_TURNS)]:
                if now[2] != self._entry.size or not self._is_right(now):
                    raise self._damaged()
        self._right = now
        self._passing = None

    def readinto(self, buffer: object, /) -> int:
        """Read the next bytes. Raises PayloadHashMismatch, EngineFailed."""
        if self._passing is None:
            self.check()
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # typeshed has no public name for a buffer
        left = self._entry.size - self._position
        view = view[: max(left, 0)]
        count = self._read(view) if view else 0
        if view and not count:
            self._passing = None
            raise self._damaged()
        if self._passing is not None:
            self._passing.update(view[:count])
            if count == left:
                self._end()
        self._position += count
        return count

    def readall(self) -> bytes:
        """Read the rest."""
        data = bytearray(max(self._entry.size - self._position, 0))
        view, filled = memoryview(data), 0
        while count := self.readinto(view[filled:]):
            filled += count
        return bytes(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to another position; the whole file is checked first. Raises PayloadHashMismatch, EngineFailed."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._entry.size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the start")
        if start + offset != self._position:
            self.check()
            self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position of the next read."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._fd)
        super().close()

    def _read(self, view: memoryview) -> int:
        try:
            return os.preadv(self._fd, [view], self._position)
        except OSError as error:
            raise translate(error, self._entry.path, reading=True) from error

    def _end(self) -> None:
        assert self._passing is not None
        digest = self._passing.digest()
        self._passing = None
        now = _state(self._fd)
        if now == self._opened:
            DIGESTS.put(now, digest)
        if digest != self._entry.sha256 or now[2] != self._entry.size:
            raise self._damaged()
        self._right = self._opened

    def _is_right(self, now: Inode) -> bool:
        if DIGESTS.get(now) == self._entry.sha256:
            return True
        try:
            digest = hash_fd(self._fd, self._entry.size)
        except OSError as error:
            raise translate(error, self._entry.path, reading=True) from error
        if now == _state(self._fd):
            DIGESTS.put(now, digest)
        return digest == self._entry.sha256

    def _is_suspect(self) -> bool:
        """Say whether a file in this state was wrong before; then it is hashed before any of it is returned."""
        return DIGESTS.get(self._opened) not in (None, self._entry.sha256)


def open_held(
    folders: Folders, entry: Entry, damaged: Callable[[], PayloadHashMismatch]
) -> tuple[int, os.stat_result]:
    """Open the regular file ``entry`` of a payload for a ``CheckedFile``; no link is followed, no FIFO waited for.

    Where it is gone, something else or of another size, ``damaged`` makes the error to raise; else raises EngineFailed or
    UnsupportedFile for what cannot be read.
    """
    folder, name = split(entry.path)
    try:
        fd, st = content.open_regular(name, folders.at(folder))
    except content.Changed as error:
        raise damaged() from error
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise translate(error, entry.path, reading=True) from error
        raise damaged() from error
    if st.st_size != entry.size:
        os.close(fd)
        raise damaged()
    return fd, st


def _state(fd: int) -> Inode:
    st = os.fstat(fd)
    return st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns
