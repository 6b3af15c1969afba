"""``jvs worktree``."""

from __future__ import annotations

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot, WorktreeName
from jvs_core.cli.text import columns, identifier, safe

_LONGEST_LOOK_S = 60.0


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
@click.option("--empty", is_flag=True, help="Start with nothing: no file, and no history.")
@click.pass_obj
def create(call: Call, name: str, from_: str | None, empty: bool) -> Outcome:
    """Make the worktree NAME from a snapshot, or an empty one.

    \b
    Example:
      jvs worktree create experiment --from baseline
      jvs worktree create another-subject --empty
    """
    made = call.repository().worktrees.create(
        name, from_=from_, empty=empty, worktree=call.worktree, progress=call.progress()
    )
    base = f"from snapshot {identifier(made.base_snapshot_id)}" if made.base_snapshot_id else "empty"
    lines = [f"Created worktree '{made.worktree}' at {safe(made.path)}", f"  {base}"]
    return Outcome(made, lines, warnings=made.degraded)


@worktree.command("list")
@click.option("--status", is_flag=True, help="Also show how many paths of each changed since its head.")
@click.pass_obj
def list_(call: Call, status: bool) -> Outcome:
    """List the worktrees with their heads and locks.

    \b
    Example:
      jvs worktree list
      jvs worktree list --status
    """
    repository = call.repository()
    unreadable: list[str] = []
    found = repository.worktrees.all(
        unreadable, status_within_s=_LONGEST_LOOK_S if status else None, progress=call.progress()
    )
    here = call.worktree or repository.worktree
    rows = [
        (
            style("*", fg="green") if info.name == here else " ",
            safe(info.name),
            identifier(info.head_snapshot_id),
            info.lock_state,
            *([_changed(info.changes)] if status else []),
            *([safe(info.path)] if call.verbose else []),
        )
        for info in found
    ]
    return Outcome(found, columns(rows), warnings=unreadable)


def _changed(changes: int | None) -> str:
    if changes is None:
        return style("not known", fg="red")
    return style(f"{changes:,} changed", fg="yellow") if changes else "clean"


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
    """Rename the worktree OLD to NEW, unless it is locked.

    \b
    Example:
      jvs worktree rename experiment trial-7
    """
    renamed = call.repository().worktrees.rename(old, new)
    return Outcome(renamed, [f"Renamed worktree '{safe(old)}' to '{renamed.name}' at {safe(renamed.path)}"])


@worktree.command()
@click.argument("name", type=WorktreeName())
@click.option(
    "--force",
    is_flag=True,
    help="Remove it even if it has changes; JVS first takes a last snapshot of them. A locked worktree stays.",
)
@click.pass_obj
def remove(call: Call, name: str, force: bool) -> Outcome:
    """Remove the worktree NAME; its snapshots stay.

    The last snapshot that --force takes is pinned for 30 days. jvs restore makes a worktree from it again.

    \b
    Example:
      jvs worktree remove experiment
    """
    done = call.repository().worktrees.remove(name, force=force, progress=call.progress())
    lines = [f"Removed worktree '{safe(name)}'"]
    if done.last_snapshot_id is not None:
        lines.append(f"  last snapshot: {identifier(done.last_snapshot_id)}, kept for 30 days")
    return Outcome(done, lines)
