"""Giving a tree of files to a system user."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from jvs_core import AlreadyExists, InputError

PRIVATE = 0o700


@dataclass(frozen=True)
class Owner:
    """A system user and its group."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> Owner:
        """Return the system user ``name``. Raises InputError."""
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            raise InputError(
                f"there is no system user {name!r}", hint=f"useradd --create-home {name}"
            ) from None
        return cls(found.pw_uid, found.pw_gid)

    @classmethod
    def of(cls, folder: Path) -> Owner:
        """Return the owner of a folder."""
        found = folder.lstat()
        return cls(found.st_uid, found.st_gid)

    @property
    def groups(self) -> list[int]:
        """All groups of the user, as the system lists them; of one that it does not know, none but its own."""
        try:
            name = pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return [self.gid]
        return os.getgrouplist(name, self.gid)


def give(folder: Path, owner: Owner) -> None:
    """Give everything below ``folder`` to ``owner`` and close it to others; links are given, never followed.

    The folder itself comes last: one that is the owner's already is complete, and is left as it is. Needs root, whose
    the folder must be until then. Raises AlreadyExists when it is somebody else's.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        now = os.fstat(here).st_uid
        if now == owner.uid:
            return
        if now != os.geteuid():
            raise AlreadyExists(
                f"{folder} belongs to somebody else (uid {now}), not to uid {owner.uid}",
                hint="see what is in it, then move it away or chown it",
            )
        for _, folders, names, inside in os.fwalk(".", dir_fd=here, topdown=False, follow_symlinks=False):
            for name in (*folders, *names):
                os.chown(name, owner.uid, owner.gid, dir_fd=inside, follow_symlinks=False)
        os.fchmod(here, PRIVATE)
        os.fchown(here, owner.uid, owner.gid)
    finally:
        os.close(here)


def keep_names(folder: Path) -> None:
    """Let nobody rename or remove what is another's in a folder that a group writes to; needs to own the folder."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        mode = stat.S_IMODE(os.fstat(here).st_mode)
        if mode & stat.S_IWGRP and not mode & stat.S_ISVTX and os.fstat(here).st_uid == os.geteuid():
            os.fchmod(here, mode | stat.S_ISVTX)
    finally:
        os.close(here)
