"""``jvs hub``: what an admin does to the worktrees of a JupyterHub's users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from jvs_core import InputError, Repository, WorktreeInfo
from jvs_core.cli.call import Call
from jvs_core.cli.gc import policy_options
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot
from jvs_core.cli.text import safe, size
from jvs_core.wording import counted
from jvs_jupyter.hub import all_homes, cli_chores, cli_everybody, cli_outcomes, cli_people, lifecycle
from jvs_jupyter.hub.lifecycle import Changed
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.provision import Provided, find, nobody, provide, provide_all
from jvs_jupyter.hub.report import Usage, age, totals


@click.group(cls=Group)
def hub() -> None:
    """Manage the worktrees of the users of a JupyterHub.

    \b
    Example:
      jvs hub provision --users students.txt --template template-1
    """


_homes = cli_people.homes_option
for _chore in (cli_chores.gc, cli_chores.thin, cli_chores.verify, cli_chores.doctor, cli_chores.tidy):
    hub.add_command(_chore)


@hub.command()
@cli_people.people_options
@_homes
@click.option("--was", metavar="NAME", help="With --identity: the earlier name of the named server.")
@click.option("--user", metavar="NAME", help="One user; a pod runs this before its server starts.")
@click.option("--server", default="", metavar="NAME", help="With --user: a named server.")
@cli_people.identity
@click.option("--private", is_flag=True, help="With --user: close the worktree to all other users.")
@click.option(
    "--template", metavar="REF", type=Snapshot(), help="The snapshot to start from (default: main's head)."
)
@click.pass_obj
def provision(
    call: Call,
    /,
    user: str | None,
    server: str,
    identity: str | None,
    private: bool,
    users: str | None,
    from_hub: bool,
    group: str | None,
    dry_run: bool,
    admin: str | None,
    template: str | None,
    homes: Path | None,
    was: str | None,
) -> Outcome:
    """Make the missing worktrees, one clone each. Users who have one keep it.

    \b
    Example:
      jvs hub provision --users students.txt --template template-1
    """
    outcomes: list[Provided]
    team = None if homes is not None else cli_people.team_of(call, admin)
    if team is not None:
        if identity is not None or private:
            raise InputError("if others can write to the repository, root can provision only by name")
        named = () if user is None else (Person(user, server),)
        people = cli_people.chosen(users, from_hub, group, named)
        return _provided(team.provide(people, template=template, dry_run=dry_run))
    repository = cli_people.opened(call, admin)
    if user is not None and identity is not None and homes is not None and not dry_run:
        outcomes = [all_homes.provide_known(homes, repository, Person(user, "", identity), template=template)]
    elif user is not None and (identity is not None or private) and not dry_run:
        person = Person(user, server, identity)
        former = None if was is None else find(repository, replace(person, server=was))
        if former is not None:
            lifecycle.hand_over(repository, former, person)
        outcomes = [provide(repository, person, template=template, private=private)]
    else:
        named = () if user is None else (Person(user, server),)
        people = cli_people.chosen(users, from_hub, group, named)
        if homes is not None:
            outcomes = list(all_homes.provide(homes, repository, people, template=template, dry_run=dry_run))
        else:
            outcomes = list(provide_all(repository, people, template=template, dry_run=dry_run))
    return _provided(outcomes)


def _provided(provided: Iterable[Provided]) -> Outcome:
    outcomes = list(provided)
    made = cli_outcomes.outcome(
        outcomes, [(one.action, one.person, one.worktree or "", one.failure) for one in outcomes]
    )
    return replace(made, warnings=[*made.warnings, *cli_people.without_account(outcomes)])


@hub.command("list")
@_homes
@click.pass_obj
def list_(call: Call, homes: Path | None) -> Outcome:
    """List the users' worktrees.

    \b
    Example:
      jvs hub list
    """
    found, failed, unreadable = cli_everybody.listing(call, homes)
    found.sort(key=lambda row: (row.user, row.server))
    rows = [(safe(row.user), safe(row.server), row.name, row.lock_state) for row in found]
    return cli_outcomes.listing(found, rows, failed, unreadable)


@hub.command()
@click.argument("names", nargs=-1, metavar="[USER]...")
@cli_people.people_options
@_homes
@click.option(
    "--template", metavar="REF", type=Snapshot(), help="The snapshot to start from (default: main's head)."
)
@cli_people.server
@cli_people.identity
@click.pass_obj
def reset(
    call: Call,
    /,
    names: tuple[str, ...],
    server: str,
    identity: str | None,
    users: str | None,
    from_hub: bool,
    group: str | None,
    dry_run: bool,
    admin: str | None,
    template: str | None,
    homes: Path | None,
) -> Outcome:
    """Give users a fresh worktree from the template; the old one stays beside it.

    \b
    Example:
      jvs hub reset alice bob --template template-2
    """
    people = cli_people.chosen(users, from_hub, group, [Person(name, server, identity) for name in names])
    if homes is not None:
        repository = cli_people.opened(call, admin)
        return cli_outcomes.changes(
            all_homes.reset(homes, repository, people, template=template, dry_run=dry_run)
        )

    team = cli_people.team_of(call, admin)
    if team is not None:
        return cli_outcomes.changes(team.reset(people, template=template, dry_run=dry_run))

    def change(repository: Repository, person: Person, info: WorktreeInfo) -> Changed:
        return lifecycle.reset(repository, person, info, template=template, dry_run=dry_run)

    return cli_outcomes.changed(call, admin, people, change)


@hub.command()
@click.argument("names", nargs=-1, metavar="[USER]...")
@cli_people.people_options
@_homes
@cli_people.server
@cli_people.identity
@click.option(
    "--days",
    type=click.IntRange(min=1),
    help="Days for which you can restore them (default: 30); homes stay until somebody deletes them.",
)
@click.pass_obj
def archive(
    call: Call,
    /,
    names: tuple[str, ...],
    users: str | None,
    from_hub: bool,
    group: str | None,
    dry_run: bool,
    admin: str | None,
    server: str,
    identity: str | None,
    days: int | None,
    homes: Path | None,
) -> Outcome:
    """Archive the worktrees of users who left, after a last snapshot that is pinned.

    \b
    Example:
      jvs hub archive alice --days 90
    """
    people = cli_people.chosen(users, from_hub, group, [Person(name, server, identity) for name in names])
    if homes is not None:
        if days is not None or server:
            raise InputError(
                "JVS archives a whole home, and keeps it until somebody deletes it: leave out --days and --server"
            )
        return cli_outcomes.changes(all_homes.archive(homes, people, dry_run=dry_run))

    wanted = 30 if days is None else days
    team = cli_people.team_of(call, admin)
    if team is not None:
        return cli_outcomes.changes(team.archive(people, days=wanted, dry_run=dry_run))

    def change(repository: Repository, person: Person, info: WorktreeInfo) -> Changed:
        return lifecycle.archive(repository, person, info, days=wanted, dry_run=dry_run)

    def gone(repository: Repository, person: Person) -> Changed:
        saved = lifecycle.archived(repository, person)
        if saved is None:
            raise nobody(person)
        return Changed(person, "unchanged", None, saved)

    return cli_outcomes.changed(call, admin, people, change, gone=gone)


@hub.command("put-back")
@click.argument("names", nargs=-1, metavar="[USER]...")
@cli_people.people_options
@_homes
@cli_people.server
@click.pass_obj
def put_back(
    call: Call,
    /,
    names: tuple[str, ...],
    users: str | None,
    from_hub: bool,
    group: str | None,
    dry_run: bool,
    admin: str | None,
    server: str,
    homes: Path | None,
) -> Outcome:
    """Give users back what was archived last, even if they are new to the hub. What they have stays.

    \b
    Example:
      jvs hub put-back alice
    """
    people = cli_people.chosen(users, from_hub, group, [Person(name, server) for name in names])
    if homes is not None:
        return cli_outcomes.changes(all_homes.put_back(homes, people, dry_run=dry_run))

    team = cli_people.team_of(call, admin)
    if team is not None:
        return cli_outcomes.changes(team.put_back(people, dry_run=dry_run))

    def change(repository: Repository, person: Person, info: WorktreeInfo) -> Changed:
        return lifecycle.put_back(repository, person, info, dry_run=dry_run)

    def fresh(repository: Repository, person: Person) -> Changed:
        return lifecycle.put_back(repository, person, None, dry_run=dry_run)

    return cli_outcomes.changed(call, admin, people, change, gone=fresh)


@hub.command()
@policy_options
@click.option("--measure", is_flag=True, help="Walk every worktree and show what it takes on disk.")
@_homes
@click.pass_obj
def report(call: Call, /, measure: bool, homes: Path | None, **policy: Any) -> Outcome:
    """Show the size, last snapshot and lock of each user; with a policy, what it would free.

    Sizes are those of the last snapshot unless measured.

    \b
    Example:
      jvs hub report --measure --keep-daily 7 --keep-weekly 4
    """
    wanted = policy if any(policy.values()) else None
    found, failed, unreadable = cli_everybody.report(call, homes, measure=measure, policy=wanted)
    found.sort(key=lambda row: (row.user, row.server))
    rows = [
        (
            safe(row.user),
            safe(row.server),
            counted(row.files, "file"),
            size(row.bytes if row.disk_bytes is None else row.disk_bytes),
            age(row.last_snapshot_at) if row.own_snapshot else "template",
            safe(row.holder or row.lock_state),
            _room(row),
            "" if row.would_remove is None else f"{counted(row.would_remove, 'snapshot')} would be removed",
        )
        for row in found
    ]
    return cli_outcomes.listing(found, rows, failed, unreadable, totals(found))


def _room(row: Usage) -> str:
    if row.left_bytes is None:
        return ""
    return f"{size(row.left_bytes)} left{f' of {size(row.quota_bytes)}' if row.quota_bytes else ''}"


@hub.command()
@_homes
@click.pass_obj
def serve(call: Call, homes: Path | None) -> Outcome:
    """Serve the page for admins; the hub starts it as a service.

    \b
    Example:
      jvs --repo /srv/jvs/team hub serve
    """
    import asyncio

    from jvs_jupyter.hub.service import serve as run

    team = cli_people.team_of(call)
    asyncio.run(run(call.repository().root if team is None else team.root, homes))
    return Outcome(None)
