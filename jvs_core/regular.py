"""Regular files, and nothing else of their name: read to an end, without waiting, without following a link."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

from jvs_core import anchored
from jvs_core.errors import DescriptorCorrupt

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_RECORD = 1 << 28
LONGEST_PLAIN = 1 << 24
# Whatever the umask says, others than owner and group never may write what JVS makes.
FILE_MODE, FOLDER_MODE = 0o664, 0o775
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
IN_THE_WAY = (errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENXIO, errno.ENODEV)
_LOOKS = 30


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = FILE_MODE, *, follow: bool = False) -> int:
    """Open the regular file ``path``: no FIFO is waited for, and with ``follow`` only a link is followed.

    Raises what ``os.open`` does, or DescriptorCorrupt when something else has the name.
    """
    try:
        with anchored.parent(path) as (folder, name):
            how = flags | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
            fd = os.open(name, how, mode, dir_fd=folder)
    except OSError as error:
        if error.errno in IN_THE_WAY:
            raise _irregular(path) from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _irregular(path)
    return fd


def is_irregular(path: Path) -> bool:
    """Say whether something else than a regular file has the name ``path``; a link to one is something else."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def irregular(path: Path, wanted: str = "regular file") -> str:
    """Say, for messages, what has the name ``path`` in the place of what is ``wanted``."""
    try:
        kind = _KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "")
    except OSError:
        kind = ""
    return f"{path} is not a {wanted}{' but a ' + kind if kind else ''}"


def _irregular(path: Path) -> DescriptorCorrupt:
    return DescriptorCorrupt(irregular(path), hint="replace it with a sound copy", path=str(path))


def read_regular(path: Path, *, most: int = LONGEST_RECORD, follow: bool = False) -> bytes:
    """Return what the regular file ``path`` holds; with ``follow`` only a link to one is followed.

    Raises what ``os.open`` does, or DescriptorCorrupt for anything else of that name and for more than ``most`` bytes.
    """
    return read_with_status(path, most=most, follow=follow)[0]


def read_with_status(
    path: Path, *, most: int = LONGEST_RECORD, follow: bool = False
) -> tuple[bytes, os.stat_result]:
    """Return what ``read_regular`` does, and the status of the file that it was read from, from one descriptor."""
    fd = open_regular(path, follow=follow)
    try:
        status = os.fstat(fd)
        size = status.st_size
        data = os.read(fd, size + 1) if size <= most else b""
        if len(data) == size <= most:
            return data, status
        parts = [data]  # it grows meanwhile, comes in parts, or has a size that says nothing
        count = size if size > most else len(data)
        while count <= most and (more := os.read(fd, 1 << 20)):
            parts.append(more)
            count += len(more)
    finally:
        os.close(fd)
    if count > most:
        raise DescriptorCorrupt(
            f"{path} is longer than {most} bytes", hint="replace it with a sound copy", path=str(path)
        )
    return b"".join(parts), status


def read_named(path: str | Path, most: int) -> bytes:
    """Return the first ``most`` bytes of what the caller names: a file, link or pipe.

    A FIFO that nobody writes to is empty; it is not waited for.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.set_blocking(fd, True)
        data = b""
        while len(data) < most and (more := os.read(fd, most - len(data))):
            data += more
        return data
    finally:
        os.close(fd)


def read_replaced(path: Path, *, most: int = LONGEST_RECORD) -> bytes:
    """Return what a file holds that others replace by renaming another one over it: the old content or the new one.

    On JuiceFS the name leads nowhere for a moment; while the folder still lists it, this looks again. Raises
    FileNotFoundError when it is gone, DescriptorCorrupt when it is no file.
    """
    for attempt in range(_LOOKS):
        try:
            return read_regular(path, most=most)
        except FileNotFoundError:
            if path.name not in os.listdir(path.parent):
                raise
            time.sleep(0.001 * attempt)
    return read_regular(path, most=most)
