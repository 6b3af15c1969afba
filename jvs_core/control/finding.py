"""Finding the repository around a path, as far up as the folders are those of people who may say what is there."""

from __future__ import annotations

import os
from pathlib import Path

from jvs_core.control import trust
from jvs_core.errors import NotARepository
from jvs_core.settings import Settings


def find_root(start: Path, settings: Settings | None = None) -> Path:
    """Return the nearest folder at or above ``start`` that holds ``.jvs``; whose it is, opening asks.

    The search ends where the file system changes, and at a folder that belongs to neither the caller, nor root, nor
    the owner of ``start``, nor somebody whom the caller of ``settings`` trusts. Raises NotARepository, whose hint says
    what ended it.
    """
    try:
        here = Path(os.path.realpath(start, strict=True))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotARepository(f"{start} does not exist", hint="name a folder inside a repository") from error
    owner, mount = _look(here)
    owners = {owner, 0, os.geteuid()}
    for folder in (here, *here.parents):
        owner, there = _look(folder)
        if there != mount:
            raise _none(start, f"the search ended below {folder}, which is on another file system")
        if owner not in owners:
            owners |= trust.believed(settings)
            if owner not in owners:
                whose = trust.owner_name(owner)
                raise _none(start, f"the search ended below {folder}, which belongs to {whose}")
        if (folder / ".jvs").is_dir():
            return folder
    raise _none(start)


def _none(start: Path, ended: str = "") -> NotARepository:
    return NotARepository(
        f"no JVS repository at or above {os.path.abspath(start)}",
        hint=f"{ended}: name the repository with --repo" if ended else "make one with: jvs init NAME",
    )


def _look(folder: Path) -> tuple[int, str]:
    """Return whom a folder belongs to, and the mount that it is on.

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
