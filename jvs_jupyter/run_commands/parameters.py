"""Parameters on the command line, and the command after ``--``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from click import Context

from jvs_core.cli.group import Command
from jvs_jupyter.runs.values import typed


class WithCommand(Command):
    """A command that takes another one after ``--`` (``command`` in its parameters), and ``-p NAME=VALUE`` too."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the options before ``--``; what follows is the other command, word for word."""
        own, after = (args[: args.index("--")], args[args.index("--") + 1 :]) if "--" in args else (args, [])
        rest = super().parse_args(ctx, _in_pairs(own))
        ctx.params["command"] = tuple(after)
        return rest

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Return the pieces of the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


def typed_all(parameters: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters with their values read as papermill's ``-p`` reads them."""
    return {name: typed(value) for name, value in parameters}


def _in_pairs(args: list[str]) -> list[str]:
    """Return a command line in which each ``-p NAME=VALUE`` is ``-p NAME VALUE``."""
    found: list[str] = []
    at = 0
    while at < len(args):
        name, equals, value = args[at + 1].partition("=") if at + 1 < len(args) else ("", "", "")
        if args[at] == "-p" and equals and name:
            found += ["-p", name, value]
            at += 2
        else:
            found.append(args[at])
            at += 1
    return found
