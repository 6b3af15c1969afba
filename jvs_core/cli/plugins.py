"""Commands of other packages, found by entry point when they are named."""

from __future__ import annotations

from typing import Any, cast

import click
from click import Context, HelpFormatter

from jvs_core.cli.group import CommandLineError, Group

ENTRY_POINTS = "jvs.commands"

# Kept here so that the help and the advice cost no search for entry points: name → extra, line of help.
EXTRAS = {
    "run": ("papermill", "Run commands (and notebooks, with the extra), and record the outcome."),
    "hub": ("hub", "Manage the worktrees of JupyterHub users."),
    "mcp": ("mcp", "Serve one repository to agents."),
}


class PluginGroup(Group):
    """The root: the core's commands, then those that other packages declare."""

    def get_command(self, ctx: Context, cmd_name: str) -> click.Command | None:
        """Return a command of the core, else the one an installed package declares under this name."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        try:
            return _load(cmd_name)
        except CommandLineError:
            if ctx.resilient_parsing:  # completing: what is not installed is completed from nothing
                return None
            raise

    def shell_complete(self, ctx: Context, incomplete: str) -> list[Any]:
        """Complete the commands of the extras too."""
        from click.shell_completion import CompletionItem

        more = [
            CompletionItem(name, help=line)
            for name, (_, line) in EXTRAS.items()
            if name.startswith(incomplete)
        ]
        return [*super().shell_complete(ctx, incomplete), *more]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """List the commands of the extras after the core's."""
        super().format_commands(ctx, formatter)
        with formatter.section("With extras"):
            formatter.write_dl(
                [(name, f"{line} (jvs-workspaces[{extra}])") for name, (extra, line) in EXTRAS.items()]
            )


def _load(name: str) -> click.Command | None:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        try:
            return cast(click.Command, point.load())
        except ModuleNotFoundError as error:
            if name not in EXTRAS or (error.name or "").startswith("jvs_"):
                raise
            raise _not_installed(name) from error
    if name in EXTRAS:
        raise _not_installed(name)
    return None


def _not_installed(name: str) -> CommandLineError:
    extra = EXTRAS[name][0]
    return CommandLineError(
        f"jvs {name} needs the extra {extra!r}", hint=f"pip install 'jvs-workspaces[{extra}]'"
    )
