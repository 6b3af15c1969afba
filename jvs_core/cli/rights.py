"""Root's command in somebody else's repository is run by a process with the owner's rights, not with root's.

Root's own process stays, only to relay: neither its memory nor its terminal, descriptors and environment come into
the hands of the owner.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jvs_core import settings
from jvs_core.cli.call import Call
from jvs_core.cli.other_user import apart, python
from jvs_core.cli.relay import relayed
from jvs_core.cli.text import safe
from jvs_core.errors import InputError, UntrustedRepository
from jvs_core.faults import storage_error
from jvs_core.files import set_mode

_MAY_NOT_BECOME_OTHERS = (errno.EPERM, errno.EINVAL)  # the root of some containers
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def run_as_owner(refused: UntrustedRepository, args: Sequence[str], call: Call) -> int:
    """Run the command line again as the repository's owner and return its exit status.

    Only for root, and only where the repository's folder is its owner's too: a ``.jvs`` that somebody left in a folder
    of others is refused. Raises JvsError: ``refused`` itself where root may not become the owner, or why the owner
    cannot run the command there.
    """
    owner, root = refused.facts.get("owner"), refused.facts.get("root")
    if os.geteuid() != 0 or not isinstance(owner, int) or owner == 0 or root is None:
        raise refused
    try:
        groups = _groups(owner, Path(root))
    except OSError as error:
        raise storage_error(error) from error
    if groups is None:
        raise refused
    environment = environment_of(owner, groups[0])
    _say(f"{root} belongs to uid {owner}: continuing with that user's rights, not root's", quiet=call.quiet)
    elsewhere = f"jvs: uid {owner} cannot enter the current folder: continuing in {safe(str(root))}\n"
    how = apart(
        owner, groups[0], groups, folders=_folders(str(root)), elsewhere="" if call.quiet else elsewhere
    )
    command = python("jvs_core.cli", *_from_anywhere(args, call.repo))
    try:
        return relayed(command, feed=call.reads_input, env=environment, **how)
    except subprocess.SubprocessError as error:
        raise UntrustedRepository(
            f"{root} belongs to uid {owner}, who cannot enter it",
            hint="that user may not enter the parent folders: run jvs as a user who may",
        ) from error
    except OSError as error:
        if error.filename == command[0]:
            raise UntrustedRepository(
                f"{root} belongs to uid {owner}, who cannot run {sys.executable}: {os.strerror(error.errno or 0)}",
                hint="install JVS where its users can read it",
            ) from error
        if error.errno in _MAY_NOT_BECOME_OTHERS:
            raise refused from error
        raise storage_error(error) from error


def environment_of(owner: int, group: int) -> dict[str, str]:
    """Return the environment of a process that root starts as ``owner``, whose own state lies below root's folder for it.

    Raises InputError when somebody else could have made that folder.
    """
    return settings.environment_of_owner(_state_folder(owner, group))


def _folders(root: str) -> list[str]:
    """Return the folders to work in: the current one, or else the repository's."""
    with suppress(OSError):
        return [os.getcwd(), root]
    return [root]


def _from_anywhere(args: Sequence[str], repo: str | None) -> list[str]:
    """Return the command line with ``repo``, which it names, as an absolute path; a later ``--repo`` may be a command's."""
    found = list(args)
    if repo:
        path = os.path.realpath(repo)
        for number, word in enumerate(found):
            if word == f"--repo={repo}":
                return [*found[:number], f"--repo={path}", *found[number + 1 :]]
            if word == "--repo" and found[number + 1 : number + 2] == [repo]:
                return [*found[: number + 1], path, *found[number + 2 :]]
    return found


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
        _give(place, owner, group)
        _require(place, owner=owner)
    except OSError as error:
        raise storage_error(error) from error
    return place


def _give(folder: Path, owner: int, group: int) -> None:
    """Give a folder that is still root's, so that nobody else was in it."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(here).st_uid == 0:
            os.fchown(here, owner, group)
    finally:
        os.close(here)


def _require(folder: Path, *, owner: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & _OTHERS_WRITE:
        raise InputError(
            f"{folder} is not a folder that only uid {owner} can write to",
            hint="remove it, or set JVS_OWNERS_DIR",
        )


def _say(text: str, *, quiet: bool) -> None:
    if quiet or sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(f"jvs: {safe(text)}\n")
        sys.stderr.flush()
