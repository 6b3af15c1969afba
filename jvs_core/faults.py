"""Errors of the operating system, turned into JVS's own: what failed, why, and what to do about it."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from jvs_core.errors import EngineFailed, JvsError, NoSpace, UnsupportedFile
from jvs_core.regular import IN_THE_WAY

FULL = (errno.ENOSPC, errno.EDQUOT)
DENIED = (errno.EACCES, errno.EPERM)
_HINTS = {
    errno.EROFS: "the file system is mounted read-only: mount it writable",
    errno.ENOTCONN: "the mount is dead: mount it again, or umount it",
    errno.ESTALE: "the mount is dead: mount it again, or umount it",
    errno.EXDEV: "a repository must be on one file system: see whether another one is mounted inside it",
    errno.EIO: "the device or the mount reports errors: see the system log",
    errno.EFBIG: "files may be no larger here: see ulimit -f, and the limits of the file system",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
    errno.ENFILE: "raise the limit of open files of the machine: sysctl fs.file-max",
    errno.ENOMEM: "free memory, or raise the limit on it: ulimit -v",
    **dict.fromkeys(DENIED, "check owner and mode of the file and of its parent folders"),
    **dict.fromkeys(
        (*IN_THE_WAY, errno.EEXIST), "something else is in its place: look at it, and see jvs doctor"
    ),
}

P = ParamSpec("P")
T = TypeVar("T")


def storage_error(error: OSError, what: str = "", *, reading: bool = False) -> JvsError:
    """Return the contract's error for an ``OSError`` of the file system, which happened to ``what`` or while doing it.

    ``reading``: a file of the user's was read, so that a refusal is for the user to end.
    """
    if error.errno == errno.ENOENT and error.filename is None and not _has_folder():
        return EngineFailed("the current folder was removed", hint="go to a folder that exists: cd FOLDER")
    what = what or (
        os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else "the file system"
    )
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in FULL:
        return NoSpace(
            f"no space left: {what}",
            hint="free space or raise the quota, then run the command again",
            path=what,
        )
    if reading and error.errno in DENIED:
        return UnsupportedFile(
            f"cannot read {what}: {reason}", hint="make it readable or move it away", path=what
        )
    return EngineFailed(f"{what}: {reason}", hint=_HINTS.get(error.errno or 0), path=what, errno=error.errno)


def not_exchangeable(what: str) -> JvsError:
    """Return the error for a name that cannot change places with another one (``EXDEV``)."""
    return EngineFailed(
        f"{what} cannot be exchanged: it is a folder in a lower layer of overlayfs, or on another mount",
        hint="restore it to another path (--to), or the whole worktree in place",
        path=what,
    )


def _has_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def translated(function: Callable[P, T]) -> Callable[P, T]:
    """Make ``function`` raise the contract's error wherever the file system refuses it."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except OSError as error:
            raise storage_error(error) from error

    return call
