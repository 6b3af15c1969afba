"""Removing a tree, whatever its modes, depth and names, and nothing that is mounted in it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core import anchored
from jvs_core.errors import EngineFailed
from jvs_core.faults import DENIED
from jvs_core.payload.tree.entry import printable
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.flags import fixed
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.mounts import mount_id, mounts_in

_HANDLE = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


class Stuck(OSError):
    """What is at ``path``, relative to the tree, keeps it from being removed; ``cure`` says what helps."""

    def __init__(self, path: bytes, reason: str, cure: str) -> None:
        super().__init__(errno.EPERM, reason)
        self.path = path
        self.cure = cure


@contextmanager
def _named(folder: int, name: bytes, path: bytes) -> Iterator[None]:
    """Say why ``name`` in the open ``folder``, which is ``path`` in the tree, cannot be removed or opened."""
    try:
        yield
    except OSError as error:
        if error.errno not in DENIED or isinstance(error, Stuck):
            raise
        above = path.rpartition(b"/")[0]
        for one, called in ((name, path), (b".", above)):
            if held := fixed(folder, one):
                raise Stuck(called, f"it is {held}", f"chattr -{held[0]} {{}}") from error
        for one, called in ((name, path), (b".", above)):
            with suppress(FileNotFoundError):
                if os.stat(one, dir_fd=folder, follow_symlinks=False).st_uid != os.geteuid():
                    cure = "ask its owner, or root, to remove it or to give it to you"
                    raise Stuck(called, "it belongs to another user", cure) from error
        raise


def require_movable(tree: Path) -> None:
    """Make sure that ``tree`` can get another name. Raises EngineFailed where it, or what it lies in, is immutable."""
    with suppress(FileNotFoundError), anchored.parent(tree) as (parent, name):
        for one, path in ((os.fsencode(name), tree), (b".", tree.parent)):
            if held := fixed(parent, one):
                raise EngineFailed(
                    f"{path} cannot be renamed or removed: it is {held}", hint=f"chattr -{held[0]} {path}"
                )


def require_unmounted(tree: Path) -> None:
    """Make sure that nothing is mounted at or below ``tree``. Raises EngineFailed, with the mount points."""
    if tree.is_symlink() or not tree.is_dir():
        return
    points = sorted({mount.point for mount in mounts_in(tree)})
    if points:
        raise EngineFailed(
            f"{tree} cannot be removed: something is mounted at {listed(points)}",
            hint=f"umount {printable(points[-1])}",
            paths=points,
        )


def remove_tree(tree: Path) -> None:
    """Remove ``tree`` and all below it, never following a link; no error when it is gone already.

    Of what is mounted there nothing is touched, not even by a mount that is made meanwhile. A crash leaves part of the
    tree, and the call can be repeated. Folders without permission are given it first. Raises EngineFailed, with the path.
    """
    try:
        with suppress(FileNotFoundError), anchored.parent(tree) as (parent, name):
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=parent)
                return
            remove_folder(parent, os.fsencode(name))
    except Stuck as error:
        path = printable(os.path.join(os.fsencode(tree), error.path).rstrip(b"/"))
        raise EngineFailed(
            f"{path} cannot be removed: {error.strerror}",
            hint=f"{error.cure.format(path)}, then run the command again",
            path=path,
        ) from error
    except OSError as error:
        if error.errno in GONE and _is_gone(tree):
            return
        raise translate(error, os.fsencode(tree)) from error


def remove_folder(parent: int, name: bytes) -> None:
    """Remove the folder ``name`` in the open folder ``parent``, and all below it, as ``remove_tree`` does. Raises OSError."""
    home = mount_id(parent)
    with _named(parent, name, b""):
        _open_up(parent, name, home)
        with Folders(name, within=parent) as folders:
            empty_folder(folders, home)
        os.rmdir(name, dir_fd=parent)


def _is_gone(tree: Path) -> bool:
    """Return whether ``tree`` is not listed: on JuiceFS a look-up may find what another client removed a moment ago."""
    try:
        return tree.name not in os.listdir(tree.parent)
    except FileNotFoundError:
        return True


def empty_folder(folders: Folders, home: int | None) -> None:
    """Remove all that the top of ``folders`` holds, as far as it is on the mount ``home``."""
    pending: list[tuple[bytes, bool]] = [(b"", False)]
    while pending:
        path, emptied = pending.pop()
        if emptied:
            if path:
                folders.forget(path)
                parent, _, name = path.rpartition(b"/")
                with suppress(FileNotFoundError), _named(folders.at(parent), name, path):
                    os.rmdir(name, dir_fd=folders.at(parent))
            continue
        pending.append((path, True))
        prefix = path + b"/" if path else b""
        fd = _opened(folders, path)
        _require_home(fd, home, path)
        for name, is_folder in _names(fd):
            with _named(fd, name, prefix + name):
                if is_folder:
                    _open_up(fd, name, home)
                    pending.append((prefix + name, False))
                else:
                    _unlink(fd, name)


def _opened(folders: Folders, path: bytes) -> int:
    if not path:
        return folders.top
    above, _, name = path.rpartition(b"/")
    with _named(folders.at(above), name, path):
        return folders.at(path)


def _unlink(fd: int, name: bytes) -> None:
    try:
        os.unlink(name, dir_fd=fd)
    except OSError as error:
        if error.errno in DENIED:
            os.fchmod(fd, 0o700)
            os.unlink(name, dir_fd=fd)
        elif error.errno not in GONE:
            raise


def _require_home(fd: int, home: int | None, path: bytes) -> None:
    if mount_id(fd) != home:
        name = printable(path) or "the top folder"
        raise EngineFailed(
            f"{name}: something is mounted here", hint="unmount it, then run the command again", path=name
        )


def _names(fd: int) -> list[tuple[bytes, bool]]:
    with os.scandir(fd) as listing:
        return [(os.fsencode(item.name), item.is_dir(follow_symlinks=False)) for item in listing]


def _open_up(fd: int, name: bytes, home: int | None) -> None:
    """Give the owner all rights on the folder ``name`` in ``fd``, unless it is where something is mounted."""
    with suppress(FileNotFoundError):
        st = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if not stat.S_ISDIR(st.st_mode) or st.st_mode & 0o700 == 0o700:
            return
        handle = os.open(name, _HANDLE, dir_fd=fd)
        try:
            if mount_id(handle) == home:
                os.chmod(f"/proc/self/fd/{handle}", 0o700)
        finally:
            os.close(handle)
