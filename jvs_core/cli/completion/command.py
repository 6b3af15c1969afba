"""``jvs completion``."""

from __future__ import annotations

import click

from jvs_core.cli.completion import shells
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(shells.SHELLS)))
def completion(shell: str) -> Outcome:
    """Print the script that makes SHELL complete commands, options, snapshots, refs, worktrees and paths in snapshots.

    It reads the repository and never changes anything. Where nothing can be read it offers nothing.

    \b
    Example:
      eval "$(jvs completion bash)"        # also as a line of ~/.bashrc; zsh the same, in ~/.zshrc
      jvs completion fish > ~/.config/fish/completions/jvs.fish
    """
    text = shells.script(shell)
    return Outcome({"shell": shell, "script": text}, text.rstrip("\n").split("\n"))
