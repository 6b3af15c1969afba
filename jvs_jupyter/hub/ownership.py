"""System users, and the one thing that is ever given to them: a folder with nothing in it."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from jvs_core import AlreadyExists, InputError

PRIVATE = 0o700
NOBODY = 65534
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


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
    def to_become(cls, name: str) -> Owner | None:
        """Return the system user ``name`` where this process, root's, may become it and there is one."""
        if os.geteuid() != 0:
            return None
        try:
            found = cls.named(name)
        except InputError:
            return None
        return found if found.uid else None

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

    def groups_in(self, repository: Path) -> list[int]:
        """Return the groups with which the user works in a repository.

        Who has a worktree there is of the group that shares it, also where the system has no list that says so.
        """
        try:
            pwd.getpwuid(self.uid)
        except KeyError:
            return sorted({self.gid, repository.lstat().st_gid} - {0})
        return [self.gid] if self.uid == NOBODY else self.groups


def steward(repository: Path) -> Owner | None:
    """Return with whose rights root works in a repository of its own that a group writes to: nobody's, of that group.

    What lies there is the members' to write, so root reads none of it. None: nobody but its owner writes there, or this
    process is not root's. Looks at the status of ``.jvs`` only. Raises OSError.
    """
    control = (repository / ".jvs").lstat()
    if os.geteuid() != 0 or control.st_uid != 0 or not control.st_mode & _OTHERS_WRITE or not control.st_gid:
        return None
    return Owner(NOBODY, control.st_gid)


def worker(repository: Path, folder: Path | None = None) -> Owner:
    """Return with whose rights a command about ``folder`` in a repository works: its owner's, or in place of root the steward's.

    Without a folder it is about the repository. Raises OSError.
    """
    owner = Owner.of(folder or repository)
    return (steward(repository) if owner.uid == 0 else None) or owner


def acts_for(folder: Path) -> Owner | None:
    """Return with whose rights this process, if it is root's, works in ``folder``: its owner's. None: with its own."""
    owner = Owner.of(folder)
    return owner if os.geteuid() == 0 and owner.uid != 0 else None


def hand_over(folder: Path, owner: Owner) -> None:
    """Give an empty folder of this process's own to ``owner``, closed to others; one that is the owner's already stays.

    Needs root. Raises AlreadyExists when it is somebody else's, or when something is in it.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        now = os.fstat(here).st_uid
        if now == owner.uid:
            return
        if now != os.geteuid():
            raise belongs_to_another(folder, now, owner)
        os.fchmod(here, PRIVATE)
        if os.listdir(here):
            raise AlreadyExists(
                f"{folder} should belong to uid {owner.uid}, but it contains something that belongs to root",
                hint="check what is in it, then move it away",
            )
        os.fchown(here, owner.uid, owner.gid)
    finally:
        os.close(here)


def require_owner(folder: Path, owner: Owner, *, hint: str | None = None) -> None:
    """Raise AlreadyExists unless ``folder`` is a folder, no link, of the user's."""
    found = folder.lstat()
    if found.st_uid != owner.uid or not stat.S_ISDIR(found.st_mode):
        raise belongs_to_another(folder, found.st_uid, owner, hint=hint)


def belongs_to_another(folder: Path, uid: int, owner: Owner, *, hint: str | None = None) -> AlreadyExists:
    """Return the error for a folder that is not its user's."""
    return AlreadyExists(
        f"{folder} belongs to uid {uid}, not to uid {owner.uid}",
        hint=hint or "check what is in it, then move it away",
    )


def close(folder: Path) -> None:
    """Close a folder of this process's user to all others."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(here, PRIVATE)
    finally:
        os.close(here)


def let_pass(folder: Path) -> None:
    """Let everybody pass through a folder of this process's own, and nobody list it."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not os.fstat(here).st_mode & stat.S_IXOTH and os.fstat(here).st_uid == os.geteuid():
            os.fchmod(here, 0o711)
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
