"""What a command of ``jvs hub`` asks about everybody: in one repository, in a team's, or in all homes of a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from jvs_core import Repository
from jvs_core.cli.call import Call
from jvs_jupyter.hub import looking
from jvs_jupyter.hub.chores import Chore
from jvs_jupyter.hub.cli_people import team_of
from jvs_jupyter.hub.command import ANSWER_S, WORK_S, Refused
from jvs_jupyter.hub.looking import About, Listed, Listing, Report, Reporting
from jvs_jupyter.hub.making import Request
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.report import Usage
from jvs_jupyter.hub.roster import ask_all
from jvs_jupyter.hub.team import Team

T = TypeVar("T")
Refusals = list[tuple[Person, Refused]]


def listing(call: Call, homes: Path | None) -> tuple[list[Listed], Refusals, list[str]]:
    """Return everybody's worktrees, who could not be asked, and what cannot be read. Raises Refused."""
    if homes is None:
        team = team_of(call)
        found = looking.listing(call.repository()) if team is None else team.listing()
        return found.rows, [], found.unreadable
    rows, failed, unreadable = [], [], []
    for user, answer in ask_all(homes, "list", lambda home: About(repository=home), Listing):
        if isinstance(answer, Refused):
            failed.append((user, answer))
            continue
        rows += [row.model_copy(update={"user": user.user}) for row in answer.rows]
        unreadable += [f"{user.user}: {one}" for one in answer.unreadable]
    return rows, failed, unreadable


def report(
    call: Call, homes: Path | None, *, measure: bool, policy: dict[str, Any] | None
) -> tuple[list[Usage], Refusals, list[str]]:
    """Return what everybody has, who could not be asked, and what cannot be read. Raises Refused."""
    if homes is None:
        team = team_of(call)
        if team is None:
            found = looking.report(call.repository(), measure=measure, policy=policy)
        else:
            found = team.report(measure=measure, policy=policy)
        return found.rows, [], found.unreadable

    def asked(home: str) -> Reporting:
        return Reporting(repository=home, measure=measure, policy=policy)

    rows, failed, unreadable = [], [], []
    seconds = WORK_S if measure or policy else ANSWER_S
    for user, answer in ask_all(homes, "report", asked, Report, seconds=seconds):
        if isinstance(answer, Refused):
            failed.append((user, answer))
            continue
        rows += [replace(row, user=user.user) for row in answer.rows]
        unreadable += [f"{user.user}: {one}" for one in answer.unreadable]
    return rows, failed, unreadable


def chore(
    call: Call,
    homes: Path | None,
    one: Callable[[Repository], Chore],
    of_team: Callable[[Team], Chore],
    asked: tuple[str, Callable[[str], Request], type[T], Callable[[T], Chore]],
) -> tuple[list[Chore], Refusals]:
    """Do a chore in one repository, in a team's, or by a task in every home; return what each came to. Raises Refused."""
    if homes is None:
        team = team_of(call)
        return [one(call.repository()) if team is None else of_team(team)], []
    task, request, shape, read = asked
    rows, failed = [], []
    for user, answer in ask_all(homes, task, request, shape, seconds=WORK_S):
        if isinstance(answer, Refused):
            failed.append((user, answer))
        else:
            rows.append(replace(read(answer), user=user.user))
    return rows, failed
