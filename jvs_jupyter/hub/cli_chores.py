"""``jvs hub gc``, ``thin``, ``verify``, ``doctor`` and ``tidy``: for cron, so quiet where all is well."""

from __future__ import annotations

from collections.abc import Callable
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
from jvs_jupyter.hub import chores, shelf
from jvs_jupyter.hub.chores import Chore
from jvs_jupyter.hub.cli_people import homes_option
from jvs_jupyter.hub.command import WORK_S, Refused
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.roster import ask_all

_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.command(cls=Command)
@policy_options
@homes_option
@_dry_run
@click.pass_obj
def gc(call: Call, /, homes: Path | None, dry_run: bool, **policy: Any) -> Outcome:
    """Remove the snapshots that a policy does not keep, everywhere and at once; running servers need not stop.

    Says nothing where nothing is wrong; -v names each, --json has all. Heads, refs and pins always stay.

    \b
    Example:
      jvs hub gc --homes /srv/homes --keep-daily 7 --keep-weekly 4
    """
    words = [
        f"--{name.replace('_', '-')}={one}"
        for name, value in policy.items()
        for one in (value if isinstance(value, tuple) else () if value is None else (value,))
    ]

    def one(repository: Repository) -> Chore:
        return chores.collect(repository, dry_run=dry_run, **policy)

    return _everywhere(call, homes, one, "gc", *words, *(["--dry-run"] if dry_run else []), shown=dry_run)


@click.command(cls=Command)
@homes_option
@click.pass_obj
def thin(call: Call, homes: Path | None) -> Outcome:
    """Thin out the automatic history of everybody, as a running server does; what stopped ones left goes with it.

    A bounded number of snapshots and kept copies each, with their owner's rights; the next run goes on. What stays is in
    the words of [timeline] in config.toml, or of JVS_TIMELINE. Says nothing where nothing is wrong.

    \b
    Example:
      jvs hub thin --homes /srv/homes
    """
    return _everywhere(call, homes, chores.thin, "thin")


@click.command(cls=Command)
@homes_option
@click.pass_obj
def verify(call: Call, homes: Path | None) -> Outcome:
    """Verify every snapshot of everybody. Says nothing where nothing is damaged; the exit status tells.

    \b
    Example:
      jvs hub verify --homes /srv/homes
    """
    return _everywhere(call, homes, chores.verify, "verify")


@click.command(cls=Command)
@homes_option
@click.pass_obj
def doctor(call: Call, homes: Path | None) -> Outcome:
    """Look for damage and leftovers everywhere. Says nothing where there is none; the exit status tells.

    \b
    Example:
      jvs hub doctor --homes /srv/homes
    """
    return _everywhere(call, homes, chores.examine, "doctor")


@click.command(cls=Command)
@homes_option
@click.option(
    "--days", type=click.IntRange(min=1), required=True, help="What is put away or beside for longer goes."
)
@_dry_run
@click.pass_obj
def tidy(call: Call, homes: Path | None, days: int, dry_run: bool) -> Outcome:
    """Remove archived homes, what resets left beside, and what a crash left unfinished.

    \b
    Example:
      jvs hub tidy --homes /srv/homes --days 30
    """
    if homes is not None:
        gone, failed = shelf.remove_old(homes, days, dry_run=dry_run)
    else:
        gone, failed = chores.tidy(call.repository(), days, dry_run=dry_run)
    lines = [f"{'would remove' if dry_run else 'removed'} {safe(name)}" for name in gone]
    return Outcome(
        {"removed": gone, "failed": failed},
        lines,
        warnings=[safe(one) for one in failed],
        exit_status=4 if failed else 0,
    )


def _everywhere(
    call: Call, homes: Path | None, one: Callable[[Repository], Chore], *command: str, shown: bool = False
) -> Outcome:
    failed: list[tuple[Person, Refused]] = []
    if homes is None:
        rows = [one(call.repository())]
    else:
        rows, failed = ask_all(homes, chores.read_chore, *command, seconds=WORK_S)
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
    return Outcome(rows, columns(lines), warnings=told, exit_status=max(statuses, default=0))
