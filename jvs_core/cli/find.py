"""``jvs find``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import identifier, safe, size
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import FoundFile


@click.command(cls=Command)
@click.argument("pattern")
@click.option("--all", "every", is_flag=True, help="Look in the snapshots of all worktrees.")
@click.option("--deleted", is_flag=True, help="Show only what is not in the worktree now.")
@click.pass_obj
def find(call: Call, pattern: str, every: bool, deleted: bool) -> Outcome:
    """Find files in all snapshots that led to the worktree's present, by a part of their path or a pattern.

    A pattern without "/" is one of the name; "*" and "?" stay in a folder, "**" does not.

    \b
    Example:
      jvs find train
      jvs find '*.ipynb' --deleted
    """
    unreadable: list[str] = []
    found = call.repository().find(
        pattern,
        worktree=call.worktree,
        every=every,
        deleted=deleted,
        unreadable=unreadable,
        progress=call.progress(),
    )
    lines = [line for file in found for line in _lines(file)]
    return Outcome(found, lines, warnings=unreadable, notices=[] if found else ["no file in history matches"])


def _lines(file: FoundFile) -> list[str]:
    state = "" if file.in_worktree else style("  not in the worktree", fg="red")
    beside = " --to NEW" if file.in_worktree else ""
    lines = [f"{safe(file.path)}{state}"]
    if file.last_snapshot_id is not None:
        first, last = file.versions[0], file.versions[-1]
        sizes = size(last.size) if len(file.versions) == 1 else f"{size(first.size)} to {size(last.size)}"
        held = f"{identifier(first.snapshot_id)} to {identifier(file.last_snapshot_id)}"
        lines.append(f"  in {held}, {counted(len(file.versions), 'version')}, {sizes}")
        lines.append(f"  back: {_back(file.last_snapshot_id, file)}{beside}")
    for copy in file.copies:
        lines.append(f"  copy kept at {copy.kept_at}, {size(copy.size)}")
        lines.append(f"  back: {_back(copy.copy_id, file)}")
    return lines


def _back(source: str, file: FoundFile) -> str:
    return safe(f"jvs restore {source} --path {shlex.quote(file.path)}")
