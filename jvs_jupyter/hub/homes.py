"""A repository for every user, made from a template's snapshot by one clone: for users who must not reach each other.

The repositories lie side by side in one folder that only the hub writes to. From the moment that one is its user's,
whatever happens in it happens with that user's rights.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from jvs_core import LockConflict, Repository
from jvs_jupyter.hub.names import Person, digest, worktree_name
from jvs_jupyter.hub.ownership import Owner, give

ARCHIVE = ".archived"
TEMPLATE = "template"


def find_home(folder: Path, person: Person) -> Path | None:
    """Return the user's repository, under the present name or that of before; None when there is none."""
    user = Person(person.user, "", person.identity)
    exact = folder / worktree_name(user)
    if exact.is_dir():
        return exact
    end = f"-{digest(user)}"
    found = [name for name in os.listdir(folder) if name.endswith(end) and not name.startswith(".")]
    return folder / found[0] if found else None


def make_home(
    folder: Path, source: Repository, person: Person, *, template: str | None, owner: Owner | None
) -> Path:
    """Return the user's repository; make it from a snapshot of ``source`` (None: the head of ``main``) if need be.

    Its ``main`` is the default server's worktree, its ref ``template`` what it started from. A user who was renamed
    gets the repository under the new name. Built under a hidden name, it appears when it is complete and the user's.

    Raises SnapshotNotFound, LockConflict (a renamed user's server still runs), NoSpace, EngineFailed.
    """
    user = Person(person.user, "", person.identity)
    target = folder / worktree_name(user)
    found = find_home(folder, user)
    if found is not None:
        if found != target:
            _move(found, target)
        return target
    payload = source.show(template or "HEAD", worktree="main").path
    site = folder / f".{target.name}.{os.getpid()}-{time.monotonic_ns()}"
    site.mkdir(mode=0o700)
    made = Repository.init(site / target.name, from_=payload, settings=source.settings)
    made.snapshot("from the template", tags=[TEMPLATE], lock=True)
    made.refs.create(TEMPLATE, "HEAD")
    made.worktrees.label("main", user.labels)
    if owner is not None:
        give(made.root, owner)
    try:
        os.rename(made.root, target)
    except OSError:
        if find_home(folder, user) is None:
            raise
    _sync(folder)
    _discard(site)
    return target


def archive_home(folder: Path, home: Path) -> Path:
    """Move a user's repository out of the way, whole, and return where it is; an admin deletes it when it is time."""
    _require_free(home)
    shelf = folder / ARCHIVE
    shelf.mkdir(mode=0o700, exist_ok=True)
    kept = shelf / f"{home.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    os.rename(home, kept)
    _sync(shelf)
    _sync(folder)
    return kept


def _move(old: Path, new: Path) -> None:
    _require_free(old)
    os.rename(old, new)
    _sync(new.parent)


def _require_free(home: Path) -> None:
    for info in Repository(home).worktrees.all():
        if info.lock_state == "held":
            raise LockConflict(f"worktree {info.name!r} of {home.name} is in use", hint="stop its server")


def _discard(site: Path) -> None:
    shutil.rmtree(site, ignore_errors=True)  # what two spawns at once made twice


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
