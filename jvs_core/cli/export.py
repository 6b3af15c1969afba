"""``jvs export``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import PathInSnapshot, Snapshot
from jvs_core.cli.text import identifier, safe, size
from jvs_core.errors import InputError
from jvs_core.wording import counted


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot())
@click.argument("path", default="", type=PathInSnapshot())
@click.option(
    "-o",
    "--output",
    "output",
    required=True,
    metavar="FILE",
    type=click.Path(),
    help="Where to: FILE.tar.zst, FILE.tar.gz, FILE.tar, FILE.zip, or a new folder.",
)
@click.option(
    "--with-proof",
    is_flag=True,
    help="Add what jvs verify --export needs to check it: manifest, descriptor, log and a checkpoint.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(),
    help="With --with-proof: sign the checkpoint with this private key.",
)
@click.pass_obj
def export(call: Call, snapshot: str, path: str, output: str, with_proof: bool, key: str | None) -> Outcome:
    """Write a snapshot, or PATH in it, to a file or folder for somebody without JVS.

    JVS checks every byte against the manifest while it writes, and overwrites nothing. If the format cannot hold something, JVS names it. With --with-proof the file also contains the log from this snapshot on, which names people, worktrees
    and notes.

    \b
    Example:
      jvs export HEAD -o paper.tar.zst
      jvs export baseline data -o data.zip --with-proof
    """
    if key is not None and not with_proof:
        raise InputError(
            "--key needs --with-proof: it signs the checkpoint of the proof", hint="add --with-proof"
        )
    repository = call.repository()
    snapshot_id = repository.resolve(snapshot, worktree=call.worktree)
    made = repository.export(
        snapshot_id,
        output,
        path=path,
        with_proof=with_proof,
        key=key,
        progress=call.progress(),
    )
    what = f"{safe(path)} of " if path else ""
    return Outcome(
        made,
        [
            f"Exported {what}snapshot {identifier(snapshot_id)} to {safe(made.path)}",
            f"  {counted(made.files, 'file')}, {size(made.bytes)}; sha256 {made.sha256}",
        ],
        warnings=made.degraded,
        advice=[f"check it with: jvs verify --export {safe(made.path)}"] if with_proof else [],
    )
