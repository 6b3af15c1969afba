"""The weekly chores in a team's repository: each snapshot is read and removed with the rights of who took it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from jvs_core import JvsError
from jvs_jupyter.hub import chores
from jvs_jupyter.hub.chores import Chore, Collected, Verified
from jvs_jupyter.hub.command import WORK_S, Refused, as_refused, ask, no_answer, work
from jvs_jupyter.hub.looking import About, Collecting, Thinning, Verifying, Worktrees
from jvs_jupyter.hub.making import SNAPSHOT, Emptied, Emptying
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.team import Team

T = TypeVar("T")
_DAMAGED = 5


def collect(team: Team, *, dry_run: bool, **policy: Any) -> Chore:
    """Remove what a policy does not keep: the steward decides and logs it, owners empty what is theirs. Raises Refused."""
    root = str(team.root)
    done = _asked(team, "gc", Collecting(repository=root, policy=policy, dry_run=dry_run), Collected)
    if done.failed and not dry_run:
        for owner, snapshots in _by_owner(team, "gc/trash", list(done.failed)).items():
            emptying = Emptying(repository=root, snapshots=snapshots)
            work(team.root, "empty", emptying, Emptied, owner=owner, seconds=WORK_S)
        again = _asked(team, "gc", Collecting(repository=root, plan_id=done.plan_id), Collected)
        done = replace(again, bytes=done.bytes + again.bytes)
    return done.chore(dry_run=dry_run)


def thin(team: Team) -> Chore:
    """Thin out the automatic history of each worktree with its owner's rights. Raises Refused."""
    found = _asked(team, "worktrees", About(repository=str(team.root)), Worktrees)
    wrong, removed, freed, status = list(found.unreadable), 0, 0, _DAMAGED * bool(found.unreadable)
    for row in found.rows:
        name = str(row.get("name"))
        if name == "main":
            continue
        asked = Thinning(repository=str(team.root), worktree=name)
        try:
            owner = team.owner_of(name)
            done = work(team.root, "thin", asked, Chore, owner=owner, actor=team.actor, seconds=WORK_S)
        except (JvsError, OSError) as error:
            wrong.append(f"{name}: {error}")
            status = max(status, as_refused(error).exit_status)
            continue
        wrong += done.wrong
        removed, freed, status = removed + done.snapshots, freed + done.bytes, max(status, done.exit_status)
    return Chore("", "thinned out", wrong, status, removed, freed)


def verify(team: Team) -> Chore:
    """Verify every snapshot and the log: the steward what all may read, owners what is theirs. Raises Refused."""
    found = _asked(team, "verify", Verifying(repository=str(team.root)), Verified)
    whole, wrong, closed = found.whole, list(found.wrong), dict(found.closed)
    for owner, snapshots in _by_owner(team, "snapshots", list(closed)).items():
        asked = Verifying(repository=str(team.root), snapshots=snapshots)
        try:
            theirs = work(team.root, "verify", asked, Verified, owner=owner, seconds=WORK_S)
        except Refused as refused:
            wrong.append(f"uid {owner.uid}: {refused.message}")
            continue
        whole += theirs.whole
        wrong += [one for one in theirs.wrong if one not in wrong]
        for snapshot in snapshots:
            closed.pop(snapshot)
        closed |= {snapshot: why for snapshot, why in theirs.closed.items() if snapshot in snapshots}
    return Verified(whole, wrong, closed).chore()


def examine(team: Team) -> Chore:
    """Look for damage and leftovers, as far as the group can see them. Raises Refused."""
    return _asked(team, "doctor", About(repository=str(team.root)), Chore)


def tidy(team: Team, days: int, *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Remove what resets left beside, as ``chores.tidy`` does. Raises Refused."""
    found = _asked(team, "worktrees", About(repository=str(team.root)), Worktrees)

    def remove(name: str, _folder: Path) -> None:
        owner = team.owner_of(name)
        ask(team.root, "worktree", "remove", "--", name, owner=owner, actor=team.actor, seconds=WORK_S)

    try:
        gone, failed = chores.removed(found.rows, days, remove, dry_run=dry_run)
    except (TypeError, LookupError, AttributeError):
        raise no_answer(str(team.root)) from None
    return gone, [*found.unreadable, *failed]


def _asked(team: Team, task: str, request: BaseModel, shape: type[T]) -> T:
    return work(team.root, task, request, shape, actor=team.actor, seconds=WORK_S)


def _by_owner(team: Team, folder: str, snapshots: list[str]) -> dict[Owner, list[str]]:
    """Return the snapshots in a folder of ``.jvs`` by the members whose they are, as the folders' status has it."""
    found: dict[Owner, list[str]] = {}
    for snapshot in snapshots:
        if not SNAPSHOT.fullmatch(snapshot):
            raise no_answer(str(team.root))
        try:
            uid = (team.root / ".jvs" / folder / snapshot).lstat().st_uid
        except OSError:
            continue
        owner = team.member(uid)
        if owner is not None and uid != team.steward.uid:
            found.setdefault(owner, []).append(snapshot)
    return found
