"""``jvs status`` and ``jvs compare``."""

from __future__ import annotations

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot
from jvs_core.cli.text import change_count, change_lines, fields, identifier, safe
from jvs_core.results import Unfinished
from jvs_core.wording import counted


@click.command(cls=Command)
@click.pass_obj
def status(call: Call) -> Outcome:
    """Show how the worktree differs from its newest snapshot.

    "+" is new, "~" differs, "-" is gone.

    \b
    Example:
      jvs status
    """
    found = call.repository().status(call.worktree, progress=call.progress())
    lines = [
        f"On worktree {safe(found.worktree)}",
        *fields(
            [
                ("Path", safe(found.path)),
                ("Head", identifier(found.head_snapshot_id)),
                ("Lock", found.lock_state),
            ]
        ),
    ]
    if found.unfinished is not None:
        lines += _unfinished(found.unfinished)
    if found.clean:
        lines.append(style("clean: nothing changed since the head", fg="green"))
    else:
        lines += [f"{change_count(found)}:", *change_lines(found)]
    return Outcome(found, lines)


def _unfinished(found: Unfinished) -> list[str]:
    """Say that a restore stands unfinished, how far it came, and which command goes on."""
    what = "in-place restore" if found.operation == "restore" else found.operation
    reached = f"to {identifier(found.snapshot_id)}"
    if found.total is not None:
        reached += f", {found.restored:,} of {counted(found.total, 'path')} restored"
    if found.under_way:
        return [style(f"Under way: {what} {reached}, by {safe(found.holder_id)}", fg="yellow")]
    go_on = "jvs doctor --repair finish_restore" + ("" if found.own else f" (by {safe(found.holder_id)})")
    other = "jvs undo goes back then" if found.own else "jvs doctor --repair set_aside gives it up"
    return [
        style(f"Unfinished: {what} {reached}; begun by {safe(found.holder_id)}", fg="yellow"),
        f"  {go_on} completes it; {other}",
    ]


@click.command(cls=Command)
@click.argument("before", metavar="A", type=Snapshot())
@click.argument("after", metavar="[B]", required=False, type=Snapshot())
@click.pass_obj
def compare(call: Call, before: str, after: str | None) -> Outcome:
    """List what changed from snapshot A to snapshot B, or to the worktree as it is.

    "+" is new, "~" differs, "-" is gone.

    \b
    Example:
      jvs compare HEAD~1 HEAD
      jvs compare baseline
    """
    found = call.repository().compare(before, after, worktree=call.worktree, progress=call.progress())
    return Outcome(
        found, list(change_lines(found)), notices=[f"{found.from_} to {found.to}: {change_count(found)}"]
    )
