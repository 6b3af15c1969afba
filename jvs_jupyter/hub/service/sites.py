"""The two layouts as the page sees them: who is there, what each has, and where a command about it works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from jvs_jupyter.hub.command import Refused, no_answer
from jvs_jupyter.hub.looking import Report
from jvs_jupyter.hub.ownership import Owner, worker
from jvs_jupyter.hub.roster import RECORDS, by_user
from jvs_jupyter.hub.service.child import Place, report

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REPORT_SECONDS = 600.0


class Site(Protocol):
    """One layout."""

    @property
    def root(self) -> Path:
        """The repository with the templates; a team's own."""

    @property
    def homes(self) -> Path | None:
        """The folder of the homes, where there are any."""

    def people(self) -> Iterable[str]:
        """Return the users that are asked one by one; in a team all are asked at once."""

    async def ask(self, user: str | None) -> Report:
        """Return what a user has, or all of them. Raises Refused."""

    def place(self, user: str, worktree: str | None) -> Place:
        """Return where a command about a user's worktree works. Raises Refused where there is none."""


class Team:
    """One repository with a worktree for each user and named server."""

    homes = None

    def __init__(self, root: Path) -> None:
        self.root = root

    def people(self) -> tuple[str, ...]:
        """Return nobody: one pass over the repository tells of all."""
        return ()

    async def ask(self, user: str | None) -> Report:
        """Return what everybody has. Raises Refused."""
        del user
        return await report(ours(self.root), seconds=_REPORT_SECONDS)

    def place(self, user: str, worktree: str | None) -> Place:
        """Return the place of a worktree: what happens there happens with the rights of its folder's owner."""
        if worktree is None or not _NAME.fullmatch(worktree):
            raise no_worktree(user, worktree)
        folder = self.root / "main" if worktree == "main" else self.root / "worktrees" / worktree
        return Place(self.root, _owner(self.root, folder, user), worktree)


class Homes:
    """A folder with a repository for each user, and one repository with the templates."""

    def __init__(self, root: Path, homes: Path) -> None:
        self.root = root
        self.homes = homes
        self._known: dict[str, Path] = {}
        self._read_at: tuple[int, ...] = ()

    def people(self) -> list[str]:
        """Return the users, as the hub's own record has them; read again when a home came, went or changed its name."""
        now = tuple(path.stat().st_mtime_ns for path in (self.homes, self.homes / RECORDS) if path.exists())
        if now != self._read_at:
            self._known = {user: home for user, (_, home) in by_user(self.homes).items()}
            self._read_at = now
        return list(self._known)

    async def ask(self, user: str | None) -> Report:
        """Return what one user has, under the name that the hub knows. Raises Refused."""
        assert user is not None
        found = await report(self.place(user, None))
        return Report([replace(row, user=user) for row in found.rows], found.unreadable)

    def place(self, user: str, worktree: str | None) -> Place:
        """Return the user's repository, to be asked with the rights of its owner."""
        home = self._known.get(user)
        if home is None or (worktree is not None and not _NAME.fullmatch(worktree)):
            raise no_worktree(user, worktree)
        return Place(home, _owner(home, home, user), worktree)


def ours(root: Path) -> Place:
    """Return the place of a repository that is looked at with the service's own rights, if only the service writes to it."""
    return Place(root, _owner(root, root, "the service"))


def own(root: Path) -> Place:
    """Return the place of a change of ``jvs hub``, which reads nothing there itself and asks those whom it concerns."""
    try:
        return Place(root, Owner.of(root))
    except OSError as error:
        raise Refused("E_PATH_NOT_FOUND", f"{root}: {error.strerror}", None, 3) from error


def read_rows(rows: Any, read: Callable[[dict[str, Any]], T], who: str) -> list[T]:
    """Return rows that another process printed. Raises Refused where one is none."""
    if not isinstance(rows, list):
        raise no_answer(who)
    try:
        return [read(row) for row in rows]
    except (TypeError, ValueError, LookupError):
        raise no_answer(who) from None


def no_worktree(user: str, worktree: str | None) -> Refused:
    """Return the refusal for what is not there."""
    what = "no worktree" if worktree is None else f"no worktree {worktree!r}"
    return Refused("E_WORKTREE_NOT_FOUND", f"{user} has {what}", None, 3)


def _owner(root: Path, folder: Path, user: str) -> Owner:
    try:
        if folder.is_symlink() or not folder.is_dir():
            raise no_worktree(user, folder.name)
        return worker(root, folder)
    except OSError as error:
        raise Refused("E_PATH_NOT_FOUND", f"{folder}: {error.strerror}", None, 3) from error
