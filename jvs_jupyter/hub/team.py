"""A repository of root's that a group writes to, as root works in it: root reads nothing there.

What lies in ``.jvs`` any member may have written. So root asks: the steward, who is nobody and of the group, about
what all members may read; and the owner of a folder about what is theirs. Root itself looks at the status of folders,
and computes names.
"""

from __future__ import annotations

import pwd
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jvs_core import InputError, JvsError
from jvs_jupyter.hub import lifecycle
from jvs_jupyter.hub.command import WORK_S, Refused, as_refused, ask, no_answer, work
from jvs_jupyter.hub.lifecycle import Changed
from jvs_jupyter.hub.looking import (
    About,
    Found,
    Listed,
    Listing,
    Measured,
    Measuring,
    Naming,
    Report,
    Reporting,
    Who,
)
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import Owner, require_owner, steward
from jvs_jupyter.hub.provision import FRESH, Provided, nobody, provide_as, provide_as_words, shown
from jvs_jupyter.hub.report import Usage

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Team:
    """The repository at ``root``; the audit log names ``actor``."""

    root: Path
    steward: Owner
    actor: str | None = None

    @classmethod
    def around(cls, place: Path, actor: str | None = None) -> Team | None:
        """Return the team's repository at or above ``place``; None where root reads it as its own, or does not work there."""
        for folder in (place, *place.parents):
            try:
                if stat.S_ISDIR((folder / ".jvs").lstat().st_mode):
                    found = steward(folder)
                    return (
                        None if found is None else cls(folder, found, None if actor is None else shown(actor))
                    )
            except OSError:
                continue
        return None

    def folder(self, worktree: str) -> Path:
        """Return the folder of a worktree. Raises Refused for what is no name."""
        if not _NAME.fullmatch(worktree):
            raise no_answer(str(self.root))
        return self.root / "main" if worktree == "main" else self.root / "worktrees" / worktree

    def listing(self) -> Listing:
        """Return the worktrees of the hub's people. Raises Refused."""
        return work(self.root, "list", About(repository=str(self.root)), Listing)

    def report(self, *, measure: bool, policy: dict[str, Any] | None) -> Report:
        """Return what each of the hub's people has; what is on disk is measured with their own rights. Raises Refused."""
        asked = Reporting(repository=str(self.root), policy=policy)
        found = work(self.root, "report", asked, Report, seconds=WORK_S)
        return Report([self._measured(row) for row in found.rows], found.unreadable) if measure else found

    def find(self, person: Person) -> str | None:
        """Return the name of a person's worktree. Raises Refused."""
        return self._asked("find", person)

    def archived(self, person: Person) -> str | None:
        """Return the snapshot that was archived last of a person. Raises Refused."""
        return self._asked("archived", person)

    def resolved(self, template: str | None) -> str:
        """Return the id of the snapshot that a template's name means now. Raises Refused."""
        asked = Naming(repository=str(self.root), snapshot=template or "HEAD")
        return str(work(self.root, "resolve", asked, Found).found)

    def provide(self, people: Iterable[Person], *, template: str | None, dry_run: bool) -> Iterator[Provided]:
        """Give each a worktree of the system user of that name; what fails for one does not stop the others. Raises Refused."""
        base = None if template is None else self.resolved(template)
        known = self._known()
        for person in people:
            row = known.get((person.user, person.server))
            try:
                owner = self._system_user(person)
                if row is not None:
                    folder = self.folder(row.name)
                    require_owner(folder, owner, hint=FRESH)
                    yield Provided(person, "exists", row.name, folder, row.base_snapshot_id)
                elif dry_run:
                    yield Provided(person, "would_create", worktree_name(person), None, base)
                else:
                    yield provide_as(owner, self.root, person, template=base, actor=self.actor)
            except (JvsError, Refused, OSError) as failure:
                yield Provided(person, "failed", failure=as_refused(failure))

    def reset(self, people: Iterable[Person], *, template: str | None, dry_run: bool) -> Iterator[Changed]:
        """Give each a fresh worktree, as ``lifecycle.reset`` does. Raises Refused."""
        wanted = self.resolved(template)
        return self._each(
            people, lambda *who: self._owner_does(*who, *lifecycle.reset_words(wanted, dry_run=dry_run))
        )

    def archive(self, people: Iterable[Person], *, days: int, dry_run: bool) -> Iterator[Changed]:
        """Put the worktree of each away, as ``lifecycle.archive`` does. Raises Refused."""

        def gone(person: Person) -> Changed:
            saved = self.archived(person)
            if saved is None:
                raise nobody(person)
            return Changed(person, "unchanged", None, saved)

        words = lifecycle.archive_words(days, dry_run=dry_run)
        return self._each(people, lambda *who: self._owner_does(*who, *words), gone)

    def put_back(self, people: Iterable[Person], *, dry_run: bool) -> Iterator[Changed]:
        """Give each what was archived of them, as ``lifecycle.put_back`` does. Raises Refused."""

        def saved_of(person: Person) -> str:
            saved = self.archived(person)
            if saved is None:
                raise lifecycle.nothing_archived(person)
            return saved

        def beside(person: Person, name: str) -> Changed:
            saved = saved_of(person)
            done = self._owner_does(person, name, *lifecycle.reset_words(saved, dry_run=dry_run))
            return Changed(
                person, "would_put_back" if dry_run else "put_back", done.worktree, saved, done.kept_as
            )

        def fresh(person: Person) -> Changed:
            saved = saved_of(person)
            if dry_run:
                return Changed(person, "would_put_back", None, saved)
            owner = self._system_user(person)
            made = provide_as(owner, self.root, person, template=saved, actor=self.actor)
            return Changed(person, "put_back", made.worktree, saved)

        return self._each(people, beside, fresh)

    def hand_over(self, person: Person, new: Person) -> None:
        """Make a named server's worktree that of ``new``, with its owner's rights. Raises Refused."""
        name = self.find(person)
        if name is not None:
            words = provide_as_words(new, f"--was={person.server}")
            ask(self.root, *words, owner=self.owner_of(name), actor=self.actor)

    def put_away(self, person: Person, *, days: int) -> None:
        """Put a person's worktree away, where there is one. Raises Refused, InputError."""
        name = self.find(person)
        if name is not None:
            self._owner_does(person, name, *lifecycle.archive_words(days))

    def owner_of(self, worktree: str) -> Owner:
        """Return whose a worktree's folder is. Raises InputError where it is no member's, OSError."""
        owner = self.member(Owner.of(self.folder(worktree)).uid)
        if owner is None:
            raise InputError(
                f"worktree {worktree!r} belongs to root, or to somebody who is not in the repository's group",
                hint=f"jvs worktree rename {worktree} {worktree[:90]}-before",
            )
        return owner

    def member(self, uid: int) -> Owner | None:
        """Return a user of the repository's group, or one that the system does not know; None for anybody else."""
        owner = Owner(uid, self.steward.gid)
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            return owner
        known = Owner.named(name)
        return owner if uid and self.steward.gid in known.groups else None

    def _known(self) -> dict[tuple[str, str], Listed]:
        return {(row.user, row.server): row for row in self.listing().rows}

    def _each(
        self,
        people: Iterable[Person],
        change: Callable[[Person, str], Changed],
        gone: Callable[[Person], Changed] | None = None,
    ) -> Iterator[Changed]:
        known = self._known()
        for person in people:
            row = known.get((person.user, person.server))
            try:
                name = row.name if row is not None and person.identity is None else None
                if person.identity is not None:
                    name = self.find(person)
                if name is not None:
                    yield change(person, name)
                elif gone is not None:
                    yield gone(person)
                else:
                    raise nobody(person)
            except (JvsError, Refused, OSError) as failure:
                yield Changed(person, "failed", failure=as_refused(failure))

    def _owner_does(self, person: Person, name: str, *words: str) -> Changed:
        return lifecycle.owner_does(self.owner_of(name), self.root, person, *words, actor=self.actor)

    def _asked(self, task: str, person: Person) -> str | None:
        asked = Who(
            repository=str(self.root), user=person.user, server=person.server, identity=person.identity
        )
        return work(self.root, task, asked, Found).found

    def _measured(self, row: Usage) -> Usage:
        folder = self.folder(row.worktree)
        try:
            measured = work(
                self.root, "measure", Measuring(folders=[str(folder)]), Measured,
                owner=self.owner_of(row.worktree), seconds=WORK_S,
            )  # fmt: skip
            return replace(row, disk_bytes=measured.bytes[0])
        except (JvsError, Refused, OSError, IndexError):
            return row

    @staticmethod
    def _system_user(person: Person) -> Owner:
        owner = Owner.named(person.user)
        if owner.uid == 0:
            raise InputError(
                f"{person.user!r} is root; root does not work in repositories that others can write"
            )
        return owner
