"""What an admin does to all homes in a folder: provide, list, reset, archive; one person's failure stops nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

from jvs_core import JvsError, Repository
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.homes import archive_home, make_home, reset_home
from jvs_jupyter.hub.lifecycle import Changed
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.provision import Provided
from jvs_jupyter.hub.roster import by_user


def provide(
    folder: Path, source: Repository, people: Iterable[Person], *, template: str | None, dry_run: bool
) -> Iterator[Provided]:
    """Make the homes that are missing, each as the system user of that name; where there is none it is root's own.

    Named servers make their own.
    """
    base = source.resolve(template or "HEAD", worktree="main")
    known = by_user(folder)
    for user in _users(people):
        home = known.get(user.user, (user, None))[1]
        try:
            if home is not None:
                yield Provided(user, "exists", home.name, home / "main", None)
            elif dry_run:
                yield Provided(user, "would_create", worktree_name(user), None, base)
            else:
                made = make_home(folder, source, user, template=base, owner=Owner.to_become(user.user))
                yield Provided(user, "created", made.name, made / "main", base)
        except (JvsError, Refused) as failure:
            yield Provided(user, "failed", failure=failure)


def reset(
    folder: Path, source: Repository, people: Iterable[Person], *, template: str | None, dry_run: bool
) -> Iterator[Changed]:
    """Put a fresh repository in the place of each user's; the old one stays beside it, whole."""
    base = source.resolve(template or "HEAD", worktree="main")

    def change(user: Person, home: Path) -> Changed:
        aside = reset_home(folder, source, user, home, template=base, owner=Owner.to_become(user.user))
        if aside is None:
            return Changed(user, "unchanged", home.name)
        return Changed(user, "reset", home.name, kept_as=aside.name)

    return _changed(folder, people, "would_reset" if dry_run else None, change)


def archive(folder: Path, people: Iterable[Person], *, dry_run: bool) -> Iterator[Changed]:
    """Move each user's repository out of the way, whole."""

    def change(user: Person, home: Path) -> Changed:
        return Changed(user, "archived", kept_as=str(archive_home(folder, home).relative_to(folder)))

    return _changed(folder, people, "would_archive" if dry_run else None, change)


def _changed(
    folder: Path,
    people: Iterable[Person],
    pretended: Literal["would_reset", "would_archive"] | None,
    change: Callable[[Person, Path], Changed],
) -> Iterator[Changed]:
    known = by_user(folder)
    for named in _users(people):
        if named.user not in known:
            yield Changed(named, "unchanged")
            continue
        user, home = known[named.user]
        try:
            yield change(user, home) if pretended is None else Changed(user, pretended, home.name)
        except (JvsError, Refused) as failure:
            yield Changed(user, "failed", home.name, failure=failure)


def _users(people: Iterable[Person]) -> Iterator[Person]:
    """Yield each user once, whichever of their servers are listed."""
    return iter(dict.fromkeys(Person(person.user, "", person.identity) for person in people))
