"""Finding the repository around a path; the search goes up only as far as the folders belong to trusted people."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jvs_core.control import trust
from jvs_core.control.names import MAIN
from jvs_core.errors import NotARepository
from jvs_core.settings import Settings, working_folder

_INSIDE = (".jvs", MAIN, "worktrees")


def standing(path: Path) -> Path:
    """Return ``path``; for a relative one whose current folder was removed, the path that it had."""
    if path.is_absolute():
        return path
    try:
        here = working_folder()
    except OSError as error:
        raise _removed(path) from error
    return path if _is_current(here) else Path(os.path.normpath(here / path))


def find_root(start: Path, settings: Settings | None = None) -> Path:
    """Return the nearest folder at or above ``start`` that holds a folder ``.jvs``. Its owner is checked when it is opened.

    A link of that name is followed nowhere: where there is nothing else, its folder is returned, which opening refuses.

    The search ends where the file system changes, and at a folder that belongs to neither the caller, nor root, nor
    the owner of ``start``, nor somebody whom the caller of ``settings`` trusts. Where the current folder was removed, it
    begins at the nearest one above that is left. Raises NotARepository, whose hint says what ended it.
    """
    given, start = start, standing(start)
    if start is not given:
        return _find_above(start, settings)
    try:
        here = Path(os.path.realpath(start, strict=True))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotARepository(f"{start} does not exist", hint="give a folder inside a repository") from error
    owner, mount = _look(here)
    owners = {owner, 0, os.geteuid()}
    linked: Path | None = None

    def ended(reason: str = "") -> Path:
        if linked is None:
            raise _none(start, reason)
        return linked

    for folder in (here, *here.parents):
        owner, there = _look(folder)
        if there != mount:
            return ended(f"the search stopped below {folder}, which is on another file system")
        if owner not in owners:
            owners |= trust.believed(settings)
            if owner not in owners:
                whose = trust.owner_name(owner)
                return ended(f"the search stopped below {folder}, which belongs to {whose}")
        form = _form(folder / ".jvs")
        if form == stat.S_IFDIR:
            return folder
        if form == stat.S_IFLNK and linked is None:
            linked = folder
    return ended()


def _find_above(gone: Path, settings: Settings | None) -> Path:
    left = next(folder for folder in (gone, *gone.parents) if folder.is_dir())
    try:
        return find_root(left, settings)
    except NotARepository as error:
        raise _removed(gone, left) from error


def _removed(gone: Path, left: Path | None = None) -> NotARepository:
    return NotARepository(
        f"the current folder was removed: {gone}",
        hint=f"cd {left or '/'}: go to a folder that exists, or name the repository with --repo",
    )


def _is_current(folder: Path) -> bool:
    """Return whether the current folder is the one at ``folder``: another may have come in its place."""
    try:
        return os.path.samefile(folder, ".")
    except OSError:
        return False


def repository_around(place: Path) -> Path | None:
    """Return the repository in whose ``.jvs`` or worktrees ``place``, a path without links, lies; nothing in it is read."""
    for folder in place.parents:
        if place.relative_to(folder).parts[0] in _INSIDE and _form(folder / ".jvs") == stat.S_IFDIR:
            return folder
    return None


def _form(path: Path) -> int:
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _none(start: Path, ended: str = "") -> NotARepository:
    return NotARepository(
        f"no JVS repository at or above {os.path.abspath(start)}",
        hint=f"{ended}: name the repository with --repo" if ended else "make one with: jvs init NAME",
    )


def _look(folder: Path) -> tuple[int, str]:
    """Return the owner of a folder, and the mount that it is on.

    By the mount's number, since every subvolume of btrfs has a device number of its own; by that one where there is
    no ``/proc``.
    """
    fd = os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        try:
            with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as lines:
                mount = next(line for line in lines if line.startswith("mnt_id:"))
        except (OSError, StopIteration):
            mount = f"device {found.st_dev}"
        return found.st_uid, mount
    finally:
        os.close(fd)
