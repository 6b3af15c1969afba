"""``jvs ref``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RefName, Snapshot
from jvs_core.cli.text import columns, first_line, identifier, safe


@click.group(cls=Group)
def ref() -> None:
    """Name snapshots: a ref never moves, and gc keeps its snapshot.

    \b
    Example:
      jvs ref create baseline HEAD
    """


@ref.command()
@click.argument("name")
@click.argument("snapshot", type=Snapshot())
@click.option("--note", metavar="TEXT", default="", help="A note on its purpose.")
@click.pass_obj
def create(call: Call, name: str, snapshot: str, note: str) -> Outcome:
    """Create the ref NAME for SNAPSHOT.

    \b
    Example:
      jvs ref create baseline HEAD --note "as published"
    """
    made = call.repository().refs.create(name, snapshot, note=note, worktree=call.worktree)
    return Outcome(made, [f"Created ref '{made.name}' for snapshot {identifier(made.snapshot_id)}"])


@ref.command("list")
@click.pass_obj
def list_(call: Call) -> Outcome:
    """List the refs by name.

    \b
    Example:
      jvs ref list --json
    """
    found = call.repository().refs.all()
    rows = [
        (safe(ref.name), identifier(ref.snapshot_id), ref.created_at, first_line(ref.note)) for ref in found
    ]
    return Outcome(found, columns(rows), notices=[] if found else ["no refs"])


@ref.command()
@click.argument("name", type=RefName())
@click.pass_obj
def delete(call: Call, name: str) -> Outcome:
    """Delete the ref NAME; its snapshot stays.

    \b
    Example:
      jvs ref delete baseline
    """
    gone = call.repository().refs.delete(name)
    return Outcome(gone, [f"Deleted ref '{gone.name}'"], notices=[f"it named snapshot {gone.snapshot_id}"])
