"""``jvs hub gc``, ``thin``, ``verify``, ``doctor`` and ``tidy``: for cron, so quiet where all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jvs_core import Repository
from jvs_core.cli.call import Call
from jvs_core.cli.gc import policy_options
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import columns, safe, size
from jvs_core.wording import counted
from jvs_jupyter.hub import chores, cli_everybody, shelf, team_chores
from jvs_jupyter.hub.chores import Chore, Collected, Verified
from jvs_jupyter.hub.cli_people import homes_option, team_of
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.looking import About, Collecting, Thinning, Verifying
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.team import Team

_MOST_STATUS = 255
_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would happen.")


@click.command(cls=Command)
@policy_options
@homes_option
@_dry_run
@click.pass_obj
def gc(call: Call, /, homes: Path | None, dry_run: bool, **policy: Any) -> Outcome:
    """Remove the snapshots that a policy does not keep, in all homes. Servers may run.

    Prints nothing if all is well; -v names each home, --json has everything. Heads, refs and pins always stay.

    \b
    Example:
      jvs hub gc --homes /srv/homes --keep-daily 7 --keep-weekly 4
    """

    def one(repository: Repository) -> Chore:
        return chores.collect(repository, dry_run=dry_run, **policy)

    def of_team(team: Team) -> Chore:
        return team_chores.collect(team, dry_run=dry_run, **policy)

    def asked(home: str) -> Collecting:
        return Collecting(repository=home, policy=policy, dry_run=dry_run)

    def read(done: Collected) -> Chore:
        return done.chore(dry_run=dry_run)

    found = cli_everybody.chore(call, homes, one, of_team, ("gc", asked, Collected, read))
    return _told(call, *found, shown=dry_run)


@click.command(cls=Command)
@homes_option
@click.pass_obj
def thin(call: Call, homes: Path | None) -> Outcome:
    """Thin out the automatic history of all users, including what stopped servers left.

    Each run removes a limited number of snapshots and kept copies of each user, with their rights; the next run goes
    on. [timeline] in config.toml, or JVS_TIMELINE, says what stays. Prints nothing if all is well.

    \b
    Example:
      jvs hub thin --homes /srv/homes
    """
    asked = ("thin", lambda home: Thinning(repository=home), Chore, lambda done: done)
    return _told(call, *cli_everybody.chore(call, homes, chores.thin, team_chores.thin, asked))


@click.command(cls=Command)
@homes_option
@click.pass_obj
def verify(call: Call, homes: Path | None) -> Outcome:
    """Verify every snapshot of all users. Prints nothing if all is well; see the exit status.

    \b
    Example:
      jvs hub verify --homes /srv/homes
    """
    asked = ("verify", lambda home: Verifying(repository=home), Verified, Verified.chore)
    return _told(call, *cli_everybody.chore(call, homes, chores.verify, team_chores.verify, asked))


@click.command(cls=Command)
@homes_option
@click.pass_obj
def doctor(call: Call, homes: Path | None) -> Outcome:
    """Find damage and leftovers in all homes. Prints nothing if all is well; see the exit status.

    \b
    Example:
      jvs hub doctor --homes /srv/homes
    """
    asked = ("doctor", lambda home: About(repository=home), Chore, lambda done: done)
    return _told(call, *cli_everybody.chore(call, homes, chores.examine, team_chores.examine, asked))


@click.command(cls=Command)
@homes_option
@click.option(
    "--days",
    type=click.IntRange(min=1),
    required=True,
    help="Remove what was archived or set aside longer ago than this.",
)
@_dry_run
@click.pass_obj
def tidy(call: Call, homes: Path | None, days: int, dry_run: bool) -> Outcome:
    """Remove archived homes, what resets set aside, and what a crash left unfinished.

    \b
    Example:
      jvs hub tidy --homes /srv/homes --days 30
    """
    if homes is not None:
        gone, failed = shelf.remove_old(homes, days, dry_run=dry_run)
    elif (team := team_of(call)) is not None:
        gone, failed = team_chores.tidy(team, days, dry_run=dry_run)
    else:
        gone, failed = chores.tidy(call.repository(), days, dry_run=dry_run)
    lines = [f"{'would remove' if dry_run else 'removed'} {safe(name)}" for name in gone]
    return Outcome(
        {"removed": gone, "failed": failed},
        lines,
        warnings=[safe(one) for one in failed],
        exit_status=4 if failed else 0,
    )


def _told(
    call: Call, rows: list[Chore], failed: list[tuple[Person, Refused]], *, shown: bool = False
) -> Outcome:
    told = [f"{safe(user.user)}: {safe(refused.message)}" for user, refused in failed]
    told += [
        f"{safe(row.user)}: {safe(wrong)}" if row.user else safe(wrong) for row in rows for wrong in row.wrong
    ]
    statuses = [row.exit_status for row in rows] + [refused.exit_status for _, refused in failed]
    lines = [
        (safe(row.user), row.done, counted(row.snapshots, "snapshot"), size(row.bytes))
        for row in rows
        if (row.snapshots if shown else call.verbose)
    ]
    worst = max((one if 0 <= one <= _MOST_STATUS else 1 for one in statuses), default=0)  # a row is input
    return Outcome(rows, columns(lines), warnings=told, exit_status=worst)
