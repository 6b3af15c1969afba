"""``jvs show``, ``jvs ls`` and ``jvs cat``: looking into a snapshot."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import PathInSnapshot, Snapshot
from jvs_core.cli.text import columns, fields, identifier, safe, size
from jvs_core.errors import PathNotFound

if TYPE_CHECKING:
    from jvs_core.model import Descriptor
    from jvs_core.operations.snapshot_file import SnapshotFile
    from jvs_core.results import SnapshotDetails, TreeEntry

_TYPE_LETTERS = {"file": "-", "directory": "d", "symlink": "l", "fifo": "p"}


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot())
@click.option("--cells", is_flag=True, help="Show the notebook cells that led to this snapshot.")
@click.pass_obj
def show(call: Call, snapshot: str, cells: bool) -> Outcome:
    """Show one snapshot in full.

    SNAPSHOT is an id or its unique beginning, a ref, HEAD or HEAD~N. tag:NAME is the newest with this tag in the
    worktree's history. @TIME is the newest taken then or before: @2026-11-28T18:00, @2026-11-28, @yesterday, @14:00,
    @2h, @3d, @10min (ago). Times are local.

    \b
    Example:
      jvs show HEAD~1
      jvs show HEAD --cells
    """
    if cells:
        return _cells(call, snapshot)
    repository = call.repository()
    found = repository.show(snapshot, worktree=call.worktree)
    return Outcome(found, _description(found), warnings=repository.refs.broken())


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot())
@click.argument("path", default="", type=PathInSnapshot())
@click.option("-r", "--recursive", is_flag=True, help="List everything below.")
@click.pass_obj
def ls(call: Call, snapshot: str, path: str, recursive: bool) -> Outcome:
    """List the folder PATH of a snapshot, or its top folder.

    PATH starts at the worktree's top folder; ./PATH starts at the current folder.

    \b
    Example:
      jvs ls HEAD data
    """
    found = call.repository().ls(snapshot, path, worktree=call.worktree, recursive=recursive)
    return Outcome(found, columns([_row(entry) for entry in found]))


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot())
@click.argument("path", type=PathInSnapshot())
@click.pass_obj
def cat(call: Call, snapshot: str, path: str) -> Outcome:
    """Print the bytes of a file of a snapshot.

    PATH starts at the worktree's top folder; ./PATH starts at the current folder. With --json the bytes are in the
    field content_base64. If the file is damaged, the command fails and does not print all of it.

    \b
    Example:
      jvs cat HEAD~1 results.csv > before.csv
    """
    stream = call.repository().open_file(snapshot, path, worktree=call.worktree)
    return Outcome(FileContent(path, stream), stream=stream)


@dataclass(frozen=True)
class ExecutedCells:
    """The notebook of executed cells that a kernel kept with a snapshot."""

    snapshot_id: str
    notebook: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the notebook."""
        return self.notebook


@dataclass(frozen=True)
class FileContent:
    """A file of a snapshot, open for reading once."""

    path: str
    stream: SnapshotFile

    def to_json(self) -> dict[str, Any]:
        """Read the file to its end, close it and return it whole."""
        with self.stream as stream:
            content = stream.read()
        return {
            "path": self.path,
            "size": len(content),
            "sha256": self.stream.sha256,
            "content_base64": base64.b64encode(content).decode(),
        }


def _cells(call: Call, snapshot: str) -> Outcome:
    repository = call.repository()
    snapshot_id = repository.resolve(snapshot, worktree=call.worktree)
    kept = repository.cells.read(snapshot_id)
    if kept is None:
        raise PathNotFound(
            f"JVS kept no executed cells with snapshot {snapshot_id}",
            hint="JVS keeps them if you take the snapshot in a notebook: %jvs snapshot",
        )
    notebook = _untrusted(json.loads(kept))
    return Outcome(ExecutedCells(snapshot_id, notebook), _cell_lines(notebook))


def _untrusted(notebook: dict[str, Any]) -> dict[str, Any]:
    """Take out what the notebook says of its own trust, which is for the reader's Jupyter to say."""
    for part in (notebook, *notebook["cells"]):
        part.get("metadata", {}).pop("trusted", None)
    return notebook


def _cell_lines(notebook: dict[str, Any]) -> Iterator[str]:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield style(f"In [{cell['execution_count'] or ' '}]:", fg="green")
        yield from map(safe, "".join(cell["source"]).splitlines())
        yield ""


def _description(found: SnapshotDetails) -> list[str]:
    d = found.descriptor
    engine = (
        d.engine
        if d.requested_engine in (d.engine, "auto")
        else f"{d.engine} (asked for {safe(d.requested_engine)})"
    )
    rows = [
        ("Note", "\n".join(map(safe, d.note.splitlines()))),
        ("Created", d.created_at),
        *_edited(d),
        ("Tags", ", ".join(map(safe, d.tags))),
        ("Refs", ", ".join(map(safe, found.refs))),
        ("Worktree", safe(d.worktree)),
        ("Parent", d.parent_snapshot_id or "(none)"),
        ("By", safe(d.holder_id)),
        ("Files", f"{d.files:,}"),
        ("Size", size(d.bytes)),
        ("Engine", safe(engine)),
        ("Consistency", d.consistency_level),
        ("Integrity", d.integrity_state),
        ("Root hash", f"{d.payload_root_hash.algo} {d.payload_root_hash.value}"),
        ("Path", safe(found.path)),
    ]
    expired = style("  expired: its files are gone", fg="red")
    return [
        f"Snapshot {identifier(d.snapshot_id)}",
        *fields(rows),
        *(f"  Not kept: {safe(loss)}" for loss in d.degraded),
        *([expired] if found.expired else []),
    ]


def _edited(descriptor: Descriptor) -> Iterator[tuple[str, str]]:
    edits = getattr(descriptor, "annotations", ())
    if edits:
        yield "Edited", "\n".join(f"{edit.created_at} by {safe(edit.created_by)}" for edit in edits)


def _row(entry: TreeEntry) -> tuple[str, ...]:
    name = safe(entry.path)
    if entry.type == "directory":
        name = style(name + "/", fg="blue", bold=True)
    elif entry.target is not None:
        name = f"{style(name, fg='cyan')} -> {safe(entry.target)}"
    return _TYPE_LETTERS[entry.type] + entry.mode, f"{entry.size:>12,}", entry.mtime[:19] + "Z", name
