"""``jvs completion``."""

from __future__ import annotations

import click

from jvs_core.cli.completion import shells
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(shells.SHELLS)))
def completion(shell: str) -> Outcome:
    """Print a script that completes commands, options, snapshots, refs and paths in SHELL.

    It reads the repository and never changes anything. If it can read nothing, it offers nothing.

    \b
    Example:
      eval "$(jvs completion bash)"        # also as a line of ~/.bashrc; zsh the same, in ~/.zshrc
      jvs completion fish > ~/.config/fish/completions/jvs.fish
    """
    text = shells.script(shell)
    return Outcome({"shell": shell, "script": text}, text.rstrip("\n").split("\n"))
