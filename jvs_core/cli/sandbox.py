"""``jvs sandbox``."""

from __future__ import annotations

import shutil

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot
from jvs_core.errors import InputError


@click.group(cls=Group)
def sandbox() -> None:
    """Run a command in a temporary worktree; a snapshot of its result stays.

    \b
    Example:
      jvs sandbox run --from baseline -- python try.py
    """


@sandbox.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--from",
    "from_",
    metavar="SNAPSHOT",
    type=Snapshot(),
    default="HEAD",
    show_default=True,
    help="The snapshot to start from.",
)
@click.option("--keep", is_flag=True, help="Keep the worktree afterwards.")
@click.option("--note", default="", metavar="TEXT", help="The note of the snapshot at the end.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Tag that snapshot; may be repeated.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.pass_obj
def run(
    call: Call, from_: str, keep: bool, note: str, tags: tuple[str, ...], command: tuple[str, ...]
) -> Outcome:
    """Run COMMAND in a fresh worktree, take a snapshot of its result, and return its exit status.

    JVS holds the worktree's lock; JVS commands inside COMMAND use it. Afterwards JVS removes the worktree and ends
    everything that COMMAND started; the snapshot stays. With --json the output of COMMAND goes to stderr.

    \b
    Example:
      jvs sandbox run --from baseline -- python train.py
    """
    from jvs_core.cli.child import run_alone

    call.reads_input = True
    repository = call.repository()
    if "/" not in command[0] and shutil.which(command[0]) is None:
        raise InputError(f"cannot run {command[0]!r}: there is no such command")
    with repository.sandbox(
        from_, keep=keep, note=note, tags=tags, worktree=call.worktree, progress=call.progress()
    ) as box:
        ended = run_alone(command, session=repository.settings.session, folder=box.path, to_stderr=call.json)
    value = {
        "worktree": box.worktree,
        "path": str(box.path),
        "base_snapshot_id": box.base_snapshot_id,
        "snapshot_id": box.snapshot_id,
        "exit_status": ended.exit_status,
        "kept": box.keep,
    }
    notices = [f"Created snapshot {box.snapshot_id}"]
    if ended.behind:
        notices.append(f"Ended what {command[0]} left running: {', '.join(dict.fromkeys(ended.behind))}")
    if box.keep:
        notices.append(f"Kept {box.path}")
    return Outcome(value, notices=notices, exit_status=ended.exit_status)
