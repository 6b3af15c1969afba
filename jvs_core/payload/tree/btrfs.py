"""What btrfs shows in a walk that no other file system does: the empty folder in place of a subvolume."""

from __future__ import annotations

import errno
import fcntl
import os

PLACEHOLDER_INODE = 2

_SUBVOL_GETFLAGS = 0x80089419


def is_placeholder(st: os.stat_result, parent: int) -> bool:
    """Say whether a folder with the status ``st``, in the open folder ``parent``, stands for a subvolume.

    A snapshot of a subvolume has one wherever another subvolume was inside. It is empty, nothing can be put into it,
    and its times are those of the last look, so it seems to change for ever.
    """
    return st.st_ino == PLACEHOLDER_INODE and st.st_nlink == 1 and _on_btrfs(parent)


def _on_btrfs(folder: int) -> bool:
    try:
        fcntl.ioctl(folder, _SUBVOL_GETFLAGS, bytes(8))
    except OSError as error:
        return error.errno == errno.EINVAL  # btrfs, in a folder that is no subvolume's top
    return True
