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
    if reading and error.errno in DENIED:
        return UnsupportedFile(
            f"cannot read {name}: {reason}", hint="make it readable or move it away", path=name
        )
    return EngineFailed(f"{name}: {reason}", hint=HINTS.get(error.errno or 0), path=name, errno=error.errno)


def listed(paths: Sequence[bytes]) -> str:
    """Return the first names of ``paths`` in printable form, and how many more there are."""
    shown = ", ".join(printable(p) or "the top folder" for p in paths[:NAMED])
    return shown if len(paths) <= NAMED else f"{shown} and {len(paths) - NAMED} more"
