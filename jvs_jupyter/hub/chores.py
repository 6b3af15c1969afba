"""What an admin does every week in one repository: thin out, verify, look for damage, and take away what was left beside."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from jvs_core import JvsError, Repository
from jvs_jupyter.hub.command import WORK_S, Refused, ask
from jvs_jupyter.hub.lifecycle import WAS
from jvs_jupyter.hub.ownership import acts_for

_DAMAGED, _STORAGE = 5, 7
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


T = TypeVar("T")


def read_chore(row: dict[str, Any]) -> Chore:
    """Return the row that another process printed. Raises ValueError where it is not one."""
    return TypeAdapter(Chore).validate_json(json.dumps(row), strict=True)


def collect(repository: Repository, *, dry_run: bool, **policy: Any) -> Chore:
    """Plan what a policy does not keep and remove it at once; who works in a worktree is not disturbed."""
    plan = repository.gc.plan(**policy)
    if dry_run or not plan.candidates:
        freed = plan.deletable_bytes_estimate
        return Chore("", "would remove" if dry_run else "removed", [], 0, plan.candidate_count, freed)
    done = repository.gc.run(plan.plan_id)
    wrong = [f"{failure.snapshot_id}: {failure.error}" for failure in done.failed]
    return Chore("", "removed", wrong, _STORAGE if wrong else 0, len(done.deleted), done.reclaimed_bytes)


def thin(repository: Repository, rounds: int = _ROUNDS) -> Chore:
    """Thin out the automatic snapshots and kept copies that the configuration no longer keeps, a bounded number of them.

    That is what a running server does by itself; the next call goes on. Where somebody needs one by now, that round is left
    out.
    """
    removed = freed = 0
    for _ in range(rounds):
        try:
            done = repository.timeline.thin(every=True)
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
    found = repository.verify(every=True)
    wrong = [
        f"{one.code}: {one.message}" for one in found.snapshots if one.code and one.severity == "critical"
    ]
    if found.audit.error is not None:
        wrong.append(found.audit.error)
    if not found.ok and not wrong:
        wrong.append("jvs verify --all says more")
    return Chore("", "verified", wrong, 0 if found.ok else _DAMAGED, len(found.snapshots))


def examine(repository: Repository) -> Chore:
    """Look for what is damaged or was left behind."""
    found = repository.doctor(strict=True)
    wrong = [] if found.healthy else [f"{one.code} {one.target}: {one.message}" for one in found.findings]
    return Chore("", "examined", wrong, 0 if found.healthy else _DAMAGED)


def tidy(repository: Repository, days: int, *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Remove worktrees that a reset left beside more than ``days`` ago, with their owners' rights.

    What is in them is in a snapshot; one with something newer stays. Return the names, and what stays, in words.
    """
    gone, failed = [], []
    for info in repository.worktrees.all():
        named = _BESIDE.fullmatch(info.name)
        if WAS not in info.labels or named is None:
            continue
        if time.time() - _seconds(named[1]) <= days * _DAY_S:
            continue
        try:
            if not dry_run:
                _remove(repository, info.name, Path(info.path))
            gone.append(info.name)
        except (JvsError, Refused) as error:
            failed.append(f"{info.name}: {error}")
    return gone, failed


def _remove(repository: Repository, name: str, folder: Path) -> None:
    owner = acts_for(folder)
    if owner is None:
        repository.worktrees.remove(name)
    else:
        ask(repository.root, "worktree", "remove", "--", name, owner=owner, seconds=WORK_S)


def _seconds(date: str) -> float:
    return time.mktime(time.strptime(date, "%Y%m%d-%H%M%S")) - time.timezone
