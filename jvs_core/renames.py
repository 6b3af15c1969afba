"""Renames that never go over anything, of names in open folders."""

from __future__ import annotations

import errno
import os
import stat
from functools import cache
from typing import Any

_NOREPLACE, _EXCHANGE = 1, 2
_UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)

Name = tuple[int, str] | tuple[int, bytes]
"""The descriptor of a folder, and a name in it."""


def rename_new(old: Name, new: Name) -> None:
    """Rename ``old`` to ``new``. Raises FileExistsError where that exists.

    Where the file system has no such call (NFS), a name is taken by an exclusive operation first: a failure gives it
    back, a crash in between leaves both names of a file, or an empty folder ``new``.
    """
    try:
        _rename(old, new, _NOREPLACE)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        _take_and_rename(*old, *new)


def exchange(one: Name, other: Name) -> bool:
    """Let two existing names change places in one step; return False, and do nothing, where the file system cannot."""
    try:
        _rename(one, other, _EXCHANGE)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        return False
    return True


def _take_and_rename(here: int, old: str | bytes, there: int, new: str | bytes) -> None:
    if stat.S_ISDIR(os.stat(old, dir_fd=here, follow_symlinks=False).st_mode):
        os.mkdir(new, dir_fd=there)
        try:
            os.rename(old, new, src_dir_fd=here, dst_dir_fd=there)
        except OSError:
            os.rmdir(new, dir_fd=there)
            raise
        return
    os.link(old, new, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    try:
        os.unlink(old, dir_fd=here)
    except OSError:
        os.unlink(new, dir_fd=there)
        raise


@cache
def _libc() -> Any:
    import ctypes  # who only reads does without

    return ctypes.CDLL(None, use_errno=True)


def _rename(old: Name, new: Name, flag: int) -> None:
    import ctypes

    (here, was), (there, becomes) = old, new
    if _libc().renameat2(here, os.fsencode(was), there, os.fsencode(becomes), ctypes.c_uint(flag)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fsdecode(was), None, os.fsdecode(becomes))
