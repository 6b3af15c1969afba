"""``jvs annotate``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot, TagOfSnapshot
from jvs_core.cli.text import fields, identifier, safe


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot())
@click.option("--note", metavar="TEXT", help="Set the note.")
@click.option("--add-tag", "add", multiple=True, metavar="TAG", help="Add a tag; may be repeated.")
@click.option(
    "--remove-tag",
    "remove",
    multiple=True,
    type=TagOfSnapshot(),
    metavar="TAG",
    help="Remove a tag; may be repeated.",
)
@click.pass_obj
def annotate(
    call: Call, snapshot: str, note: str | None, add: tuple[str, ...], remove: tuple[str, ...]
) -> Outcome:
    """Edit the note and tags of SNAPSHOT afterwards. Needs no lock.

    The descriptor does not change: the edit is a record of its own, in the audit log.

    \b
    Example:
      jvs annotate HEAD --note "the run that worked" --add-tag good
    """
    made = call.repository().annotate(
        snapshot, note=note, add_tags=add, remove_tags=remove, worktree=call.worktree
    )
    rows = [("Note", "\n".join(map(safe, made.note.splitlines()))), ("Tags", ", ".join(map(safe, made.tags)))]
    return Outcome(
        made,
        [
            f"Annotated snapshot {identifier(made.snapshot_id)}",
            *fields(rows),
        ],
    )
