"""``jvs stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot
from jvs_core.cli.text import columns, first_line, identifier, safe, size
from jvs_core.errors import JvsError
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.repository import Repository
    from jvs_core.results import PathSpace, SnapshotSpace, Stats

_USES = {
    "snapshots": "snapshots",
    "worktrees": "worktrees",
    "kept_copies": "kept copies",
    "trash": "gc's trash",
    "unfinished": "unfinished",
    "records": "records",
}
_SHOWN = 10


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot(), required=False)
@click.option(
    "--by",
    type=click.Choice(["snapshot", "path"]),
    default="snapshot",
    help="List the snapshots that hold most alone, or the paths that take most space.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N", default=_SHOWN, help=f"List the first N ({_SHOWN})."
)
@click.pass_obj
def stats(call: Call, snapshot: str | None, by: str, limit: int) -> Outcome:
    """Show how much space the repository takes, and what removing a snapshot would free.

    The figures are estimates from the sizes and digests of files: equal contents count once. Removing several
    snapshots frees more than each alone, because they share contents. With SNAPSHOT: what that one holds.

    \b
    Example:
      jvs stats
      jvs stats --by path
      jvs stats HEAD~3 --by path
    """
    repository = call.repository()
    found = repository.stats(snapshot, worktree=call.worktree, progress=call.progress())
    lines = (
        _of_repository(repository, found, by, limit)
        if snapshot is None
        else _of_snapshot(repository, found, by, limit)
    )
    return Outcome(found, lines, warnings=found.unreadable)


def _of_repository(repository: Repository, found: Stats, by: str, limit: int) -> list[str]:
    several = counted(len(found.snapshots), "snapshot")
    gone = f", {found.expired:,} more are expired and hold nothing" if found.expired else ""
    remarks = {
        "snapshots": f"{several}, {counted(found.contents, 'different content')} of {size(found.distinct_bytes)}{gone}",
        "worktrees": ", ".join(
            f"{safe(each.worktree)} {size(each.own_bytes)} of {size(each.bytes)}"
            for each in found.worktrees[:_SHOWN]
        )
        + (f", … and {len(found.worktrees) - _SHOWN:,} more" if len(found.worktrees) > _SHOWN else ""),
        "kept_copies": "of deleted and overwritten files",
        "trash": "removed snapshots that gc still deletes",
        "unfinished": "what interrupted snapshots left: jvs doctor",
        "records": "manifests, descriptors, the log",
    }
    rows = [
        (f"  {_USES[use]}", size(count), remarks[use])
        for use, count in found.by_use.items()
        if count or use in ("snapshots", "worktrees", "records")
    ]
    lines = [f"Repository: about {size(found.total_bytes)} in {safe(str(repository.root))}", *columns(rows)]
    return [*lines, "", *(_paths(found, limit) if by == "path" else _snapshots(repository, found, limit))]


def _snapshots(repository: Repository, found: Stats, limit: int) -> list[str]:
    most = sorted(found.snapshots, key=lambda each: -each.unique_bytes)
    rows = [_row(repository, each) for each in most[:limit]]
    return [
        "Deleting one snapshot frees about:",
        *columns(rows),
        *([f"  … and {len(most) - limit:,} more (--limit N, --json)"] if len(most) > limit else []),
    ]


def _row(repository: Repository, each: SnapshotSpace) -> tuple[str, str, str]:
    try:
        note = first_line(repository.show(each.snapshot_id).descriptor.note)
    except JvsError as error:
        note = safe(error.message)
    needed = f"({safe(', '.join(each.needed_for))})" if each.needed_for else ""
    return (
        f"  {identifier(each.snapshot_id)}",
        size(each.unique_bytes),
        "  ".join(filter(None, (note, needed))),
    )


def _paths(found: Stats, limit: int) -> list[str]:
    rows = [
        (f"  {size(each.bytes)}", counted(each.versions, "version"), safe(each.path))
        for each in found.largest[:limit]
    ]
    return ["Paths with all their different contents, largest first:", *columns(rows)]


def _of_snapshot(repository: Repository, found: Stats, by: str, limit: int) -> list[str]:
    (own,) = found.snapshots
    _, freed, remark = _row(repository, own)
    lines = [
        f"Snapshot {identifier(own.snapshot_id)}: {size(found.total_bytes)}, deleting it frees about {freed}",
        f"  {counted(found.contents, 'different content')} of {size(found.distinct_bytes)}",
        *([f"  {remark}"] if remark else []),
    ]
    if by == "path":
        rows = [_of_path(each) for each in found.largest[:limit]]
        lines += ["", "Paths, those with the most bytes that no other snapshot holds first:", *columns(rows)]
    return lines


def _of_path(each: PathSpace) -> tuple[str, str, str]:
    return f"  {size(each.bytes)}", "alone" if each.unique_bytes else "shared", safe(each.path)
