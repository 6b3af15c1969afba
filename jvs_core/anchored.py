"""Folders of a repository, opened one by one from its root, so that no symbolic link on the way is followed.

Whoever else may write there, the members of a shared repository above all, can exchange a folder for a link between a look
at its path and the use of it. An open folder stays the one that it was.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jvs_core.errors import PathEscape

if TYPE_CHECKING:
    from pathlib import Path

# Each root, and which folder it was when it was opened.
_ROOTS: dict[str, tuple[int, int] | None] = {}
_ON_THE_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def enclose(root: str | Path) -> None:
    """Let nothing in this process follow a link below the folder ``root``, which is absolute, any more."""
    _ROOTS.setdefault(os.fspath(root))


def hold(root: str | Path) -> None:
    """From now on take no other folder for ``root`` than the one that is there: whose it is, is asked once."""
    found = os.stat(root)
    _ROOTS[os.fspath(root)] = found.st_dev, found.st_ino


def enclosed() -> dict[str, tuple[int, int] | None]:
    """Return the roots, for another process that works for this one."""
    return dict(_ROOTS)


def take_over(roots: dict[str, tuple[int, int] | None]) -> None:
    """Enclose what another process enclosed."""
    _ROOTS.update(roots)


def open_folder(path: str | bytes | Path, flags: int = os.O_PATH) -> int:
    """Return a descriptor of the folder ``path``; below a root no part of it, itself included, may be a link.

    Raises PathEscape for a link on the way, else what ``os.open`` raises, with the path.
    """
    name = os.fsdecode(path)
    root, parts = _split(name)
    flags |= os.O_DIRECTORY | os.O_CLOEXEC
    fd = os.open(root, _ON_THE_WAY & ~os.O_NOFOLLOW if parts else flags)
    try:
        _require_held(fd, root)
        for position, part in enumerate(parts):
            last = position == len(parts) - 1
            try:
                inner = os.open(part, flags | os.O_NOFOLLOW if last else _ON_THE_WAY, dir_fd=fd)
            except OSError as error:
                _refuse_link(fd, part, os.path.join(root, *parts[: position + 1]))
                error.filename = name
                raise
            os.close(fd)
            fd = inner
    except BaseException:
        os.close(fd)
        raise
    return fd


@contextmanager
def parent(path: str | bytes | Path) -> Iterator[tuple[int, str]]:
    """Yield a descriptor of the folder that ``path`` lies in, and its name there; errors of the block get the path."""
    name = os.fsdecode(path)
    above, last = os.path.split(name)
    fd = open_folder(above or ".")
    try:
        yield fd, last
    except OSError as error:
        if error.filename in (last, os.fsencode(last)):
            error.filename = name
        raise
    finally:
        os.close(fd)


def _split(path: str) -> tuple[str, list[str]]:
    """Return the innermost root that ``path`` lies in and the names on the way; ``path`` itself where it is in none."""
    if path in _ROOTS or not _ROOTS:
        return path, []
    above = path
    while (cut := above.rfind("/")) > 0:
        above = above[:cut]
        if above in _ROOTS:
            parts = [part for part in path[cut:].split("/") if part not in ("", ".")]
            if ".." in parts:
                raise PathEscape(f"{path} leads outside the repository", path=path)
            return above, parts
    return path, []


def _require_held(fd: int, root: str) -> None:
    held = _ROOTS.get(root)
    if held is None:
        return
    found = os.fstat(fd)
    if held != (found.st_dev, found.st_ino):
        raise PathEscape(
            f"{root} is not the folder that was opened",
            hint="open the repository again",
            path=root,
        )


def _refuse_link(folder: int, name: str, path: str) -> None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise
    if stat.S_ISLNK(found.st_mode):
        raise PathEscape(
            f"{path} leads outside the repository",
            hint="replace the symbolic link by a real folder",
            path=path,
        )
