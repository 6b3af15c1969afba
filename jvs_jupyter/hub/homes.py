"""A repository for every user, made from a template's snapshot by one clone: for users who must not reach each other.

The repositories lie side by side in one folder that only the hub writes to. From the moment that one is its user's,
whatever happens in it happens with that user's rights.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from jvs_core import LockConflict, Repository
from jvs_jupyter.hub.command import ask, no_answer
from jvs_jupyter.hub.names import Person, digest, worktree_name
from jvs_jupyter.hub.ownership import Owner, give
from jvs_jupyter.hub.roster import enter, leave, sync

ARCHIVE = ".archived"
TEMPLATE = "template"


def find_home(folder: Path, person: Person) -> Path | None:
    """Return the user's repository, under the present name, that of before, or the listed one; None: there is none."""
    user = Person(person.user, "", person.identity)
    exact = folder / worktree_name(user)
    if exact.is_dir():
        return exact
    end = f"-{digest(user)}"
    for name in os.listdir(folder):
        if name.endswith(end) and not name.startswith("."):
            return folder / name
    listed = folder / worktree_name(user.by_name())
    return listed if listed.is_dir() else None


def make_home(
    folder: Path, source: Repository, person: Person, *, template: str | None, owner: Owner | None
) -> Path:
    """Return the user's repository; make it from a snapshot of ``source`` (None: the head of ``main``) if need be.

    Its ``main`` is the default server's worktree, its ref ``template`` what it started from. A user who was renamed,
    or was listed by name, gets the repository under the present name. Built under a hidden name, it appears when it is
    complete; with ``owner`` it is that system user's, and without it root's until somebody gives it.

    Raises SnapshotNotFound, LockConflict (a renamed user's server still runs), NoSpace, EngineFailed, AlreadyExists (it
    is another system user's), Refused (it cannot be asked).
    """
    user = Person(person.user, "", person.identity)
    target = folder / worktree_name(user)
    found = find_home(folder, user)
    if found is None:
        site = _built(folder, source, user, source.resolve(template or "HEAD", worktree="main"))
        _appear(site, target, owner)
    elif found != target:
        _require_free(found)
        _moved(found, target)
    if owner is not None:
        give(target, owner)
    enter(folder, user)
    sync(folder)
    return target


def reset_home(folder: Path, source: Repository, person: Person, home: Path, *, template: str) -> Path | None:
    """Put a repository fresh from the snapshot ``template`` in a home's place; return where the old one stays.

    None: the home is what the template is, and was left alone. The old one stays beside it, whole and its user's,
    unsaved changes too. Killed in between, it is aside and the next spawn makes the fresh one. Raises as make_home.
    """
    state = _told(home, ask(home, "status"))
    if state.get("clean") is True and isinstance(state.get("head_snapshot_id"), str):
        head = _told(home, ask(home, "show", "--", state["head_snapshot_id"]))
        if head.get("payload_root_hash") == source.show(template).descriptor.to_json()["payload_root_hash"]:
            return None
    _require_free(home)
    owner = Owner.of(home)
    site = _built(folder, source, Person(person.user, "", person.identity), template)
    aside = folder / f"{home.name}-until-{_now()}"
    os.rename(home, aside)
    _appear(site, home, owner if os.geteuid() == 0 else None)
    sync(folder)
    return aside


def archive_home(folder: Path, home: Path) -> Path:
    """Move a user's repository out of the way, whole, and return where it is; an admin deletes it when it is time."""
    _require_free(home)
    shelf = folder / ARCHIVE
    shelf.mkdir(mode=0o700, exist_ok=True)
    kept = shelf / f"{home.name}-{_now()}"
    os.rename(home, kept)
    leave(folder, home)
    sync(shelf)
    sync(folder)
    return kept


def _built(folder: Path, source: Repository, user: Person, template: str) -> Path:
    """Make the user's repository from a snapshot, in a hidden folder, and return that."""
    name = worktree_name(user)
    site = folder / f".{name}.{os.getpid()}-{time.monotonic_ns()}"
    site.mkdir(mode=0o700)
    made = Repository.init(site / name, from_=source.show(template).path, settings=source.settings)
    made.snapshot("from the template", tags=[TEMPLATE], lock=True)
    made.refs.create(TEMPLATE, "HEAD")
    made.worktrees.label("main", user.labels)
    return site


def _appear(site: Path, target: Path, owner: Owner | None) -> None:
    (made,) = site.iterdir()
    if owner is not None:
        give(made, owner)
    _moved(made, target)
    shutil.rmtree(site, ignore_errors=True)


def _moved(source: Path, target: Path) -> None:
    """Rename a repository; of two spawns at once the later one finds what the other put there."""
    try:
        os.rename(source, target)
    except OSError:
        if not target.is_dir():
            raise


def _require_free(home: Path) -> None:
    rows = ask(home, "worktree", "list")
    if not isinstance(rows, list):
        raise no_answer(str(home))
    for row in (_told(home, row) for row in rows):
        if row.get("lock_state") == "held":
            raise LockConflict(
                f"worktree {row.get('name')!r} of {home.name} is in use", hint="stop its server"
            )


def _told(home: Path, answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise no_answer(str(home))
    return answer


def _now() -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime())
