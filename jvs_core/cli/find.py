"""``jvs find``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Bytes
from jvs_core.cli.text import identifier, safe, size
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import FoundFile


@click.command(cls=Command)
@click.argument("pattern")
@click.option("--all", "every", is_flag=True, help="Search the snapshots of all worktrees.")
@click.option("--deleted", is_flag=True, help="Show only files that are not in the worktree now.")
@click.option(
    "--larger", metavar="SIZE", type=Bytes(), help="Show only files larger than SIZE: 500k, 10M, 1GiB."
)
@click.option("--smaller", metavar="SIZE", type=Bytes(), help="Show only files smaller than SIZE.")
@click.option(
    "--since",
    metavar="TIME",
    help="Show only files made, changed or removed since then: 2026-11-29, yesterday, or 7d for a week ago.",
)
@click.option("--until", metavar="TIME", help="Show only files made, changed or removed until then.")
@click.pass_obj
def find(
    call: Call,
    pattern: str,
    every: bool,
    deleted: bool,
    larger: int | None,
    smaller: int | None,
    since: str | None,
    until: str | None,
) -> Outcome:
    """Find files in the worktree's history by a part of their path or a pattern.

    A pattern without "/" matches the name. "*" and "?" match within a folder, "**" across folders. If one version of
    a file matches the given size and time, all its versions are shown.

    \b
    Example:
      jvs find train
      jvs find '*.ipynb' --deleted --since yesterday
      jvs find '*' --larger 100M
    """
    unreadable: list[str] = []
    found = call.repository().find(
        pattern,
        worktree=call.worktree,
        every=every,
        deleted=deleted,
        larger=larger,
        smaller=smaller,
        since=since,
        until=until,
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
