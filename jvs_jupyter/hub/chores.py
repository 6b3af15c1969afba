"""What an admin does every week in one repository: thin out, verify, look for damage, and take away what was left beside."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jvs_core import JvsError, Repository
from jvs_jupyter.hub.command import WORK_S, Refused, ask
from jvs_jupyter.hub.lifecycle import WAS
from jvs_jupyter.hub.ownership import acts_for

_DAMAGED, _STORAGE = 5, 7
_UNREADABLE = "E_UNSUPPORTED_FILE"
_DAY_S = 86_400
_ROUNDS = 10
_BESIDE = re.compile(r".+-until-([0-9]{8}-[0-9]{6})")


@dataclass(frozen=True)
class Chore:
    """What one chore came to in one repository: a line in words, what is wrong, and the exit status of that."""

    user: str
    done: str
    wrong: list[str]
    exit_status: int
    snapshots: int = 0
    bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Collected:
    """What a collection removed, or would, by its plan, and why each of the others could not be."""

    plan_id: str
    snapshots: list[str]
    bytes: int
    failed: dict[str, str]

    def chore(self, *, dry_run: bool) -> Chore:
        """Return it as a chore."""
        wrong = [f"{snapshot}: {error}" for snapshot, error in self.failed.items()]
        done = "would remove" if dry_run else "removed"
        return Chore("", done, wrong, _STORAGE if wrong else 0, len(self.snapshots), self.bytes)


@dataclass(frozen=True)
class Verified:
    """How many snapshots are whole, what is wrong with others, and which ones this user may not read, each with why."""

    whole: int
    wrong: list[str]
    closed: dict[str, str]

    def chore(self) -> Chore:
        """Return it as a chore; what could not be read is wrong too."""
        wrong = [*self.wrong, *self.closed.values()]
        return Chore("", "verified", wrong, _DAMAGED if wrong else 0, self.whole + len(wrong))


def collect(repository: Repository, *, dry_run: bool, **policy: Any) -> Chore:
    """Plan what a policy does not keep and remove it at once; who works in a worktree is not disturbed."""
    return collected(repository, dry_run=dry_run, **policy).chore(dry_run=dry_run)


def collected(repository: Repository, *, dry_run: bool, **policy: Any) -> Collected:
    """Plan what a policy does not keep and remove it at once, and say what that was."""
    plan = repository.gc.plan(**policy)
    if dry_run or not plan.candidates:
        going = [one.snapshot_id for one in plan.candidates]
        return Collected(plan.plan_id, going, plan.deletable_bytes_estimate, {})
    return carry_out(repository, plan.plan_id)


def carry_out(repository: Repository, plan_id: str) -> Collected:
    """Carry out a plan, or the rest of it."""
    done = repository.gc.run(plan_id)
    failed = {failure.snapshot_id: failure.error for failure in done.failed}
    return Collected(plan_id, done.deleted, done.reclaimed_bytes, failed)


def thin(repository: Repository, worktree: str | None = None, *, rounds: int = _ROUNDS) -> Chore:
    """Thin out the automatic snapshots and kept copies that the configuration no longer keeps, a bounded number of them.

    Those of one worktree, or with None of all.

    That is what a running server does by itself; the next call goes on. Where somebody needs one by now, that round is left
    out.
    """
    removed = freed = 0
    for _ in range(rounds):
        try:
            done = repository.timeline.thin(worktree, every=worktree is None)
        except JvsError as error:
            if error.code != "E_GC_PLAN_MISMATCH":
                raise
            break
        removed += len(done.deleted) + len(done.copies)
        freed += done.reclaimed_bytes
        if not done.more:
            break
    return Chore("", "thinned out", [], 0, removed, freed)


def verify(repository: Repository) -> Chore:
    """Verify every snapshot and the log."""
    return verified(repository, None).chore()


def verified(repository: Repository, snapshots: list[str] | None) -> Verified:
    """Verify the snapshots, or with None every one, and the log."""
    found = repository.verify(every=True) if snapshots is None else repository.verify(snapshots)
    bad = [one for one in found.snapshots if one.severity == "critical"]
    closed = {
        one.snapshot_id: f"{one.code}: {one.message}"
        for one in bad
        if one.code == _UNREADABLE and not one.tamper_detected
    }
    wrong = [f"{one.code}: {one.message}" for one in bad if one.snapshot_id not in closed]
    if found.audit.error is not None:
        wrong.append(found.audit.error)
    if not found.ok and not wrong and not closed:
        wrong.append("jvs verify --all says more")
    return Verified(len(found.snapshots) - len(bad), wrong, closed)


def examine(repository: Repository) -> Chore:
    """Look for what is damaged or was left behind."""
    found = repository.doctor(strict=True)
    wrong = [] if found.healthy else [f"{one.code} {one.target}: {one.message}" for one in found.findings]
    return Chore("", "examined", wrong, 0 if found.healthy else _DAMAGED)


def tidy(repository: Repository, days: int, *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Remove worktrees that a reset left beside more than ``days`` ago, with their owners' rights.

    What is in them is in a snapshot; one with something newer stays. Return the names, and what stays, in words.
    """

    def remove(name: str, folder: Path) -> None:
        owner = acts_for(folder)
        if owner is None:
            repository.worktrees.remove(name)
        else:
            ask(repository.root, "worktree", "remove", "--", name, owner=owner, seconds=WORK_S)

    rows = [info.to_json() for info in repository.worktrees.all([])]
    return removed(rows, days, remove, dry_run=dry_run)


def removed(
    rows: Iterable[dict[str, Any]], days: int, remove: Callable[[str, Path], None], *, dry_run: bool
) -> tuple[list[str], list[str]]:
    """Let ``remove`` remove what of the worktrees a reset left beside for so long; return as ``tidy`` does."""
    gone, failed = [], []
    for row in rows:
        name = row["name"]
        named = _BESIDE.fullmatch(name)
        if WAS not in row.get("labels", {}) or named is None:
            continue
        if time.time() - _seconds(named[1]) <= days * _DAY_S:
            continue
        try:
            if not dry_run:
                remove(name, Path(row["path"]))
            gone.append(name)
        except (JvsError, Refused, OSError) as error:
            failed.append(f"{name}: {error}")
    return gone, failed


def _seconds(date: str) -> float:
    return time.mktime(time.strptime(date, "%Y%m%d-%H%M%S")) - time.timezone
