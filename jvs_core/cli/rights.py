"""Root's command in somebody else's repository: it goes on as the owner, and gives up root for good before that.

The process is replaced by a new one of the owner's, so that neither memory nor environment of root's is left in it.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jvs_core import settings
from jvs_core.cli.text import safe
from jvs_core.errors import InputError, JvsError, UntrustedRepository
from jvs_core.files import set_mode, storage_error

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def go_on_as_owner(refused: UntrustedRepository, args: Sequence[str], *, quiet: bool) -> JvsError:
    """Run the command line again as the repository's owner, in this process's place; return the error if that cannot be.

    Only for root, and only where the repository's folder is its owner's too: a ``.jvs`` that somebody left in a folder
    of others is refused. Raises JvsError where there is no place for the owner's state.
    """
    owner, root = refused.facts.get("owner"), refused.facts.get("root")
    if os.geteuid() != 0 or not isinstance(owner, int) or owner == 0 or root is None:
        return refused
    try:
        groups = _groups(owner, Path(root))
    except OSError as error:
        return storage_error(error)
    if groups is None:
        return refused
    folder = _state_folder(owner, groups[0])
    _say(f"{root} belongs to uid {owner}: going on with that user's rights, not root's", quiet=quiet)
    try:
        os.setgroups(groups)
        os.setresgid(groups[0], groups[0], groups[0])
        os.setresuid(owner, owner, owner)
    except OSError:  # a root that may not become somebody else, as in some containers
        return refused
    command = [sys.executable, "-P", "-m", "jvs_core.cli", *args]
    try:
        os.execve(command[0], command, settings.environment_of_owner(folder))
    except OSError as error:
        return UntrustedRepository(
            f"{root} belongs to uid {owner}, who cannot run {sys.executable}: {os.strerror(error.errno or 0)}",
            hint="install JVS where its users can read it",
        )


def _groups(owner: int, root: Path) -> list[int] | None:
    """Return the owner's groups, the first one first; None where the repository's folder is not the owner's."""
    found = root.lstat()
    if found.st_uid != owner or not stat.S_ISDIR(found.st_mode):
        return None
    try:
        known = pwd.getpwuid(owner)
    except KeyError:
        return [found.st_gid or owner]  # root's group is nobody else's
    others = os.getgrouplist(known.pw_name, known.pw_gid)
    return [known.pw_gid, *(group for group in others if group != known.pw_gid)]


def _state_folder(owner: int, group: int) -> Path:
    """Return the owner's folder below that of root, which others can pass through and not change.

    Raises InputError when somebody else could have made it.
    """
    base = settings.owners_folder()
    place = base / str(owner)
    try:
        base.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            base.mkdir(mode=0o700)
            set_mode(base, 0o711, folder=True)
        _require(base, owner=0)
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
            os.chown(place, owner, group, follow_symlinks=False)
        if place.lstat().st_uid == 0:  # made, and not given: nobody but root was in it
            os.chown(place, owner, group, follow_symlinks=False)
        _require(place, owner=owner)
    except OSError as error:
        raise storage_error(error) from error
    return place


def _require(folder: Path, *, owner: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & _OTHERS_WRITE:
        raise InputError(
            f"{folder} is no folder that only uid {owner} can write to",
            hint="remove it, or set JVS_OWNERS_DIR",
        )


def _say(text: str, *, quiet: bool) -> None:
    if quiet or sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(f"jvs: {safe(text)}\n")
        sys.stderr.flush()
