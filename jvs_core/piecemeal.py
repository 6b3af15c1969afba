"""Renaming a folder piece by piece, where it cannot be renamed whole: overlayfs, of what lies in a lower layer.

All that is in it goes, each file by a rename of its own, into ``.NAME.moving`` beside the new name, which gets that name
when the old folder is empty and gone. A crash leaves a part in each of the two; then ``move`` does the rest, or ``give_back``
puts together again what was. Neither goes over anything.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core import anchored, renames

_SUFFIX = ".moving"
_SPARE = ".jvs-joined.moving"
_Firsts = dict[tuple[int, int], tuple[tuple[str, str], os.stat_result]]
"""Where the first name of each file of several is by now, and how it looked there."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def can(source: Path, target: Path) -> bool:
    """Say whether ``source`` is a folder on the file system on which ``target`` would be."""
    with anchored.parent(source) as (here, old), anchored.parent(target) as (there, _):
        found = os.stat(old, dir_fd=here, follow_symlinks=False)
        return stat.S_ISDIR(found.st_mode) and os.fstat(here).st_dev == os.fstat(there).st_dev


def move(source: Path, target: Path) -> None:
    """Rename the folder ``source`` to ``target``. Raises FileExistsError where that exists, and leaves ``source`` as it was."""
    stage = _stage(target)
    with anchored.parent(target) as (there, new):
        if _is_there(there, new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        _pour(source, stage)
        with anchored.parent(stage) as (there, staged):
            renames.rename_new((there, staged), (there, target.name))
    except BaseException:
        with suppress(OSError):  # what went wrong first is what is told
            give_back(source, target)
        raise


def finish(source: Path, target: Path) -> None:
    """Do the rest of a ``move`` that was cut short; nothing where none was."""
    stage = _stage(target)
    with anchored.parent(target) as (there, _), anchored.parent(source) as (here, old):
        begun, left = _is_there(there, stage.name), _is_there(here, old)
    if begun:
        if left:
            _pour(source, stage)
        with anchored.parent(stage) as (there, staged):
            renames.rename_new((there, staged), (there, target.name))


def give_back(source: Path, target: Path) -> bool:
    """Undo a ``move`` that was cut short; return False where none was."""
    stage = _stage(target)
    with anchored.parent(stage) as (there, staged):
        begun = _is_there(there, staged)
    if begun:
        _pour(stage, source, back=True)
    return begun


def target_of(name: str) -> str:
    """Return the name that what is called ``name`` gets when all is in it; of everything else its own."""
    return name[1:].removesuffix(_SUFFIX) if name.startswith(".") and name.endswith(_SUFFIX) else name


def _stage(target: Path) -> Path:
    return target.with_name(f".{target.name}{_SUFFIX}")


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _pour(source: Path, target: Path, *, back: bool = False) -> None:
    """Put all that the folder ``source`` holds into the folder ``target``, made where it is missing, and remove ``source``.

    Folders that are in both are as they are to be in ``source``; in ``target`` when it is all put ``back``.
    """
    with anchored.parent(target) as (there, name):
        made = _made(there, name)
    here, there = anchored.open_folder(source, _FOLDER), anchored.open_folder(target, _FOLDER)
    try:
        _drop_spare(here)
        _drop_spare(there)
        for path, seen, new in reversed(_poured(here, there, made)):
            if new or not back:
                _dress(here, there, path, seen)
            if path != ".":
                _remove(here, path)
    finally:
        os.close(here)
        os.close(there)
    with anchored.parent(source) as (parent, old):
        os.rmdir(old, dir_fd=parent)


def _poured(here: int, there: int, made: bool) -> list[tuple[str, os.stat_result, bool]]:
    """Make all folders of ``here`` in ``there`` and put the files into them.

    Returns the folders as they were, from above, and whether each is new there.
    """
    folders: list[tuple[str, os.stat_result, bool]] = []
    firsts: _Firsts = {}
    pending = [(".", made)]
    while pending:
        path, new = pending.pop()
        with _opened(here, path) as one, _opened(there, path) as other:
            folders.append((path, os.fstat(one), new))
            with _timeless(one), _timeless(other):
                pending += [
                    (f"{path}/{name}", fresh) for name, fresh in _emptied(one, other, path, there, firsts)
                ]
    return folders


def _emptied(one: int, other: int, path: str, there: int, firsts: _Firsts) -> list[tuple[str, bool]]:
    """Put the files of one folder into another, and make its folders there; return their names, and whether they are new."""
    with os.scandir(one) as listing:
        names = [(item.name, item.stat(follow_symlinks=False)) for item in listing]
    for name, seen in names:
        if not stat.S_ISDIR(seen.st_mode):
            renames.rename_new((one, name), (other, name))
            if seen.st_nlink > 1:
                _join(other, name, path, seen, there, firsts)
    return [(name, _made(other, name)) for name, seen in names if stat.S_ISDIR(seen.st_mode)]


def _join(other: int, name: str, path: str, seen: os.stat_result, there: int, firsts: _Firsts) -> None:
    """Make ``name`` a name of the file again that it was ``seen`` to be: overlayfs copies each name by itself.

    Only where neither was written to since. A crash leaves two files of the same content, and a name that is dropped then.
    """
    moved = os.stat(name, dir_fd=other, follow_symlinks=False)
    place, first = firsts.setdefault((seen.st_dev, seen.st_ino), ((path, name), moved))
    if _is_as(moved, first) or not (_alike(moved, seen) and _alike(first, seen)):
        return
    with _opened(there, place[0]) as folder:
        if not _is_as(os.stat(place[1], dir_fd=folder, follow_symlinks=False), first):
            return
        with _timeless(there):
            os.link(place[1], _SPARE, src_dir_fd=folder, dst_dir_fd=there, follow_symlinks=False)
            os.rename(_SPARE, name, src_dir_fd=there, dst_dir_fd=other)


def _drop_spare(top: int) -> None:
    """Remove the further name of a file that a crash left."""
    with suppress(FileNotFoundError):
        if os.stat(_SPARE, dir_fd=top, follow_symlinks=False).st_nlink > 1:
            with _timeless(top):
                os.unlink(_SPARE, dir_fd=top)


def _is_as(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino) and _alike(one, other)


def _alike(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _made(folder: int, name: str) -> bool:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _remove(top: int, path: str) -> None:
    above, _, name = path.rpartition("/")
    with _opened(top, above) as folder, _timeless(folder):
        os.rmdir(name, dir_fd=folder)


def _dress(here: int, there: int, path: str, seen: os.stat_result) -> None:
    """Give a folder the owner, mode, attributes and times that it had where it was."""
    with _opened(here, path) as one, _opened(there, path) as other:
        made = os.fstat(other)
        if (made.st_uid, made.st_gid) != (seen.st_uid, seen.st_gid):
            os.fchown(other, seen.st_uid, seen.st_gid)
        shutil.copystat(one, other)  # type: ignore[arg-type]  # descriptors do as well as names
        os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@contextmanager
def _opened(top: int, path: str) -> Iterator[int]:
    fd = os.open(path, _FOLDER, dir_fd=top)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _timeless(folder: int) -> Iterator[None]:
    """Give a folder the times back that it has before the block."""
    seen = os.fstat(folder)
    try:
        yield
    finally:
        os.utime(folder, ns=(seen.st_atime_ns, seen.st_mtime_ns))
