"""What a process looks up in a repository, or does to it, for root: one task for each question, with a typed answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jvs_core import Repository
from jvs_jupyter.hub import chores, lifecycle
from jvs_jupyter.hub.chores import Chore, Collected, Verified
from jvs_jupyter.hub.making import Request
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.provision import by_name, find
from jvs_jupyter.hub.report import Usage, disk_usage, usage


class Listed(BaseModel):
    """A person's worktree, as ``jvs hub list`` shows it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    user: str
    server: str
    name: str
    path: str
    head_snapshot_id: str | None
    base_snapshot_id: str | None
    isolation: str
    lock_state: str
    labels: dict[str, str] = Field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return self.model_dump()


@dataclass(frozen=True)
class Listing:
    """The worktrees of people, and what is wrong with records that cannot be read, which hide nothing but themselves."""

    rows: list[Listed]
    unreadable: list[str]


@dataclass(frozen=True)
class Worktrees:
    """All worktrees, as ``jvs worktree list`` shows them; ``unreadable`` as in Listing."""

    rows: list[dict[str, Any]]
    unreadable: list[str]


@dataclass(frozen=True)
class Report:
    """What people have; ``unreadable`` as in Listing."""

    rows: list[Usage]
    unreadable: list[str]


@dataclass(frozen=True)
class Found:
    """The name or id of what was looked for; None: there is none."""

    found: str | None


@dataclass(frozen=True)
class Measured:
    """What each of several folders takes on disk, in bytes; None where it cannot be read."""

    bytes: list[int | None]


class About(Request):
    """The repository that a question is about."""

    repository: str

    def opened(self) -> Repository:
        """Open it."""
        return Repository(Path(self.repository))


class Who(About):
    """Whose worktree is meant."""

    user: str
    server: str = ""
    identity: str | None = None

    @property
    def person(self) -> Person:
        """The person."""
        return Person(self.user, self.server, self.identity)


class Naming(About):
    """What a snapshot is called; ``HEAD`` is that of ``main``."""

    snapshot: str


class Reporting(About):
    """With ``policy``, what it would give back is told too."""

    measure: bool = False
    policy: dict[str, Any] | None = None


class Collecting(About):
    """A policy, whose words are those of ``Gc.plan``; or a plan to go on with."""

    policy: dict[str, Any] | None = None
    plan_id: str | None = None
    dry_run: bool = False


class Thinning(About):
    """The worktree whose automatic history is thinned out; None: all of them."""

    worktree: str | None = None


class Verifying(About):
    """None: every snapshot and the log."""

    snapshots: list[str] | None = None


class Measuring(Request):
    """Folders to measure."""

    folders: list[str]


def listed(request: About) -> Listing:
    """Return the worktrees of the hub's people."""
    return listing(request.opened())


def listing(repository: Repository) -> Listing:
    """Return the worktrees of the hub's people."""
    unreadable: list[str] = []
    known = by_name(repository, unreadable)
    rows = [Listed(user=user, server=server, **info.to_json()) for (user, server), info in known.items()]
    return Listing(rows, unreadable)


def worktrees(request: About) -> Worktrees:
    """Return all worktrees, whoever's they are."""
    unreadable: list[str] = []
    return Worktrees([info.to_json() for info in request.opened().worktrees.all(unreadable)], unreadable)


def found(request: Who) -> Found:
    """Return the name of a person's worktree, under the present name, that of before, or the listed one."""
    info = find(request.opened(), request.person)
    return Found(None if info is None else info.name)


def resolved(request: Naming) -> Found:
    """Return the id of a snapshot. Raises SnapshotNotFound."""
    return Found(request.opened().resolve(request.snapshot, worktree="main"))


def archived(request: Who) -> Found:
    """Return the snapshot that was archived last of a person."""
    return Found(lifecycle.archived(request.opened(), request.person))


def reported(request: Reporting) -> Report:
    """Return what each of the hub's people has."""
    return report(request.opened(), measure=request.measure, policy=request.policy)


def report(repository: Repository, *, measure: bool, policy: dict[str, Any] | None) -> Report:
    """Return what each of the hub's people has."""
    unreadable: list[str] = []
    rows = list(usage(repository, measure=measure, policy=policy, unreadable=unreadable))
    return Report(rows, unreadable)


def collected(request: Collecting) -> Collected:
    """Plan what a policy does not keep and remove it, or go on with a plan."""
    repository = request.opened()
    if request.plan_id is not None:
        return chores.carry_out(repository, request.plan_id)
    return chores.collected(repository, dry_run=request.dry_run, **(request.policy or {}))


def thinned(request: Thinning) -> Chore:
    """Thin out automatic history."""
    return chores.thin(request.opened(), request.worktree)


def verified(request: Verifying) -> Verified:
    """Verify snapshots, or all of them and the log."""
    return chores.verified(request.opened(), request.snapshots)


def examined(request: About) -> Chore:
    """Look for damage and leftovers."""
    return chores.examine(request.opened())


def measured(request: Measuring) -> Measured:
    """Return what folders take on disk."""
    return Measured([_measured(Path(folder)) for folder in request.folders])


def _measured(folder: Path) -> int | None:
    try:
        return disk_usage(folder)
    except OSError:
        return None


TASKS: dict[str, tuple[type[Request], Callable[[Any], Any]]] = {
    "list": (About, listed),
    "worktrees": (About, worktrees),
    "find": (Who, found),
    "archived": (Who, archived),
    "resolve": (Naming, resolved),
    "report": (Reporting, reported),
    "gc": (Collecting, collected),
    "thin": (Thinning, thinned),
    "verify": (Verifying, verified),
    "doctor": (About, examined),
    "measure": (Measuring, measured),
}
