"""Adopting a folder: it becomes the ``main`` of a new repository by a rename, and a link stays where it was.

Until the rename the repository has in place of ``main`` the link that will stay. Link and folder then change places in one
step, so at no moment is the folder gone from its path. A crash before that step leaves the folder as it was beside a
repository without ``main``; the same command completes it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jvs_core import anchored, files, settings, syncing
from jvs_core.control import trust
from jvs_core.control.discovery import repository_around
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.names import MAIN
from jvs_core.errors import AlreadyExists, EngineFailed, InputError, JvsError, PathNotFound
from jvs_core.interrupts import uninterrupted
from jvs_core.payload.tree.mounts import mount_of, mounts_in
from jvs_core.settings import Settings


def require_adoptable(given: Path, target: Path) -> Path:
    """Return the folder ``given``, links resolved, if it can become the ``main`` of a repository at ``target``.

    Nothing is changed. Raises PathNotFound, InputError, EngineFailed; the hint says what to do instead.
    """
    if not given.is_dir():
        raise PathNotFound(f"{given} is not a folder", hint="give an existing folder after --adopt")
    folder = Path(os.path.realpath(given))
    instead = f"jvs init {target.name} --from {folder} makes a copy"
    if target.is_relative_to(folder):
        raise InputError(
            f"{folder} cannot be moved into {target}, which would be inside it",
            hint=f"go to a folder outside of it: cd {folder.parent} && jvs init {target.name} --adopt {folder.name}",
        )
    home = settings.home()
    if home is not None and home.is_relative_to(folder):
        raise InputError(
            f"{folder} is your home folder or contains it, and cannot be moved",
            hint=f"choose a folder inside it, or: {instead}",
        )
    around = repository_around(folder / "inside") or repository_around(folder)
    if around is not None or os.path.lexists(folder / ".jvs"):
        raise InputError(
            f"{folder} is a repository or is inside one: {around or folder}",
            hint="work in that repository",
        )
    if any(mount.point == os.fsencode(folder) for mount in mounts_in(folder)) or folder == folder.parent:
        raise InputError(f"{folder} is a mount point, which cannot be moved", hint=instead)
    if mount_of(folder) != mount_of(target.parent):
        raise InputError(
            f"{folder} and {target.parent} are on different file systems, so it cannot be moved there",
            hint=f"cd {folder.parent} && jvs init {target.name} --adopt {folder.name}; or: {instead}",
        )
    if folder.stat().st_uid != os.geteuid():
        raise InputError(f"{folder} belongs to {trust.owner_name(folder.stat().st_uid)}", hint=instead)
    for place in (folder.parent, folder):
        if not os.access(place, os.W_OK | os.X_OK):
            raise EngineFailed(f"{place} is read-only for you, so {folder} cannot be moved", hint=instead)
    return folder


def is_copyable(folder: Path, target: Path) -> bool:
    """Return whether a copy of ``folder``, which cannot be adopted, may become the ``main`` of a repository at ``target``."""
    home = settings.home()
    return (
        not target.is_relative_to(folder)
        and (home is None or not home.is_relative_to(folder))
        and repository_around(folder / "inside") is None
        and not os.path.lexists(folder / ".jvs")
        and mount_of(folder) == mount_of(target.parent)
        and os.access(target.parent, os.W_OK | os.X_OK)
        and os.access(folder, os.R_OK | os.X_OK)
    )


def leave_link(layout: Layout, folder: Path, target: Path) -> None:
    """Put the link that ``folder`` becomes into the place of ``main`` of the repository under construction."""
    with anchored.parent(layout.root / MAIN) as (here, name):
        os.symlink(_text(folder, target), name, dir_fd=here)
    syncing.sync_folder(layout.root)


def exchange(folder: Path, target: Path) -> None:
    """Let ``folder`` and the link in the place of ``main`` of the repository ``target`` change places, durable.

    Raises EngineFailed, with nothing changed, where that is not possible in one step.
    """
    main = target / MAIN
    try:
        files.exchange(folder, main)
    except (OSError, JvsError) as error:
        reason = error.message if isinstance(error, JvsError) else os.strerror(error.errno or 0)
        raise EngineFailed(
            f"{folder} cannot be moved to {main} in one step: {reason}",
            hint=f"jvs init {target.name} --from {folder} makes a copy",
        ) from error
    if not stat.S_ISDIR(files.status(main).st_mode):  # somebody else put something in its place
        files.exchange(folder, main)
        raise EngineFailed(
            f"{folder} was replaced in the meantime", hint="look at it, then run the command again"
        )
    for parent in (target, folder.parent):
        syncing.sync_folder(parent)


def is_done(target: Path) -> bool:
    """Return whether the folder is the ``main`` of ``target``, which must stay from then on."""
    return not (target / MAIN).is_symlink() and (target / MAIN).is_dir()


def complete(folder: Path, target: Path, caller: Settings) -> bool:
    """Complete the adoption of ``folder`` that a crash left at ``target``; return False where there is none.

    Raises AlreadyExists where what is there is none of ``folder``, UntrustedRepository.
    """
    if not os.path.lexists(target):
        return False
    main = target / MAIN
    if not main.is_symlink() or os.readlink(main) != _text(folder, target):
        raise AlreadyExists(f"{target} already exists", hint="choose another name")
    trust.require(target, caller)
    layout = Layout(target)
    with uninterrupted(), critical.exclusive(layout.repository_lock):
        if not is_done(target):
            exchange(folder, target)
    return True


def _text(folder: Path, target: Path) -> str:
    return os.path.relpath(target / MAIN, folder.parent)
