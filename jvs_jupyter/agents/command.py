"""``jvs mcp``."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import Any

import click

from jvs_core import InputError, Repository
from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_jupyter.agents import server, tools
from jvs_jupyter.agents.calls import Calls

ALLOW_INPLACE = "--allow-inplace"
TOKEN = "JVS_MCP_TOKEN"


@click.command(cls=Command)
@click.option(
    ALLOW_INPLACE,
    is_flag=True,
    help="Also offer restore_inplace, undo and redo, which change existing files.",
)
@click.option(
    "--http",
    "port",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    help="Serve streamable HTTP on 127.0.0.1 instead; 0 takes a free port.",
)
@click.pass_obj
def mcp(call: Call, allow_inplace: bool, port: int | None) -> Outcome:
    """Serve this repository to an agent: Model Context Protocol on standard input and output.

    Tools: status, history, find, show, ls, read, compare, verify, worktree_list, snapshot, restore (to a new worktree, or one path to a place
    where nothing is), worktree_remove, sandbox. Files of snapshots are resources:
    jvs://SNAPSHOT/PATH. Each server is a separate session, so two agents cannot use the same
    lock, unless JVS_SESSION names one session for both.

    With --http every request must carry the token, as Authorization: Bearer TOKEN. Set the token with JVS_MCP_TOKEN. Otherwise JVS makes a
    new one and shows it once on stderr.

    \b
    Example:
      jvs --repo ~/work/myrepo mcp
      JVS_MCP_TOKEN="$(openssl rand -hex 32)" jvs mcp --http 8765
    """
    if call.json:
        raise InputError("leave out --json: jvs mcp has its own protocol")
    call.reads_input = port is None
    found = call.repository()
    settings = found.settings
    if not os.environ.get("JVS_SESSION"):
        settings = replace(settings, session=f"mcp-{secrets.token_hex(4)}")
    repository = Repository(found.root, worktree=call.worktree or found.worktree, settings=settings)
    calls = Calls()
    built = server.build(
        repository,
        (*tools.SAFE, *(tools.IN_PLACE if allow_inplace else ())),
        calls,
        withheld={}
        if allow_inplace
        else dict.fromkeys((tool.name for tool in tools.IN_PLACE), ALLOW_INPLACE),
    )
    try:
        if port is None:
            server.serve(built)
        else:
            _serve_http(built, port)
    finally:
        calls.finish()
    return Outcome(None)


def _serve_http(built: Any, port: int) -> None:
    from jvs_jupyter.agents import http

    given = os.environ.pop(TOKEN, None)  # commands in sandboxes need not know it
    token = given or secrets.token_hex(32)

    def ready(address: str) -> None:
        click.echo(f"jvs mcp: {address}" + ("" if given else f"\n  token: {token}"), err=True)

    http.serve(built, port=port, token=token, ready=ready)
