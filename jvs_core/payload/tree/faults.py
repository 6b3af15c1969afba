"""Turning errors of the operating system into JVS's own."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from jvs_core.errors import EngineFailed, JvsError, NoSpace, UnsupportedFile
from jvs_core.files import HINTS
from jvs_core.payload.tree.entry import printable

NAMED = 10
FULL = (errno.ENOSPC, errno.EDQUOT)
DENIED = (errno.EACCES, errno.EPERM)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE, errno.ENXIO)
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Unsized(OSError):
    """An open file has more or less in it than the size that it claims: a virtual one, made up as it is read."""

    def __init__(self) -> None:
        super().__init__(errno.EOVERFLOW, "its size is not that of what is in it")


def translate(error: OSError, path: bytes, *, reading: bool = False) -> JvsError:
    """Return the JVS error for ``error``, which happened at ``path`` (relative to the tree)."""
    name = printable(path) or "the top folder"
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return NoSpace(
            f"no space left while writing {name}",
            hint="free space or raise the quota, then run it again",
            path=name,
        )
    if isinstance(error, Unsized):
        return UnsupportedFile(
            f"{name} is a virtual file: it claims a size, and what is in it has another",
            hint="no snapshot can keep it: move it out of the worktree, or unmount what it lies in",
            path=name,
        )
    if error.errno == errno.EXDEV:
        return EngineFailed(
            f"{name} cannot be exchanged: it is a folder in a lower layer of overlayfs, or on another mount",
            hint="restore it to another path (--to), or the whole worktree in place",
            path=name,
        )
    if reading and error.errno in DENIED:
        return UnsupportedFile(
            f"cannot read {name}: {reason}", hint="make it readable or move it away", path=name
        )
    return EngineFailed(f"{name}: {reason}", hint=HINTS.get(error.errno or 0), path=name, errno=error.errno)


def listed(paths: Sequence[bytes]) -> str:
    """Return the first names of ``paths`` in printable form, and how many more there are."""
    shown = ", ".join(printable(p) or "the top folder" for p in paths[:NAMED])
    return shown if len(paths) <= NAMED else f"{shown} and {len(paths) - NAMED} more"
