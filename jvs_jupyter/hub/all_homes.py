"""What an admin does to all homes in a folder: provide, list, reset, archive; one person's failure stops nobody else's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jvs_core import InputError, JvsError, Repository
from jvs_jupyter.hub import homes, shelf
from jvs_jupyter.hub.command import Refused, as_refused
from jvs_jupyter.hub.lifecycle import Changed
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import Owner, require_owner
from jvs_jupyter.hub.provision import Provided, nobody
from jvs_jupyter.hub.roster import by_user

T = TypeVar("T")


def provide(
    folder: Path, source: Repository, people: Iterable[Person], *, template: str | None, dry_run: bool
) -> Iterator[Provided]:
    """Make the homes that are missing, each as the system user of that name; where there is none it is root's own.

    Named servers make their own.
    """
    base = source.resolve(template or "HEAD", worktree="main")
    known = by_user(folder)

    def one(user: Person) -> Provided:
        home = known.get(user.user, (user, None))[1]
        owner = Owner.to_become(user.user)
        try:
            if home is not None:
                if owner is not None:
                    require_owner(home, owner, hint=homes.FRESH)
                return Provided(user, "exists", home.name, home / "main", None)
            if dry_run:
                return Provided(user, "would_create", worktree_name(user), None, base)
            made = homes.make_home(folder, source, user, template=base, owner=owner)
            return Provided(user, "created", made.name, made / "main", base)
        except (JvsError, Refused, OSError) as failure:
            return Provided(user, "failed", failure=as_refused(failure))

    return _at_once(one, _users(people))


def provide_known(folder: Path, source: Repository, user: Person, *, template: str | None) -> Provided:
    """Make or find the home of a user by the hub's identity: what a pod does before its server starts. Raises as make_home."""
    found = homes.find_home(folder, user)
    owner = Owner.to_become(user.user)
    made = homes.make_home(folder, source, user, template=template, owner=owner)
    return Provided(user, "exists" if found else "created", made.name, made / "main", None)


def reset(
    folder: Path, source: Repository, people: Iterable[Person], *, template: str | None, dry_run: bool
) -> Iterator[Changed]:
    """Put a fresh repository in the place of each user's; the old one stays beside it, whole."""
    base = source.resolve(template or "HEAD", worktree="main")

    def change(user: Person, home: Path) -> Changed:
        owner = Owner.to_become(user.user)
        if dry_run:
            fresh = homes.would_stay(source, home, template=base, owner=owner)
            return Changed(user, "unchanged" if fresh else "would_reset", home.name)
        aside = homes.reset_home(folder, source, user, home, template=base, owner=owner)
        if aside is None:
            return Changed(user, "unchanged", home.name)
        return Changed(user, "reset", home.name, kept_as=aside.name)

    return _changed(folder, people, change)


def archive(folder: Path, people: Iterable[Person], *, dry_run: bool) -> Iterator[Changed]:
    """Move each user's repository out of the way, whole. Whose is there already stays, and is said to be."""

    def change(user: Person, home: Path) -> Changed:
        if dry_run:
            homes.require_free(home)
            return Changed(user, "would_archive", home.name)
        return Changed(user, "archived", kept_as=str(homes.archive_home(folder, home).relative_to(folder)))

    return _changed(folder, people, change, gone=shelf.newest)


def put_back(folder: Path, people: Iterable[Person], *, dry_run: bool) -> Iterator[Changed]:
    """Put what each user had when it was archived back in its place; what they have now stays beside it, whole."""
    known = by_user(folder)

    def one(user: Person) -> Changed:
        try:
            kept = shelf.newest(folder, user)
            if kept is None:
                raise InputError(f"{user.user!r} has nothing archived", hint=f"ls {folder / homes.ARCHIVE}")
            owner, present = known.get(user.user, (user, None))
            if dry_run:
                return Changed(user, "would_put_back", kept.name)
            aside = shelf.put_back(folder, owner, kept, present)
            return Changed(user, "put_back", worktree_name(owner), kept_as=aside.name if aside else None)
        except (JvsError, Refused, OSError) as failure:
            return Changed(user, "failed", failure=as_refused(failure))

    return _at_once(one, _users(people))


def _changed(
    folder: Path,
    people: Iterable[Person],
    change: Callable[[Person, Path], Changed],
    *,
    gone: Callable[[Path, Person], Path | None] = lambda _folder, _user: None,
) -> Iterator[Changed]:
    known = by_user(folder)

    def one(named: Person) -> Changed:
        if named.user not in known:
            kept = gone(folder, named)
            if kept is not None:
                return Changed(named, "unchanged", kept_as=str(kept.relative_to(folder)))
            return Changed(named, "failed", failure=nobody(named))
        user, home = known[named.user]
        try:
            return change(user, home)
        except (JvsError, Refused, OSError) as failure:
            return Changed(user, "failed", home.name, failure=as_refused(failure))

    return _at_once(one, _users(people))


def _at_once(one: Callable[[Person], T], people: Iterable[Person]) -> Iterator[T]:
    """Yield what ``one`` makes of each, a few at a time, in their order."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from threads.map(one, people)


def _users(people: Iterable[Person]) -> Iterator[Person]:
    """Yield each user once, whichever of their servers are listed."""
    return iter(dict.fromkeys(Person(person.user, "", person.identity) for person in people))
