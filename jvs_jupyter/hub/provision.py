"""Giving every person a worktree of their own, cloned once from the team's template; the next time it is found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from jvs_core import AlreadyExists, InputError, JvsError, Repository, Settings, WorktreeInfo
from jvs_jupyter.hub.command import WORK_S, Refused, Told, as_refused, ask, told, understood
from jvs_jupyter.hub.names import IDENTITY, SERVER, USER, Person, digest, worktree_name
from jvs_jupyter.hub.ownership import Owner, close, keep_names, require_owner

FRESH = "jvs hub reset makes a new one and keeps the old one"
Action = Literal["created", "exists", "adopted", "renamed", "would_create", "failed"]


@dataclass(frozen=True)
class _Done:
    """What a process with the user's rights says that it did; where the worktree is, this process knows itself."""

    action: Literal["created", "exists", "adopted", "renamed", "failed"]
    base_snapshot_id: str | None
    error: Told | None = None


@dataclass(frozen=True)
class Provided:
    """The outcome for one person; ``failure`` where they got nothing."""

    person: Person
    action: Action
    worktree: str | None = None
    path: Path | None = None
    base_snapshot_id: str | None = None
    failure: JvsError | Refused | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as the command shows it."""
        return {
            "user": self.person.user,
            "server": self.person.server,
            "action": self.action,
            "worktree": self.worktree,
            "path": None if self.path is None else str(self.path),
            "base_snapshot_id": self.base_snapshot_id,
            "error": told(self.failure),
        }


def as_admin(name: str) -> Settings:
    """Return the settings of this process with ``name`` as who the audit log names."""
    return replace(Settings.from_environment(), user=shown(name))


def shown(name: str) -> str:
    """Return a hub's user name as locks and audit records may carry it: one printable line of 100 characters."""
    plain = "".join(character if character.isprintable() else "?" for character in name)
    return plain if len(plain) <= 100 else f"{plain[:99]}…"


def nobody(person: Person) -> InputError:
    """Return the error for somebody who has nothing here."""
    server = f" for server {person.server!r}" if person.server else ""
    return InputError(
        f"{person.user!r} has nothing here{server}", hint="jvs hub list shows which users have worktrees"
    )


def provide(
    repository: Repository,
    person: Person,
    *,
    template: str | None,
    owner: Owner | None = None,
    private: bool = False,
) -> Provided:
    """Return the person's worktree; make it from the snapshot ``template`` (None: the head of ``main``) if need be.

    One clone the first time, two look-ups afterwards. A worktree provisioned by name, or kept under the name of
    before a user was renamed, gets its present name and labels. With ``owner`` all of it happens with that system
    user's rights, and nobody else can put another folder in its place; it is ``private`` then, as it can be for this
    process's own user. Interrupted, it goes on where it stopped when called again.

    Raises
    ------
    AlreadyExists
        A worktree of that name, or its folder, is somebody else's.
    LockConflict
        It must change its name and somebody holds it.
    SnapshotNotFound, NoSpace, EngineFailed
        The template is none, or could not be cloned; nothing is there.
    Refused
        What the user's process was refused.
    """
    if owner is not None and os.geteuid() == 0 and owner.uid != 0:
        return provide_as(owner, repository.root, person, template=template, actor=repository.settings.user)
    name = worktree_name(person)
    action: Action = "exists"
    info = find(repository, person)
    if info is None:
        action, info = _create(repository, person, name, template)
        if private:
            close(Path(info.path))
    elif info.labels != person.labels or info.name != name:
        if not person.owns(info.labels):
            raise _somebody_else(info, person)
        action = "adopted" if IDENTITY not in info.labels else "renamed"
        info = _renamed(repository, info, person, name)
    return Provided(person, action, info.name, Path(info.path), info.base_snapshot_id)


def provide_as_words(person: Person, *more: str) -> list[str]:
    """Return the command that provides for a person, with the rights of who runs it."""
    known = [] if person.identity is None else [f"--identity={person.identity}"]
    return [
        "hub",
        "provision",
        f"--user={person.user}",
        f"--server={person.server}",
        *known,
        "--private",
        *more,
    ]


def provide_as(
    owner: Owner, root: Path, person: Person, *, template: str | None, actor: str | None = None
) -> Provided:
    """Let the user make or find the worktree in the repository at ``root``; the audit log names ``actor``.

    Root closes the ways to it, and looks whose it is in the end. Raises AlreadyExists, Refused.
    """
    folder = root / "worktrees"
    for shared in (root, folder):
        keep_names(shared)
    path = folder / worktree_name(person)
    for there in {path, folder / worktree_name(person.by_name())}:
        if os.path.lexists(there):
            require_owner(there, owner, hint=FRESH)
    words = provide_as_words(person, *([] if template is None else ["--template", template]))
    answer = ask(root, *words, owner=owner, actor=actor, seconds=WORK_S)
    (done,) = understood(tuple[_Done], answer, f"uid {owner.uid}")
    if done.error is not None:
        raise done.error.refused()
    require_owner(path, owner)
    return Provided(person, done.action, path.name, path, done.base_snapshot_id)


def provide_all(
    repository: Repository, people: Iterable[Person], *, template: str | None, dry_run: bool = False
) -> Iterator[Provided]:
    """Provide for many people known by name, one after another; what fails for one does not stop the others.

    As root, each with the rights of the system user of that name, where there is one.
    """
    base = None if template is None else repository.resolve(template)
    known = by_name(repository)
    for person in people:
        info = known.get((person.user, person.server))
        owner = Owner.to_become(person.user)
        try:
            if info is not None:
                if owner is not None:
                    require_owner(Path(info.path), owner, hint=FRESH)
                yield Provided(person, "exists", info.name, Path(info.path), info.base_snapshot_id)
            elif dry_run:
                yield Provided(person, "would_create", worktree_name(person), None, base)
            else:
                yield provide(repository, person, template=base, owner=owner)
        except (JvsError, Refused, OSError) as failure:
            yield Provided(person, "failed", failure=as_refused(failure))


def find(repository: Repository, person: Person) -> WorktreeInfo | None:
    """Return the worktree at the place of this person's, under the present name, that of before, or the listed one."""
    name = worktree_name(person)
    return _named(repository, name) or _moved(repository, person, name)


def by_name(
    repository: Repository, unreadable: list[str] | None = None
) -> dict[tuple[str, str], WorktreeInfo]:
    """Return the worktrees of the hub's people by user and server, in one pass over the repository.

    Where a user has one that is only known by name besides, the one of the hub's identity counts. What is wrong with
    records that cannot be read, which hide nobody else's, goes to ``unreadable``.
    """
    found: dict[tuple[str, str], WorktreeInfo] = {}
    for info in repository.worktrees.all([] if unreadable is None else unreadable):
        person = person_of(info)
        if person is not None and (person.identity or (person.user, person.server) not in found):
            found[person.user, person.server] = info
    return found


def person_of(info: WorktreeInfo) -> Person | None:
    """Return the person that a worktree belongs to; None where it is nobody's, or was put aside.

    ``main`` is somebody's in a repository of a user's own.
    """
    if USER not in info.labels or SERVER not in info.labels:
        return None
    person = Person(info.labels[USER], info.labels[SERVER], info.labels.get(IDENTITY))
    ours = info.name == "main" or info.name.endswith((digest(person), digest(person.by_name())))
    return person if ours else None


def _named(repository: Repository, name: str) -> WorktreeInfo | None:
    try:
        return repository.worktrees.get(name)
    except JvsError as error:
        if error.code == "E_WORKTREE_NOT_FOUND":
            return None
        raise


def _moved(repository: Repository, person: Person, name: str) -> WorktreeInfo | None:
    """Return the worktree of a user who was renamed since, or who was provisioned by name."""
    if person.identity is None:
        return None
    end = f"-{digest(person)}"
    for other in repository.worktrees.names():
        if other != name and other.endswith(end):
            return repository.worktrees.get(other)
    found = _named(repository, worktree_name(person.by_name()))
    return found if found is not None and person.owns(found.labels) else None


def _create(
    repository: Repository, person: Person, name: str, template: str | None
) -> tuple[Action, WorktreeInfo]:
    try:
        repository.worktrees.create(name, from_=template, worktree="main", labels=person.labels)
    except JvsError as error:
        if error.code != "E_ALREADY_EXISTS":
            raise
        info = repository.worktrees.get(name)  # two spawns at once: the other one made it
        if info.labels != person.labels:
            raise _somebody_else(info, person) from error
        return "exists", info
    return "created", repository.worktrees.get(name)


def _renamed(repository: Repository, info: WorktreeInfo, person: Person, name: str) -> WorktreeInfo:
    if info.labels != person.labels:
        info = repository.worktrees.label(info.name, person.labels)
    return info if info.name == name else repository.worktrees.rename(info.name, name)


def _somebody_else(info: WorktreeInfo, person: Person) -> JvsError:
    return AlreadyExists(
        f"worktree {info.name!r}, which should belong to {person.user!r}, has somebody else's label",
        hint="give it another name with jvs worktree rename",
    )
