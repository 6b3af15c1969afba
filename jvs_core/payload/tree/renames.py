"""Renames inside one open folder that never go over anything."""

from __future__ import annotations

import ctypes
import errno
import os
import stat

_LIBC = ctypes.CDLL(None, use_errno=True)
_NOREPLACE, _EXCHANGE = 1, 2
_UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def rename_new(folder: int, old: bytes, new: bytes) -> None:
    """Rename ``old`` to ``new``. Raises FileExistsError where that exists.

    Where the file system has no such call, a crash may leave both names of a file, or an empty folder ``new``.
    """
    try:
        _rename(folder, old, new, _NOREPLACE)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        if stat.S_ISDIR(os.stat(old, dir_fd=folder, follow_symlinks=False).st_mode):
            os.mkdir(new, dir_fd=folder)
            os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            os.unlink(old, dir_fd=folder)


def exchange(folder: int, one: bytes, other: bytes) -> bool:
    """Let two names change places in one step; return False, and do nothing, where the file system cannot."""
    try:
        _rename(folder, one, other, _EXCHANGE)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        return False
    return True


def _rename(folder: int, old: bytes, new: bytes, flag: int) -> None:
    if _LIBC.renameat2(folder, old, folder, new, ctypes.c_uint(flag)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fsdecode(new))
