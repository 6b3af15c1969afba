"""``jvs worktree``."""

from __future__ import annotations

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot, WorktreeName
from jvs_core.cli.text import columns, identifier, safe


@click.group(cls=Group)
def worktree() -> None:
    """Make, list, rename and remove worktrees.

    \b
    Example:
      jvs worktree create experiment --from baseline
    """


@worktree.command()
@click.argument("name")
@click.option(
    "--from", "from_", metavar="SNAPSHOT", type=Snapshot(), help="Start from this snapshot (default: HEAD)."
)
@click.pass_obj
def create(call: Call, name: str, from_: str | None) -> Outcome:
    """Make the worktree NAME from a snapshot.

    \b
    Example:
      jvs worktree create experiment --from baseline
    """
    made = call.repository().worktrees.create(
        name, from_=from_, worktree=call.worktree, progress=call.progress()
    )
    base = f"from snapshot {identifier(made.base_snapshot_id)}" if made.base_snapshot_id else "empty"
    lines = [f"Created worktree '{made.worktree}' at {safe(made.path)}", f"  {base}"]
    return Outcome(made, lines, warnings=made.degraded)


@worktree.command("list")
@click.pass_obj
def list_(call: Call) -> Outcome:
    """List the worktrees with their heads and locks.

    \b
    Example:
      jvs worktree list
    """
    repository = call.repository()
    unreadable: list[str] = []
    found = repository.worktrees.all(unreadable)
    here = call.worktree or repository.worktree
    rows = [
        (
            style("*", fg="green") if info.name == here else " ",
            safe(info.name),
            identifier(info.head_snapshot_id),
            info.lock_state,
            *([safe(info.path)] if call.verbose else []),
        )
        for info in found
    ]
    return Outcome(found, columns(rows), warnings=unreadable)


@worktree.command()
@click.argument("name", required=False, type=WorktreeName())
@click.pass_obj
def path(call: Call, name: str | None) -> Outcome:
    """Print the absolute path of the worktree NAME, or of the current one.

    \b
    Example:
      cd "$(jvs worktree path experiment)"
    """
    repository = call.repository()
    name = call.worktree or repository.worktree if name is None else name
    found = str(repository.worktrees.path(name))
    return Outcome({"worktree": name, "path": found}, [safe(found)], exact=found)


@worktree.command()
@click.argument("old", type=WorktreeName())
@click.argument("new")
@click.pass_obj
def rename(call: Call, old: str, new: str) -> Outcome:
    """Give the worktree OLD the name NEW. A locked one is refused.

    \b
    Example:
      jvs worktree rename experiment trial-7
    """
    renamed = call.repository().worktrees.rename(old, new)
    return Outcome(renamed, [f"Renamed worktree '{safe(old)}' to '{renamed.name}' at {safe(renamed.path)}"])


@worktree.command()
@click.argument("name", type=WorktreeName())
@click.option(
    "--force", is_flag=True, help="Also with changes that no snapshot holds. A lock is still respected."
)
@click.pass_obj
def remove(call: Call, name: str, force: bool) -> Outcome:
    """Remove the worktree NAME; its snapshots stay.

    \b
    Example:
      jvs worktree remove experiment
    """
    call.repository().worktrees.remove(name, force=force, progress=call.progress())
    return Outcome({"worktree": name, "removed": True}, [f"Removed worktree '{safe(name)}'"])
