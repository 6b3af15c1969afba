"""``jvs history``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Bytes, PathInWorktree
from jvs_core.cli.text import first_line, identifier, safe, size
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import HistoryItem


@click.command(cls=Command)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Show only the newest N.")
@click.option("--all", "every", is_flag=True, help="Show the snapshots of all worktrees.")
@click.option("--tag", metavar="TAG", help="Show only snapshots with this tag.")
@click.option(
    "--path",
    metavar="PATH",
    type=PathInWorktree(),
    help="Show only snapshots that changed this file, something in this folder, or a match of this pattern.",
)
@click.option("--grep", metavar="TEXT", help="Show only snapshots with this text in their note.")
@click.option(
    "--since",
    metavar="TIME",
    help="Show only snapshots taken since then: 2026-11-29, yesterday, or 7d for a week ago.",
)
@click.option("--until", metavar="TIME", help="Show only snapshots taken until then.")
@click.option(
    "--larger",
    metavar="SIZE",
    type=Bytes(),
    help="Show only snapshots that changed a file larger than SIZE: 10M, 1GiB.",
)
@click.option(
    "--smaller",
    metavar="SIZE",
    type=Bytes(),
    help="Show only snapshots that changed a file smaller than SIZE.",
)
@click.option("--no-auto", is_flag=True, help="Hide automatic snapshots.")
@click.pass_obj
def history(
    call: Call,
    limit: int | None,
    every: bool,
    tag: str | None,
    path: str | None,
    grep: str | None,
    since: str | None,
    until: str | None,
    larger: int | None,
    smaller: int | None,
    no_auto: bool,
) -> Outcome:
    """List the snapshots that led to the current state of the worktree, newest first.

    A line shows id, time, note, [tags] and (refs). Labels mark best_effort and expired snapshots.

    \b
    Example:
      jvs history --limit 10
      jvs history --all --tag baseline --json
      jvs history --path train.ipynb
      jvs history --path 'data/*.csv' --larger 10M
      jvs history --grep baseline --since 7d
    """
    repository = call.repository()
    unreadable: list[str] = []
    found = repository.history(
        call.worktree,
        limit=limit,
        every=every,
        tag=tag,
        path=path,
        auto=not no_auto,
        grep=grep,
        since=since,
        until=until,
        larger=larger,
        smaller=smaller,
        unreadable=unreadable,
        progress=call.progress(),
    )
    lines = [line for item in found for line in (_line(item), *(_details(item) if call.verbose else ()))]
    warnings = [*unreadable, *repository.refs.broken()]
    return Outcome(found, lines, warnings=warnings, notices=[] if found else ["no snapshots"])


def _line(item: HistoryItem) -> str:
    descriptor = item.descriptor
    parts = [
        identifier(descriptor.snapshot_id),
        descriptor.created_at,
        first_line(descriptor.note),
        style(f"[{', '.join(map(safe, descriptor.tags))}]", fg="cyan") if descriptor.tags else "",
        style(f"({', '.join(map(safe, item.refs))})", fg="green") if item.refs else "",
        style("best_effort", fg="magenta") if descriptor.consistency_level == "best_effort" else "",
        style("expired", fg="red") if item.expired else "",
    ]
    return "  ".join(part for part in parts if part)


def _details(item: HistoryItem) -> list[str]:
    d = item.descriptor
    counts = f"{counted(d.files, 'file')}, {size(d.bytes)}"
    more = [safe(line) for line in d.note.splitlines()[1:]]
    return [
        *(f"    {line}" for line in more),
        f"    {safe(d.worktree)}, {safe(d.holder_id)}, {d.engine}, {counts}",
    ]
