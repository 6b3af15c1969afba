"""Renames between open folders that never go over anything, and exchanges."""

from __future__ import annotations

import ctypes
import errno
import os
import stat

_LIBC = ctypes.CDLL(None, use_errno=True)
_NOREPLACE, _EXCHANGE = 1, 2
_UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def rename_new(folder: int, old: bytes | str, new: bytes | str, *, into: int | None = None) -> None:
    """Rename ``old`` in ``folder`` to ``new``, there or in the folder ``into``. Raises FileExistsError where that exists.

    Where the file system has no such call (NFS), a name is taken by an exclusive operation first: a crash may leave both
    names of a file, or an empty folder ``new``.
    """
    there = folder if into is None else into
    try:
        _rename(folder, old, there, new, _NOREPLACE)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        if not stat.S_ISDIR(os.stat(old, dir_fd=folder, follow_symlinks=False).st_mode):
            os.link(old, new, src_dir_fd=folder, dst_dir_fd=there, follow_symlinks=False)
            os.unlink(old, dir_fd=folder)
            return
        os.mkdir(new, dir_fd=there)
        try:
            os.rename(old, new, src_dir_fd=folder, dst_dir_fd=there)
        except OSError:
            os.rmdir(new, dir_fd=there)
            raise


def exchange(folder: int, one: bytes | str, other: bytes | str, *, into: int | None = None) -> bool:
    """Let ``one`` in ``folder`` and ``other``, there or in ``into``, change places in one step.

    Returns False, and does nothing, where the file system cannot.
    """
    try:
        _rename(folder, one, folder if into is None else into, other, _EXCHANGE)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        return False
    return True


def _rename(here: int, old: bytes | str, there: int, new: bytes | str, flag: int) -> None:
    if _LIBC.renameat2(here, os.fsencode(old), there, os.fsencode(new), ctypes.c_uint(flag)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fsdecode(new))
