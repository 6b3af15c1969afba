"""``jvs clone`` and ``jvs import``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import fields, identifier, safe
from jvs_core.errors import InputError, NameInvalid
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import ImportedSnapshot, RefusedSnapshot

_INTEGRITY = 5


@click.command(cls=Command)
@click.argument("source")
@click.argument("name")
@click.option(
    "--only",
    metavar="SNAPSHOT",
    multiple=True,
    help="Clone only this snapshot; may be repeated. Of its ancestors, clone only the records, without files.",
)
@click.option("--same-id", is_flag=True, help="Keep the identity and the log, to move the repository.")
@click.pass_obj
def clone(call: Call, source: str, name: str, only: tuple[str, ...], same_id: bool) -> Outcome:
    """Clone the repository SOURCE to NAME, in any place or file system of this machine.

    JVS copies each distinct file once and checks it on arrival. To continue a stopped clone, run the same command
    again.

    \b
    Example:
      jvs clone myrepo /mnt/big/myrepo
      jvs clone myrepo paper --only baseline --only HEAD
      jvs clone /old-disk/myrepo /new-disk/myrepo --same-id
    """
    _require_place(call, "clone", name)
    from jvs_core.repository import Repository

    made = Repository.clone(source, name, only=only, same_id=same_id, progress=call.progress())
    rows = [
        ("Id", made.repo_id + (" (that of the source)" if same_id else "")),
        ("Snapshots", f"{made.snapshots:,}"),
    ]
    notices = [
        f"worktree {safe(each)} has changes that are in no snapshot; the clone does not have them"
        for each in made.unsaved
    ]
    advice = [f"next: jvs --repo {safe(made.repo_root)} verify --all"]
    if same_id:
        advice.append(f"then remove {safe(source)}: do not work in two repositories with the same identity")
    return Outcome(
        made,
        [f"Cloned {safe(source)} to {safe(made.repo_root)}", *fields(rows), *_refused(made.refused)],
        warnings=[*map(safe, made.degraded)],
        notices=notices,
        advice=advice,
        exit_status=_INTEGRITY if made.refused else 0,
    )


@click.command(cls=Command, name="import")
@click.argument("path")
@click.argument("name")
@click.pass_obj
def import_(call: Call, path: str, name: str) -> Outcome:
    """Import the repository of JVS 0.1.0, or of JVS in Go (v6.5 to v8.2), at PATH as NAME. PATH does not change.

    Snapshots keep their notes, tags, times and lineage. The new repository also has the refs and worktrees, and from JVS
    0.1.0 also pins, runs and undo. JVS checks each payload against its own hash, and names those that it cannot check.

    \b
    Example:
      jvs import ~/old-repository myrepo
    """
    _require_place(call, "import", name)
    from jvs_core.repository import Repository

    made = Repository.import_old(path, name, progress=call.progress())
    lines = [f"{identifier(each.snapshot_id)}  {_came(each)}" for each in made.imported]
    return Outcome(
        made,
        [
            f"Imported {counted(len(made.imported), 'snapshot')} to {safe(made.repo_root)}",
            *lines,
            *_refused(made.refused),
        ],
        warnings=[*map(safe, made.degraded)],
        advice=[f"next: jvs --repo {safe(made.repo_root)} history"],
        exit_status=_INTEGRITY if made.refused else 0,
    )


def _came(snapshot: ImportedSnapshot) -> str:
    """Return how a snapshot came, in words."""
    said = "OK" if snapshot.checked else f"NOT CHECKED  {snapshot.unchecked}"
    if snapshot.partial_paths:
        said += f"  (partial: {safe(', '.join(snapshot.partial_paths))})"
    return said


def _require_place(call: Call, command: str, name: str) -> None:
    if call.repo is not None or call.worktree is not None:
        raise InputError(f"{command} makes a new repository: leave out --repo and --worktree")
    if name in ("", ".", "..") or name.endswith(("/", "/.", "/..")):
        raise NameInvalid(
            f"{name!r} cannot be the name of a new repository",
            hint=f"jvs {command} … FOLDER/NAME makes NAME in FOLDER",
        )


def _refused(refused: Sequence[RefusedSnapshot]) -> list[str]:
    """Return a line for each snapshot that did not come, and how many."""
    if not refused:
        return []
    lines = [
        f"{identifier(each.snapshot_id)}  REFUSED  {each.code}  {safe(each.message)}" for each in refused
    ]
    return [f"{counted(len(refused), 'snapshot')} could not be taken over:", *lines]
