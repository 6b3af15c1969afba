"""Subvolumes of btrfs, of which homes consist there."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jvs_jupyter.quotas import btrfs_id

TOP = 256

_CREATE = 0x5000940E
_SET_FLAGS = 0x4008941A


def make(folder: Path) -> None:
    """Make ``folder`` as an empty subvolume of this process's own, closed to others. Raises FileExistsError, OSError."""
    with opened(folder.parent) as parent:
        before = os.umask(0o077)
        try:
            fcntl.ioctl(parent, _CREATE, bytearray(struct.pack("=q4088s", 0, os.fsencode(folder.name))))
        finally:
            os.umask(before)


def is_subvolume(folder: Path) -> bool:
    """Return whether a folder is the top of a subvolume of btrfs, and no link. Raises OSError where it is not there."""
    if folder.lstat().st_ino != TOP:
        return False
    with opened(folder) as here:
        return btrfs_id(here) is not None


def let_write(folder: int) -> None:
    """Let an open folder, a read-only subvolume, take writing, as its owner may. Raises OSError."""
    fcntl.ioctl(folder, _SET_FLAGS, struct.pack("=Q", 0))


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open a folder, and no link, for the block. Raises OSError."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield here
    finally:
        os.close(here)
