"""Durable file operations: a call that returns has reached the disk; one that fails leaves no half-written file."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core import anchored, faults, piecemeal, renames, syncing
from jvs_core.errors import AlreadyExists, PathEscape
from jvs_core.regular import FILE_MODE, FOLDER_MODE

TEMPORARY_SUFFIX = ".tmp"


def open_file(path: Path, flags: int, mode: int = FILE_MODE) -> int:
    """Return a descriptor of the file ``path``; a link in its place is not followed."""
    with anchored.parent(path) as (folder, name):
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)


def write_new(path: Path, data: bytes, *, mode: int | None = None, durable: bool = True) -> None:
    """Create ``path`` with ``data``, ``durable`` in content or not; the caller makes the name durable.

    Raises AlreadyExists and leaves the existing file as it is. A crash may leave a shorter file, a failure none.
    """
    try:
        fd = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE if mode is None else mode)
    except FileExistsError as error:
        raise AlreadyExists(f"{path} already exists", path=str(path)) from error
    try:
        if mode is not None:
            os.fchmod(fd, mode)
        write_all(fd, data)
        if durable:
            os.fsync(fd)
    except BaseException:
        with suppress(OSError, PathEscape):
            unlink(path)
        raise
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data`` at the descriptor's position."""
    view = memoryview(data)
    with _naming(fd):
        while view:
            view = view[os.write(fd, view) :]


def write_all_at(fd: int, data: bytes, offset: int) -> None:
    """Write all of ``data`` at ``offset``; a full disk may take a part of it before it refuses."""
    view = memoryview(data)
    with _naming(fd):
        while view:
            written = os.pwrite(fd, view, offset)
            view, offset = view[written:], offset + written


@contextmanager
def _naming(fd: int) -> Iterator[None]:
    """Have an error of the block name the open file, as far as the kernel tells it."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            error.filename = os.readlink(f"/proc/self/fd/{fd}")
        raise


def write_atomic(path: Path, data: bytes, *, mode: int | None = None, durable: bool = True) -> None:
    """Replace or create ``path`` with ``data`` in one step, ``durable`` or not. A crash leaves the old or the new file."""
    _write_and_rename(path, data, rename, mode=mode, durable=durable)


def create_atomic(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Create ``path`` with ``data`` in one step, durable. A crash leaves all of it or no file of that name.

    Raises AlreadyExists when ``path`` exists.
    """
    _write_and_rename(path, data, rename_new, mode=mode, durable=True)


def _write_and_rename(
    path: Path, data: bytes, put: Callable[[Path, Path], None], *, mode: int | None, durable: bool
) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        write_new(temporary, data, mode=mode, durable=durable)
        put(temporary, path)
    except BaseException:
        with suppress(OSError, PathEscape):
            unlink(temporary)
        raise
    if durable:
        syncing.sync_folder(path.parent)


def create_together(contents: Mapping[Path, bytes], *, mode: int | None = None) -> None:
    """Create files of one folder, each whole or not at all, all durable when this returns: one sync for many.

    They are written under temporary names, synced at once (by ``syncfs``; where that does nothing, by threads), then
    renamed, never over anything. A failure removes the temporary names and leaves what was renamed; a crash may leave
    ``NAME.tmp``, which the next call replaces. Raises AlreadyExists.
    """
    temporary = {path: path.with_name(path.name + TEMPORARY_SUFFIX) for path in contents}
    if not temporary:
        return
    folder = next(iter(contents)).parent
    try:
        with syncing.watching(folder) as sync:
            for path, data in contents.items():
                unlink(temporary[path], missing_ok=True)
                write_new(temporary[path], data, mode=mode, durable=False)
            sync(list(temporary.values()))
        for path in contents:
            rename_new(temporary[path], path)
    except BaseException:
        for left in temporary.values():
            with suppress(OSError, PathEscape):
                unlink(left)
        raise
    syncing.sync_folder(folder)


def make_folder(path: Path, *, mode: int | None = None, exist_ok: bool = False, durable: bool = True) -> None:
    """Make the folder ``path``, ``durable`` in its parent or not.

    Raises AlreadyExists: ``exist_ok`` accepts a folder, never a symbolic link to one. The mode is mended where a
    crash came between making the folder and setting it.
    """
    try:
        with anchored.parent(path) as (folder, name):
            os.mkdir(name, FOLDER_MODE, dir_fd=folder)
    except FileExistsError as error:
        found = status(path)
        if not exist_ok or not stat.S_ISDIR(found.st_mode):
            raise AlreadyExists(f"{path} already exists", path=str(path)) from error
        now = stat.S_IMODE(found.st_mode)
        sticky = now & stat.S_ISVTX  # an admin's, who does not let the group rename what is another's
        if mode is not None and now != mode | sticky and found.st_uid == os.geteuid():
            set_mode(path, mode | sticky, folder=True)
        return
    if mode is not None:
        set_mode(path, mode, folder=True)
    if durable:
        syncing.sync_folder(path.parent)


def set_mode(path: Path, mode: int, *, folder: bool = False) -> None:
    """Set the mode of a file or ``folder`` of the caller's own, through a descriptor.

    A link that somebody puts in its place is not followed; what is another user's is left as it is.
    """
    kind = os.O_DIRECTORY if folder else 0
    fd = open_file(path, os.O_RDONLY | os.O_NONBLOCK | kind)
    try:
        if os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, mode)
    finally:
        os.close(fd)


def rename_new(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``, never over anything. Not durable until the parents are synced.

    A folder that cannot be renamed whole, as on overlayfs one of a lower layer, is moved piece by piece: a crash leaves a
    part of it at ``source``, until ``finish_rename`` or ``undo_rename`` is called. Raises AlreadyExists when ``target`` exists.
    """
    try:
        with anchored.parent(source) as old, anchored.parent(target) as new:
            renames.rename_new(old, new)
    except FileExistsError as error:
        raise AlreadyExists(f"{target} already exists", path=str(target)) from error
    except OSError as error:
        if error.errno != errno.EXDEV or not piecemeal.can(source, target):
            raise OSError(error.errno, error.strerror, str(source), None, str(target)) from error
        _move_in_pieces(source, target)


def _move_in_pieces(source: Path, target: Path) -> None:
    try:
        piecemeal.move(source, target)
    except FileExistsError as error:
        raise AlreadyExists(f"{target} already exists, or a part of {source} in it") from error
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(source), None, str(target)) from error


def finish_rename(source: Path, target: Path) -> None:
    """Complete a renaming that a crash left in pieces; nothing where none was. Durable."""
    piecemeal.finish(source, target)
    _sync_parents(source, target)


def undo_rename(source: Path, target: Path) -> bool:
    """Undo a renaming that a crash left in pieces; return False where none was. Durable.

    The folder that was being emptied just then may have another time.
    """
    begun = piecemeal.give_back(source, target)
    if begun:
        _sync_parents(source, target)
    return begun


def exchange(one: Path, other: Path) -> None:
    """Let two existing names change places in one step. Not durable until the parents are synced."""
    try:
        with anchored.parent(one) as first, anchored.parent(other) as second:
            done = renames.exchange(first, second)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise faults.not_exchangeable(str(other)) from error
        raise OSError(error.errno, error.strerror, str(one), None, str(other)) from error
    if not done:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), str(one), None, str(other))


def rename(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``, over what is there. Not durable until the parents are synced."""
    with anchored.parent(source) as (here, old), anchored.parent(target) as (there, new):
        os.rename(old, new, src_dir_fd=here, dst_dir_fd=there)


def status(path: Path) -> os.stat_result:
    """Return the status of what has the name ``path``, of a link its own."""
    with anchored.parent(path) as (folder, name):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


def touch(path: Path) -> None:
    """Give what has the name ``path`` the times of now."""
    with anchored.parent(path) as (folder, name):
        os.utime(name, dir_fd=folder, follow_symlinks=False)


def unlink(path: Path, *, missing_ok: bool = False) -> None:
    """Remove the file or link ``path``. Not durable until the parent is synced."""
    try:
        with anchored.parent(path) as (folder, name):
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        if not missing_ok:
            raise


def remove_folder(path: Path) -> None:
    """Remove the empty folder ``path``. Not durable until the parent is synced."""
    with anchored.parent(path) as (folder, name):
        os.rmdir(name, dir_fd=folder)


def rename_durable(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``, never over anything, and make it durable in both parents."""
    rename_new(source, target)
    _sync_parents(source, target)


def _sync_parents(source: Path, target: Path) -> None:
    syncing.sync_folder(target.parent)
    if source.parent != target.parent:
        syncing.sync_folder(source.parent)


def remove_file(path: Path, *, missing_ok: bool = True) -> None:
    """Remove the file ``path``, durable."""
    try:
        unlink(path)
    except FileNotFoundError:
        if not missing_ok:
            raise
        return
    syncing.sync_folder(path.parent)


def remove_any(path: Path, *, durable: bool = True) -> None:
    """Remove whatever has the name ``path``, ``durable`` or not: a folder with all that is in it, of a link only the link."""
    try:
        with anchored.parent(path) as (folder, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                shutil.rmtree(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    if durable:
        syncing.sync_folder(path.parent)
