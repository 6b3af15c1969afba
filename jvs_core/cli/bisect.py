"""``jvs bisect``."""

from __future__ import annotations

import shlex
import shutil
import sys

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Snapshot
from jvs_core.cli.text import identifier
from jvs_core.errors import InputError
from jvs_core.results import Bisection, Tried

_ONLY_SKIPPED = 2


@click.group(cls=Group)
def bisect() -> None:
    """Find out which snapshot broke something.

    \b
    Example:
      jvs bisect run baseline HEAD -- python -m pytest -q
    """


@bisect.command()
@click.option(
    "--restart", is_flag=True, help="Try everything again, including what an interrupted search tried."
)
@click.argument("good", metavar="GOOD", type=Snapshot())
@click.argument("bad", metavar="BAD", type=Snapshot())
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.pass_obj
def run(call: Call, restart: bool, good: str, bad: str, command: tuple[str, ...]) -> Outcome:
    """Find the first snapshot after GOOD, up to BAD, for which COMMAND fails.

        For each snapshot that it tries, JVS runs COMMAND in the top folder of a sandbox, and keeps nothing of it. The exit
    status of COMMAND decides: 0 is good, 125 skips this snapshot, other values from 1 to 127 are bad; above 127 the search
    stops. To continue after an interruption, run it again. Exit status: 0 if JVS found the first bad snapshot, 2 if only
    skipped snapshots are left.

    \b
    Example:
      jvs bisect run baseline HEAD -- python -m pytest -q
      jvs bisect run baseline HEAD -- jvs run exec train.ipynb
    """
    from jvs_core.cli.child import run_alone

    call.reads_input = True
    repository = call.repository()
    if "/" not in command[0] and shutil.which(command[0]) is None:
        raise InputError(f"cannot run {command[0]!r}: there is no such command")
    found = repository.bisect(
        good,
        bad,
        lambda box: (
            run_alone(
                command, session=repository.settings.session, folder=box.path, to_stderr=call.json
            ).exit_status
        ),
        what=shlex.join(command),
        afresh=restart,
        worktree=call.worktree,
        on_try=lambda tried, left: None if call.quiet or call.json else _say(tried, left),
        progress=call.progress(),
    )
    if found.refused is not None:
        why = (
            f"COMMAND ended with {found.refused}, a status that is no verdict on a snapshot; the search stops"
        )
        return Outcome(
            found,
            _left(found),
            warnings=[why],
            advice=["to continue, run the same command again"],
            exit_status=found.refused,
        )
    if found.first_bad is None:
        return Outcome(
            found,
            ["Only skipped snapshots are left; the first bad one is one of:", *_left(found)],
            exit_status=_ONLY_SKIPPED,
        )
    shown = repository.show(found.first_bad).descriptor
    lines = [
        f"First bad snapshot: {identifier(found.first_bad)}  {shown.created_at}  {_note(shown.note)}".rstrip()
    ]
    return Outcome(found, lines, advice=[f"jvs compare {shown.parent_snapshot_id} {found.first_bad}"])


def _note(note: str) -> str:
    from jvs_core.cli.text import first_line

    return first_line(note)


def _left(found: Bisection) -> list[str]:
    return [f"  {identifier(snapshot_id)}" for snapshot_id in found.candidates]


def _say(tried: Tried, left: int) -> None:
    if sys.stderr is None:
        return
    how = " (before)" if tried.before else ""
    click.echo(f"{tried.snapshot_id}: {tried.verdict}{how}; about {left} left", err=True)
