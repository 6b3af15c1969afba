"""One regular file, from a source that may change to a target that must be known exactly."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from hashlib import sha256
from typing import Literal, NamedTuple

from jvs_core.payload.tree.faults import Unsized

State = tuple[int, int, int]
"""The fields of a ``Stamp``, or a ``Stamp`` itself."""
Method = Literal["reflink", "copy"]
How = Literal["reflink", "copy_file_range", "copy", "link", ""]

FICLONE = 0x40049409
UNREAD = bytes(32)
CHUNK = 1 << 20
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MAKE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
CANNOT_CLONE = (
    errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ETXTBSY, errno.ENOSYS, errno.EPERM, errno.EBADF,
)  # fmt: skip


class Changed(Exception):
    """The source is not, or no longer, the regular file that the scan saw."""


class Content(NamedTuple):
    """The bytes that reached a target: their digest, how they got there, and whether the source changed under it."""

    sha256: bytes
    how: How
    changed: bool


def open_regular(
    name: bytes, folder: int, expected: tuple[int, int] | None = None
) -> tuple[int, os.stat_result]:
    """Open the regular file ``name`` for reading; never blocks, never follows a link.

    Raises Changed when it is gone, is something else by now, or is not the inode (dev, ino) ``expected``.
    """
    try:
        fd = os.open(name, READ_FLAGS, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESTALE):
            raise Changed from error
        raise
    st = os.fstat(fd)
    if not stat.S_ISREG(st.st_mode) or (expected is not None and (st.st_dev, st.st_ino) != expected):
        os.close(fd)
        raise Changed
    return fd, st


def same(st: os.stat_result, stamp: State, size: int, mtime_ns: int) -> bool:
    """Say whether ``st`` shows the very state that was scanned; with a ``ctime_ns`` of -1 no time is compared.

    That is for payloads, which nobody changes: a move of the repository may have lost their times.
    """
    return (
        (stamp[2] == -1 or (st.st_ctime_ns == stamp[2] and st.st_mtime_ns == mtime_ns))
        and st.st_ino == stamp[1]
        and st.st_dev == stamp[0]
        and st.st_size == size
    )


def hash_fd(fd: int, size: int) -> bytes:
    """Return the SHA-256 of the open file's content, from its beginning; ``size`` is what to expect.

    Of a file that grew, one byte more is read than was expected: the digest is then not that of the first ``size`` bytes.
    A large write moves ``ctime`` when it begins, not when it ends. One that is under way is waited for, since asking
    where data begins needs the lock that it holds. Raises Unsized.
    """
    if size < CHUNK:
        data = os.pread(fd, size + 1, 0)
        if len(data) == size:
            return sha256(data, usedforsecurity=False).digest()
    with suppress(OSError):
        os.lseek(fd, 0, os.SEEK_DATA)
    state = sha256(usedforsecurity=False)
    view = memoryview(bytearray(min(CHUNK, size + 1)))
    offset = 0
    while count := os.preadv(fd, [view[: size + 1 - offset]], offset):
        state.update(view[:count])
        offset += count
    if offset != size:
        require_sized(fd)
    return state.digest()


def require_sized(fd: int) -> None:
    """Make sure that the open file ends where its size says, unless it is just being changed. Raises Unsized."""
    size = os.fstat(fd).st_size
    ends = not os.pread(fd, 1, size) and (not size or os.pread(fd, 1, size - 1))
    if not ends and os.fstat(fd).st_size == size:
        raise Unsized


def clone(source: int, st: os.stat_result, target: int) -> How:
    """Give ``target`` the blocks of ``source``: by FICLONE, else ``copy_file_range``, else read and write.

    ``copy_file_range`` may fill holes where it has to copy, so a sparse file is read and written instead. Raises Unsized.
    """
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno not in CANNOT_CLONE:
            raise
    else:
        return "reflink"
    if not sparse(st):
        try:
            offset = 0
            while count := os.copy_file_range(source, target, st.st_size - offset, offset, offset):
                offset += count
        except OSError as error:
            if error.errno not in CANNOT_CLONE:
                raise
        else:
            if offset < st.st_size or os.pread(source, 1, offset):
                require_sized(source)
            return "copy_file_range"
        os.ftruncate(target, 0)
    copy(source, st, target)
    return "copy"


def sparse(st: os.stat_result) -> bool:
    """Say whether a file may have holes."""
    return st.st_blocks * 512 < st.st_size


def copy(source: int, st: os.stat_result, target: int) -> bytes:
    """Copy the data of ``source``, leaving its holes; return the SHA-256 of exactly what ``target`` now holds.

    The digest is taken from the very buffers that are written, so it holds for the target whatever happens to the
    source meanwhile. Raises Unsized.
    """
    state = sha256(usedforsecurity=False)
    if st.st_size < CHUNK and not sparse(st):
        data = os.pread(source, st.st_size + 1, 0)
        if len(data) == st.st_size:
            state.update(data)
            _write(target, memoryview(data), 0)
            return state.digest()
    buffer = bytearray(CHUNK)
    end = 0
    length = os.fstat(source).st_size
    for start, stop in data_extents(source, length):
        _hash_zeros(state, start - end)
        end = start
        while end < stop:
            count = os.preadv(source, [memoryview(buffer)[: stop - end]], end)
            if not count:
                break
            chunk = memoryview(buffer)[:count]
            state.update(chunk)
            _write(target, chunk, end)
            end += count
    if length > end:
        _hash_zeros(state, length - end)
        os.ftruncate(target, length)
    require_sized(source)
    return state.digest()


def data_extents(fd: int, length: int) -> list[tuple[int, int]]:
    """Return the extents of ``fd`` that hold data below ``length``; one for all where the file system cannot tell."""
    extents: list[tuple[int, int]] = []
    position = 0
    while position < length:
        try:
            start = os.lseek(fd, position, os.SEEK_DATA)
            position = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            if error.errno != errno.EINVAL:
                raise
            return [(0, length)]
        if start >= length:
            break
        extents.append((start, min(position, length)))
    return extents


def _hash_zeros(state: object, count: int) -> None:
    zeros = memoryview(bytes(min(count, CHUNK)))
    while count > 0:
        state.update(zeros[: min(count, CHUNK)])  # type: ignore[attr-defined]  # hashlib has no public type
        count -= CHUNK


def _write(fd: int, view: memoryview, offset: int) -> None:
    while view:
        count = os.pwrite(fd, view, offset)
        view = view[count:]
        offset += count


def fill(
    source: int,
    st: os.stat_result,
    target: int,
    stamp: State,
    size: int,
    mtime_ns: int,
    *,
    method: Method,
    known: bytes,
    now_ns: int,
) -> Content:
    """Bring the content of ``source`` to the empty ``target`` and say what is in it.

    ``known`` is the digest recorded for the scanned state, ``b""``, or ``UNREAD`` where nobody needs one, so that what is
    cloned is not read. The source is hashed, after it was cloned,
    because its pages are at hand. Where ``ctime`` is older than ``now_ns`` (the time of a ``WritebackTime``) any
    store since shows in it; where it is not, and when the source did change, the clone itself is hashed.
    """
    if method == "copy":
        digest = copy(source, st, target)
        return Content(digest, "copy", not same(os.fstat(source), stamp, size, mtime_ns))
    how = clone(source, st, target)
    if known == UNREAD:
        return Content(known, how, not same(os.fstat(source), stamp, size, mtime_ns))
    young = stamp[2] >= now_ns
    digest = known if known and not young else b"" if young else hash_fd(source, size)
    changed = not same(os.fstat(source), stamp, size, mtime_ns)
    if changed or young:
        digest = hash_fd(target, os.fstat(target).st_size)
    return Content(digest, how, changed)
