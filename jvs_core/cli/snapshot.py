"""``jvs snapshot``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import taking_lock
from jvs_core.cli.text import identifier, safe, size
from jvs_core.errors import InputError
from jvs_core.results.browse import Unchanged
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.model import Descriptor
    from jvs_core.payload.copy.captured import Consistency
    from jvs_core.repository import Repository


@click.command(cls=Command)
@click.argument("note", required=False)
@click.option("-m", "message", metavar="NOTE", help="The note of the snapshot, as in git.")
@click.option(
    "--if-changed",
    is_flag=True,
    help="Take no snapshot if nothing changed since the newest one. Caches and changed times do not count.",
)
@click.option(
    "--consistency",
    type=click.Choice(["quiesced", "best_effort"]),
    help="If files change during the snapshot: refuse (quiesced, the default), or record and label them (best_effort).",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Give the snapshot a tag; may be repeated.")
@taking_lock
@click.pass_obj
def snapshot(
    call: Call,
    note: str | None,
    message: str | None,
    if_changed: bool,
    consistency: Consistency | None,
    tags: tuple[str, ...],
    lock: bool,
    wait_s: float | None,
) -> Outcome:
    """Take a snapshot of the whole worktree. Needs the worktree's lock.

    \b
    Example:
      jvs snapshot "before training" --tag baseline --lock
      jvs snapshot --if-changed -m "every hour" --lock
    """
    if note is not None and message is not None:
        raise InputError("you gave the note twice", hint="jvs snapshot NOTE, or: jvs snapshot -m NOTE")
    repository = call.repository()
    take = repository.snapshot_if_changed if if_changed else repository.snapshot
    made = take(
        note or message or "",
        worktree=call.worktree,
        tags=tags,
        consistency=consistency or call.consistency,
        cells=call.cells() if call.cells else None,
        **call.locking(repository, lock=lock, wait_s=wait_s),
        progress=call.progress(),
    )
    if made is None:
        return _unchanged(repository, call.worktree)
    label = "" if made.consistency_level == "quiesced" else f", {made.consistency_level}"
    lines = [
        f"Created snapshot {identifier(made.snapshot_id)}",
        f"  {counted(made.files, 'file')}, {size(made.bytes)}, worktree {safe(made.worktree)}, engine {made.engine}{label}",
    ]
    if call.verbose:
        lines += [
            f"  root hash {made.payload_root_hash.value}",
            f"  parent {made.parent_snapshot_id or '(none)'}",
        ]
    return Outcome(made, lines, warnings=made.degraded, advice=_advice(call, repository, made))


def _advice(call: Call, repository: Repository, made: Descriptor) -> list[str]:
    """Return what to do about a first snapshot of which most lies in caches; nothing was excluded from it."""
    if made.parent_snapshot_id is not None or made.excluded or call.quiet or call.json or not _seen():
        return []
    share = repository.caches(made.snapshot_id)
    if 2 * share.files <= share.all_files and 2 * share.bytes <= share.all_bytes:
        return []
    return [
        f"{share.files:,} of {counted(share.all_files, 'file')} ({size(share.bytes)}) are in caches (.venv, __pycache__, …)",
        "to leave them out of the next snapshots, write this into .jvs/config.toml: [exclude] caches = true",
    ]


def _seen() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _unchanged(repository: Repository, worktree: str | None) -> Outcome:
    head = repository.worktrees.get(worktree or repository.worktree).head_snapshot_id
    since = f"nothing changed since {identifier(head)}" if head else "the worktree is empty"
    return Outcome(Unchanged(head_snapshot_id=head), [f"No snapshot made: {since}"])
