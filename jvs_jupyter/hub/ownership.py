"""Giving a tree of files to a system user."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

PRIVATE = 0o700


@dataclass(frozen=True)
class Owner:
    """A system user and its group."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> Owner:
        """Return the system user ``name``. Raises KeyError."""
        found = pwd.getpwnam(name)
        return cls(found.pw_uid, found.pw_gid)


def give(folder: Path, owner: Owner) -> None:
    """Give everything below ``folder`` to ``owner`` and close it to others; links are given, never followed.

    The folder itself comes last: one that is the owner's already is complete, and is left as it is. Needs root.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(here).st_uid == owner.uid:
            return
        for _, folders, names, inside in os.fwalk(".", dir_fd=here, topdown=False, follow_symlinks=False):
            for name in (*folders, *names):
                os.chown(name, owner.uid, owner.gid, dir_fd=inside, follow_symlinks=False)
        os.fchmod(here, PRIVATE)
        os.fchown(here, owner.uid, owner.gid)
    finally:
        os.close(here)
