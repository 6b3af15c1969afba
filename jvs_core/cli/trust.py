"""``jvs trust``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import columns, safe
from jvs_core.errors import InputError


@click.command(cls=Command)
@click.argument("path", required=False)
@click.option("--list", "shown", is_flag=True, help="List the repositories that you trust.")
@click.option("--remove", metavar="PATH", help="Stop trusting the repository at PATH.")
@click.pass_obj
def trust(call: Call, path: str | None, shown: bool, remove: str | None) -> Outcome:
    """Trust the repository at PATH, which belongs to another user, until its owner changes.

    Commands work in your own repositories and in root's. They work in other users' repositories only if you trust
    them. The list is in your configuration folder.

    \b
    Example:
      jvs trust /srv/teams/genome
      jvs trust --list
      jvs trust --remove /srv/teams/genome
    """
    if call.repo is not None or call.worktree is not None:
        raise InputError("name the repository as PATH: leave out --repo and --worktree")
    if (path is not None) + shown + (remove is not None) != 1:
        raise InputError("give one of PATH, --list or --remove PATH", hint="jvs trust --help")
    if "" in (path, remove):
        raise InputError("the path is empty", hint="name the folder that holds .jvs")
    from jvs_core.control import trust as register

    if path is not None:
        made = register.trust(path)
        return Outcome(made, [f"Trusted {safe(made.path)} of {safe(register.owner_name(made.uid))}"])
    if remove is not None:
        gone = register.distrust(remove)
        if not gone:
            raise InputError(f"{remove} is not on the list", hint="jvs trust --list")
        return Outcome(gone, [f"You no longer trust {safe(one.path)}" for one in gone])
    found = register.trusted()
    rows = [(safe(one.path), safe(register.owner_name(one.uid))) for one in found]
    return Outcome(found, columns(rows), notices=[] if found else ["you trust no repository of another user"])
