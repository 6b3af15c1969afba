"""Errors of the operating system at a path of a tree, and which of them mean what."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from jvs_core.errors import JvsError, UnsupportedFile
from jvs_core.faults import storage_error
from jvs_core.payload.tree.entry import printable

NAMED = 10
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE, errno.ENXIO)
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Unsized(OSError):
    """An open file has more or less in it than the size that it claims: a virtual one, made up as it is read."""

    def __init__(self) -> None:
        super().__init__(errno.EOVERFLOW, "its size is not that of what is in it")


def translate(error: OSError, path: bytes, *, reading: bool = False) -> JvsError:
    """Return the JVS error for ``error``, which happened at ``path`` (relative to the tree)."""
    name = printable(path) or "the top folder"
    if isinstance(error, Unsized):
        return UnsupportedFile(
            f"{name} is a virtual file: it claims a size, and what is in it has another",
            hint="no snapshot can keep it: move it out of the worktree, or unmount what it lies in",
            path=name,
        )
    return storage_error(error, name, reading=reading)


def listed(paths: Sequence[bytes]) -> str:
    """Return the first names of ``paths`` in printable form, and how many more there are."""
    shown = ", ".join(printable(p) or "the top folder" for p in paths[:NAMED])
    return shown if len(paths) <= NAMED else f"{shown} and {len(paths) - NAMED} more"
