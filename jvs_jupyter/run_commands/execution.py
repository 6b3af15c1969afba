"""``jvs run exec``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from jvs_core import InputError
from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Seconds, Snapshot
from jvs_jupyter.run_commands.described import draws, ended
from jvs_jupyter.run_commands.parameters import WithCommand, typed_all

_OF_NOTEBOOKS = ("output", "kernel", "execution_timeout")


@click.command("exec", cls=WithCommand)
@click.argument("notebook", required=False)
@click.option(
    "-p",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Set a parameter; you can also write NAME=VALUE.",
)
@click.option("-o", "--output", metavar="PATH", help="Write the output notebook here.")
@click.option(
    "--from",
    "from_",
    metavar="SNAPSHOT",
    type=Snapshot(),
    help="Run the files of this snapshot, in a fresh worktree.",
)
@click.option("--isolate", is_flag=True, help="Run in a fresh worktree, so that runs share nothing.")
@click.option(
    "--outputs", metavar="DIR", help="With --isolate: copy here every file that the run made or changed."
)
@click.option(
    "--keep",
    type=click.Choice(["failed", "all", "none"]),
    default="failed",
    show_default=True,
    help="With --isolate: which worktrees to keep.",
)
@click.option("--cwd", metavar="DIR", help="Work in DIR.")
@click.option("--metrics", metavar="FILE", help="Read metrics from this JSON file, which the command writes.")
@click.option("--kernel", metavar="NAME", help="Use this kernel.")
@click.option("--execution-timeout", type=int, metavar="SECONDS", help="Stop a cell after SECONDS.")
@click.option("--wait", "wait_s", type=Seconds(), metavar="SECONDS", help="Wait up to SECONDS for the lock.")
@click.option("--spec", metavar="FILE", help="Read all of this from a JSON file; - reads standard input.")
@click.pass_obj
def exec_(
    call: Call,
    /,
    notebook: str | None,
    parameters: tuple[tuple[str, str], ...],
    spec: str | None,
    command: tuple[str, ...],
    **options: Any,
) -> Outcome:
    """Run NOTEBOOK or COMMAND and record it; the exit status tells the outcome.

        In COMMAND, {name} stands for the parameter with that name. The environment of COMMAND has JVS_RUN_ID and JVS_RUN_DIR.
    COMMAND can write metrics as lines of JSON to $JVS_RUN_DIR/metrics.jsonl. Before the after-snapshot, JVS ends the
    processes that COMMAND left running.

    Exit status: 0 ok, 13 lost, 130 interrupted, 143 terminated. For a notebook: 10 cell error, 11 kernel died, 12
    early exit; other values below 10 mean that nothing was run. For a command: its own, or 128 + N for signal N.

    \b
    Example:
      jvs run exec train.ipynb -p alpha 0.1 -o results/train-0.1.ipynb
      jvs run exec -p alpha=0.1 -- python train.py --alpha {alpha}
    """
    from jvs_jupyter.runs import kinds
    from jvs_jupyter.runs.spec import read

    if sum((notebook is not None, spec is not None, bool(command))) != 1:
        raise InputError(
            "give a notebook, a command or a spec",
            hint="jvs run exec NOTEBOOK, jvs run exec -- COMMAND, or: jvs run exec --spec FILE",
        )
    if spec is not None:
        call.reads_input = spec in ("-", "/dev/stdin")
        wanted = kinds.parse(read(Path("/dev/stdin" if spec == "-" else spec)))
    else:
        given = {name: value for name, value in options.items() if value is not None}
        common = {"repo": call.repo, "worktree": call.worktree}
        what = {"command": list(command)} if command else {"notebook": notebook}
        _require_fit(given, bool(command))
        wanted = kinds.parse({**what, "parameters": typed_all(parameters), **common, **given})
    if command:
        call.reads_input = True
    finished = kinds.execute(
        wanted, progress_bar=draws(call), to_stderr=call.json, reads_input=bool(command) and _has_input()
    )
    if isinstance(finished.failure, InputError):
        raise finished.failure
    return ended(finished.run)


def _require_fit(given: dict[str, Any], is_command: bool) -> None:
    """Raise InputError for an option of the other kind of runs."""
    for name in _OF_NOTEBOOKS if is_command else ("metrics",):
        if name in given:
            option = "--" + name.replace("_", "-")
            raise InputError(
                f"{option} is for {'notebooks' if is_command else 'commands'}", hint="jvs run exec --help"
            )


def _has_input() -> bool:
    return sys.stdin is not None and not sys.stdin.closed
