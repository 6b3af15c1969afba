"""``jvs run``: recorded runs of notebooks and commands. What a command needs is imported when it is named."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group, Lazy
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RunName
from jvs_jupyter.run_commands.described import described

_ROOM = "jvs_jupyter.run_commands"


@click.group(
    cls=Group,
    lazy={
        "exec": Lazy(f"{_ROOM}.execution:exec_", "Run a notebook or a command."),
        "list": Lazy(f"{_ROOM}.listing:list_", "List the runs: filtered, sorted, as a table."),
        "compare": Lazy(f"{_ROOM}.comparison:compare", "Show how two runs differ."),
        "reproduce": Lazy(f"{_ROOM}.reproduction:reproduce", "Run again and compare every file."),
        "sweep": Lazy(f"{_ROOM}.sweep:sweep", "Run every point of a grid."),
        "export": Lazy(f"{_ROOM}.exporting:export", "Write runs to an RO-Crate, with a proof."),
        "name": Lazy(f"{_ROOM}.listing:name", "Give a run a name."),
        "note": Lazy(f"{_ROOM}.listing:note", "Write a note into the record of a run."),
        "cancel": Lazy(f"{_ROOM}.listing:cancel", "Stop a running run."),
        "remove": Lazy(f"{_ROOM}.listing:remove", "Remove the records of runs."),
    },
)
def run() -> None:
    """Run notebooks and commands between two snapshots, and record the outcome.

    \b
    Example:
      jvs run exec train.ipynb -p alpha 0.1
      jvs run exec -- python train.py
    """


@run.command()
@click.argument("run_id", metavar="RUN", type=RunName())
@click.pass_obj
def show(call: Call, run_id: str) -> Outcome:
    """Show one run in full.

    \b
    Example:
      jvs run show 1a2b3c4d
    """
    runs = call.repository().runs
    found = runs.seen(runs.get(run_id))
    return Outcome(found, described(found), warnings=list(runs.gone(found).values()))
