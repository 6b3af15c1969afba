"""Removing a tree, whatever its modes, depth and names."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from jvs_core.payload.faults import DENIED, GONE, translate
from jvs_core.payload.folders import Folders


def remove_tree(tree: Path) -> None:
    """Remove ``tree`` and all below it, never following a link; no error when it is gone already.

    A crash leaves part of it, and the call can be repeated. Folders without permission are given it first. Raises
    EngineFailed, with the path.
    """
    try:
        st = os.lstat(tree)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(st.st_mode):
            os.unlink(tree)
            return
        if st.st_mode & 0o700 != 0o700:
            os.chmod(tree, 0o700)
        with Folders(tree) as folders:
            empty_folder(folders, b"")
        with suppress(FileNotFoundError):
            os.rmdir(tree)
    except OSError as error:
        raise translate(error, os.fsencode(tree)) from error


def empty_folder(folders: Folders, top: bytes) -> None:
    """Remove all that the folder ``top`` holds."""
    pending: list[tuple[bytes, bool]] = [(top, False)]
    while pending:
        path, emptied = pending.pop()
        if emptied:
            if path != top:
                folders.forget(path)
                parent, _, name = path.rpartition(b"/")
                with suppress(FileNotFoundError):
                    os.rmdir(name, dir_fd=folders.at(parent))
            continue
        pending.append((path, True))
        prefix = path + b"/" if path else b""
        fd = folders.at(path)
        for name, is_folder in _names(fd):
            if is_folder:
                _open_up(fd, name)
                pending.append((prefix + name, False))
                continue
            try:
                os.unlink(name, dir_fd=fd)
            except OSError as error:
                if error.errno in DENIED:
                    os.fchmod(fd, 0o700)
                    os.unlink(name, dir_fd=fd)
                elif error.errno not in GONE:
                    raise


def _names(fd: int) -> list[tuple[bytes, bool]]:
    with os.scandir(fd) as listing:
        return [(os.fsencode(item.name), item.is_dir(follow_symlinks=False)) for item in listing]


def _open_up(fd: int, name: bytes) -> None:
    with suppress(FileNotFoundError):
        st = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if stat.S_ISDIR(st.st_mode) and st.st_mode & 0o700 != 0o700:
            os.chmod(name, 0o700, dir_fd=fd)
