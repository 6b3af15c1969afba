"""Errors of the operating system at a path of a tree, and which of them mean what."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jvs_core.errors import AlreadyExists, JvsError, UnsupportedFile
from jvs_core.faults import storage_error
from jvs_core.payload.tree.entry import printable

if TYPE_CHECKING:
    from pathlib import Path

NAMED = 10
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE, errno.ENXIO)
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Unsized(OSError):
    """An open file has more or less in it than the size that it claims: a virtual one, made up as it is read."""

    def __init__(self) -> None:
        super().__init__(errno.EOVERFLOW, "its size differs from the size of its content")


def translate(error: OSError, path: bytes, *, reading: bool = False) -> JvsError:
    """Return the JVS error for ``error``, which happened at ``path`` (relative to the tree)."""
    name = printable(path) or "the top folder"
    if isinstance(error, Unsized):
        return UnsupportedFile(
            f"{name} is a virtual file: its content has another size than the file system says",
            hint="no snapshot can keep it: move it out of the worktree, or unmount what contains it",
            path=name,
        )
    return storage_error(error, name, reading=reading)


@contextmanager
def making(path: Path) -> Iterator[None]:
    """Turn errors of a block that makes ``path`` into the contract's: AlreadyExists, NoSpace or EngineFailed."""
    try:
        yield
    except FileExistsError as error:
        raise AlreadyExists(f"{path} already exists", path=str(path)) from error
    except OSError as error:
        raise translate(error, os.fsencode(path)) from error


def listed(paths: Sequence[bytes]) -> str:
    """Return the first names of ``paths`` in printable form, and how many more there are."""
    shown = ", ".join(printable(p) or "the top folder" for p in paths[:NAMED])
    return shown if len(paths) <= NAMED else f"{shown} and {len(paths) - NAMED} more"
