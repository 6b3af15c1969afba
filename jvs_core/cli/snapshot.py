"""``jvs snapshot``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Seconds
from jvs_core.cli.text import identifier, safe, size
from jvs_core.errors import InputError
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.payload.copy.captured import Consistency


@click.command(cls=Command)
@click.argument("note", default="")
@click.option(
    "--consistency",
    type=click.Choice(["quiesced", "best_effort"]),
    help="What to do when files change meanwhile: refuse (quiesced, the default), or record and label it.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Give the snapshot a tag; may be repeated.")
@click.option(
    "--lock", is_flag=True, help="Take the lock for this command, unless you hold it, and give it back."
)
@click.option(
    "--wait",
    "wait_s",
    type=Seconds(),
    metavar="SECONDS",
    help="With --lock: wait so long for another holder.",
)
@click.pass_obj
def snapshot(
    call: Call,
    note: str,
    consistency: Consistency | None,
    tags: tuple[str, ...],
    lock: bool,
    wait_s: float | None,
) -> Outcome:
    """Take a snapshot of the whole worktree. Needs the worktree's lock.

    \b
    Example:
      jvs snapshot "before training" --tag baseline --lock
    """
    if wait_s is not None and not lock:
        raise InputError("--wait goes with --lock", hint="jvs snapshot --lock --wait SECONDS")
    repository = call.repository()
    locking = call.locking(repository)
    made = repository.snapshot(
        note,
        worktree=call.worktree,
        tags=tags,
        consistency=consistency or call.consistency,
        cells=call.cells() if call.cells else None,
        lock=lock or locking["lock"],
        wait_s=locking["wait_s"] if wait_s is None else wait_s,
        progress=call.progress(),
    )
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
    return Outcome(made, lines, warnings=made.degraded)
