"""A repository for every user, made from a template's snapshot by one clone: for users who must not reach each other.

The repositories lie side by side in one folder that only the hub writes to. The hub makes an empty folder for each and
hands it over; all that is ever in it is written and read with its user's rights.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from jvs_core import JvsError, LockConflict, Repository
from jvs_jupyter.hub import making
from jvs_jupyter.hub.command import Refused, as_user, ask, no_answer
from jvs_jupyter.hub.making import Clearing, Making
from jvs_jupyter.hub.names import Person, digest, worktree_name
from jvs_jupyter.hub.ownership import Owner, acts_for, hand_over, let_pass, require_owner
from jvs_jupyter.hub.quota import make_ground
from jvs_jupyter.hub.roster import Origin, enter, leave, sync
from jvs_jupyter.hub.subvolumes import is_subvolume

ARCHIVE = ".archived"

FRESH = "jvs hub reset makes a new home and keeps the old one"


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
    or was listed by name, gets the repository under the present name. Built in a hidden folder, it appears when it is
    complete; with ``owner`` it is that system user's, made with that user's rights, and without it this process's own.

    Raises SnapshotNotFound, LockConflict (a renamed user's server still runs), NoSpace, EngineFailed, AlreadyExists (it
    is another system user's), Refused (it cannot be asked, or not be made).
    """
    user = Person(person.user, "", person.identity)
    target = folder / worktree_name(user)
    found = find_home(folder, user)
    if found is not None and owner is not None:
        require_owner(found, owner, hint=FRESH)
    origin = None
    if found is None:
        origin = _origin(source, template)
        _make(folder, source, target, user, origin, owner)
    elif found != target:
        require_free(found)
        _moved(found, target)
    enter(folder, user, origin)
    sync(folder)
    return target


def reset_home(
    folder: Path,
    source: Repository,
    person: Person,
    home: Path,
    *,
    template: str | None,
    owner: Owner | None = None,
) -> Path | None:
    """Put a repository fresh from the snapshot ``template`` in a home's place; return where the old one stays.

    None: the home is what the template is, and was left alone. The old one stays beside it, whole and its user's,
    unsaved changes too. The fresh one is ``owner``'s (None: whose the old one is). Killed in between, it is aside and
    the next spawn makes the fresh one. Raises as make_home.
    """
    origin = _origin(source, template)
    owner = owner or acts_for(home)
    if _is_fresh(home, origin, owner):
        return None
    require_free(home)
    user = Person(person.user, "", person.identity)
    aside = folder / f"{home.name}-until-{now()}"
    site = _built(folder, source, home.name, user, origin, owner)
    os.rename(home, aside)
    _appear(site, home, owner)
    enter(folder, user, origin)
    sync(folder)
    return aside


def would_stay(source: Repository, home: Path, *, template: str, owner: Owner | None) -> bool:
    """Return whether a reset would leave a home alone. Raises LockConflict where it would."""
    if _is_fresh(home, _origin(source, template), owner or acts_for(home)):
        return True
    require_free(home)
    return False


def _is_fresh(home: Path, origin: Origin, owner: Owner | None) -> bool:
    """Return whether a home is its user's and holds what the template does and nothing else."""
    if owner is not None and Owner.of(home).uid != owner.uid:
        return False
    state = _told(home, ask(home, "status"))
    if state.get("clean") is not True or not isinstance(state.get("head_snapshot_id"), str):
        return False
    head = _told(home, ask(home, "show", "--", state["head_snapshot_id"]))
    return head.get("payload_root_hash") == {"algo": "sha256", "value": origin.payload_root_hash}


def archive_home(folder: Path, home: Path) -> Path:
    """Move a user's repository out of the way, whole, and return where it is."""
    require_free(home)
    shelf = folder / ARCHIVE
    shelf.mkdir(mode=0o711, exist_ok=True)
    let_pass(shelf)  # what is there is removed by its user, in the end
    kept = shelf / f"{home.name}-{now()}"
    leave(folder, home, kept.name)
    os.rename(home, kept)
    sync(shelf)
    sync(folder)
    return kept


def remove(folder: Path) -> None:
    """Remove a folder of one user's, with what is in it, as that user. Raises Refused, JvsError, OSError."""
    owner, request = acts_for(folder), Clearing(folder=str(folder))
    if owner is None:
        making.clear(request)
    else:
        _as_owner(owner, "clear", request)
    os.rmdir(folder)


def _origin(source: Repository, template: str | None) -> Origin:
    chosen = source.resolve(template or "HEAD", worktree="main")
    return Origin(chosen, source.show(chosen).descriptor.payload_root_hash.value)


def _make(
    folder: Path, source: Repository, target: Path, user: Person, origin: Origin, owner: Owner | None
) -> None:
    _appear(_built(folder, source, target.name, user, origin, owner), target, owner)


def _built(
    folder: Path, source: Repository, name: str, user: Person, origin: Origin, owner: Owner | None
) -> Path:
    """Let the user make the repository ``name`` from a snapshot, in a hidden folder that is theirs; return that."""
    site = folder / f".{name}.{os.getpid()}-{time.monotonic_ns()}"
    make_ground(site, owner)
    request = Making(
        repository=str(site / name),
        templates=str(source.root),
        snapshot_id=origin.snapshot_id,
        payload_root_hash=origin.payload_root_hash,
        labels=user.labels,
    )
    try:
        if owner is None:
            making.make(request, source.settings)
        else:
            hand_over(site, owner)
            _as_owner(owner, "make", request, actor=source.settings.user)
    except BaseException:
        remove(site)
        raise
    return site


def _as_owner(owner: Owner, task: str, request: Making | Clearing, *, actor: str | None = None) -> None:
    command = ["jvs_jupyter.hub.within", task, request.model_dump_json()]
    as_user(command, owner, owner.groups, who=f"uid {owner.uid}", actor=actor)


def _appear(site: Path, target: Path, owner: Owner | None) -> None:
    """Give what lies in ``site``, a folder of the user's, its place. Raises AlreadyExists: it is not a folder of the user's."""
    whole = is_subvolume(site)
    made = site if whole else site / target.name
    _moved(made, target)
    if owner is not None:
        try:
            require_owner(target, owner)
        except BaseException:
            os.rename(target, made)
            raise
    if whole and not site.exists():
        return
    with suppress(
        JvsError, Refused, OSError
    ):  # the home is there; what its user keeps in the way of this goes later
        remove(site)


def _moved(source: Path, target: Path) -> None:
    """Rename a repository; of two spawns at once the later one finds what the other put there."""
    try:
        os.rename(source, target)
    except OSError:
        if not target.is_dir():
            raise


def require_free(home: Path) -> None:
    """Raise LockConflict while somebody works in a home."""
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


def now() -> str:
    """Return the time as names of folders have it."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime())
