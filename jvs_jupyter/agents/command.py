"""``jvs mcp``."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace

import click

from jvs_core import InputError, Repository
from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_jupyter.agents import server, tools

ALLOW_INPLACE = "--allow-inplace"


@click.command(cls=Command)
@click.option(
    ALLOW_INPLACE,
    is_flag=True,
    help="Also offer restore_inplace, undo and redo, which change files that exist.",
)
@click.pass_obj
def mcp(call: Call, allow_inplace: bool) -> Outcome:
    """Serve this repository to an agent: Model Context Protocol on standard input and output.

    Tools: snapshot, history, find, compare, restore (to a new worktree), sandbox, verify. Each server is a session of its
    own, so that two agents keep each other out, unless JVS_SESSION names one.

    \b
    Example:
      jvs --repo ~/work/myrepo mcp
    """
    if call.json:
        raise InputError("jvs mcp speaks its own protocol; --json is not for it")
    call.reads_input = True
    found = call.repository()
    settings = found.settings
    if not os.environ.get("JVS_SESSION"):
        settings = replace(settings, session=f"mcp-{secrets.token_hex(4)}")
    repository = Repository(found.root, worktree=call.worktree or found.worktree, settings=settings)
    server.serve(
        repository,
        (*tools.SAFE, *(tools.IN_PLACE if allow_inplace else ())),
        withheld={}
        if allow_inplace
        else dict.fromkeys((tool.name for tool in tools.IN_PLACE), ALLOW_INPLACE),
    )
    return Outcome(None)
