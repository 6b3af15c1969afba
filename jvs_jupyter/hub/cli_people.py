"""Whom a command of ``jvs hub`` is for, and the repository that it works on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from jvs_core import InputError, Repository, Settings
from jvs_core.cli.call import Call
from jvs_core.cli.text import safe
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.people import from_file, from_hub, require_plain
from jvs_jupyter.hub.provision import Provided, shown
from jvs_jupyter.hub.team import Team

F = TypeVar("F", bound=Callable[..., Any])


def _heed_input(ctx: click.Context, _param: click.Parameter, path: str | None) -> str | None:
    if path in ("-", "/dev/stdin"):
        ctx.ensure_object(Call).reads_input = True
    return path


homes_option = click.option(
    "--homes",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="A folder with one repository for each user (jvs_homes); JVS works in each with its owner's rights.",
)
server = click.option(
    "--server", default="", metavar="NAME", help="With names: their named server, not the default one."
)
identity = click.option(
    "--identity",
    metavar="ID",
    help="With a name: the identity that the hub gave this user, and never gives to anybody else.",
)


def people_options(command: F) -> F:
    """Add the options that say who a command is for."""
    for option in (
        click.option(
            "--as", "admin", metavar="NAME", help="The name for the audit log (default: the system user)."
        ),
        click.option("--dry-run", is_flag=True, help="Only show what would happen."),
        click.option("--group", metavar="NAME", help="With --from-hub: only this group's users."),
        click.option(
            "--from-hub",
            is_flag=True,
            help="All users of the hub. Needs JUPYTERHUB_API_URL and JUPYTERHUB_API_TOKEN.",
        ),
        click.option(
            "--users",
            metavar="FILE",
            callback=_heed_input,
            help="A file with one user on each line, and a named server after a tab; - reads stdin.",
        ),
    ):
        command = option(command)
    return command


def without_account(outcomes: Iterable[Provided]) -> list[str]:
    """Return a warning for each user whose worktree stays root's, since the system has nobody of that name."""
    if os.geteuid() != 0:
        return []
    users = dict.fromkeys(one.person.user for one in outcomes if one.action in ("created", "would_create"))
    return [
        f"{safe(user)}: there is no system user with that name, so the worktree belongs to root and {safe(user)}'s server refuses it: "
        "run useradd, then jvs hub reset"
        for user in users
        if Owner.to_become(user) is None
    ]


def team_of(call: Call, admin: str | None = None) -> Team | None:
    """Return the call's repository where root works in it without reading it; None: it is opened."""
    try:
        place = Path(os.path.realpath(call.repo or os.getcwd()))
    except OSError:
        return None
    return Team.around(place, admin)


def opened(call: Call, admin: str | None = None) -> Repository:
    """Return the call's repository, opened as ``admin`` where one is named. Raises InputError where root is not to read it."""
    team = team_of(call)
    if team is not None:
        raise InputError(
            f"others can write to the repository {team.root}: homes need a template that only root can write",
            hint="jvs init it without --shared",
        )
    repository = call.repository()
    if admin is None:
        return repository
    settings: Settings = replace(repository.settings, user=shown(admin))
    return Repository(repository.root, worktree=repository.worktree, settings=settings)


def chosen(users: str | None, everybody: bool, group: str | None, people: Iterable[Person]) -> list[Person]:
    """Return the people that a command was asked for, in one way of three. Raises InputError."""
    named = list(people)
    for person in named:
        require_plain(person)
    if (users is not None) + everybody + bool(named) != 1:
        raise InputError(
            "give the users: names, --users FILE, or --from-hub", hint="jvs hub provision --users FILE"
        )
    if group is not None and not everybody:
        raise InputError("--group needs --from-hub")
    return named or (list(from_hub(group)) if users is None else from_file(users))
