"""``jvs run``: recorded notebook runs. What needs papermill is imported when a command needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from jvs_core import InputError, Run
from jvs_core.cli.call import Call
from jvs_core.cli.group import Group, Lazy
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Seconds, Snapshot
from jvs_core.cli.text import columns, fields, identifier, safe
from jvs_jupyter.papermill.values import decoded_all

if find_spec("papermill") is None:
    raise ModuleNotFoundError("papermill is not installed", name="papermill")

F = TypeVar("F", bound=Callable[..., Any])


@click.group(
    cls=Group,
    lazy={
        "compare": Lazy("jvs_jupyter.papermill.cli_results:compare", "Show how two runs differ."),
        "reproduce": Lazy("jvs_jupyter.papermill.cli_results:reproduce", "Run again and compare every file."),
        "sweep": Lazy("jvs_jupyter.papermill.cli_sweep:sweep", "Run every point of a grid."),
    },
)
def run() -> None:
    """Run notebooks between two snapshots, and record what became of them.

    \b
    Example:
      jvs run exec train.ipynb -p alpha 0.1
    """


@run.command("exec")
@click.argument("notebook", required=False)
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="Set a parameter.")
@click.option("-o", "--output", metavar="PATH", help="Write the output notebook here.")
@click.option("--from", "from_", metavar="SNAPSHOT", type=Snapshot(), help="Run what this snapshot holds.")
@click.option("--isolate", is_flag=True, help="Run in a fresh worktree, so that runs share nothing.")
@click.option(
    "--outputs", metavar="DIR", help="With --isolate: copy every file the run made or changed here."
)
@click.option(
    "--keep",
    type=click.Choice(["failed", "all", "none"]),
    default="failed",
    show_default=True,
    help="With --isolate: which worktrees to keep.",
)
@click.option("--cwd", metavar="DIR", help="Let the kernel work in DIR.")
@click.option("--kernel", metavar="NAME", help="Use this kernel.")
@click.option("--execution-timeout", type=int, metavar="SECONDS", help="Give up a cell after so long.")
@click.option("--wait", "wait_s", type=Seconds(), metavar="SECONDS", help="Wait so long for the lock.")
@click.option("--spec", metavar="FILE", help="Take everything from a JSON file; - reads standard input.")
@click.pass_obj
def exec_(
    call: Call,
    /,
    notebook: str | None,
    parameters: tuple[tuple[str, str], ...],
    spec: str | None,
    **options: Any,
) -> Outcome:
    """Run NOTEBOOK; the exit status tells what became of it.

    0 ok, 10 cell error, 11 kernel died, 12 early exit, 13 lost, 130 interrupted, 143 terminated; below 10 as for any
    command: nothing was run.

    \b
    Example:
      jvs run exec train.ipynb -p alpha 0.1 -o results/train-0.1.ipynb
    """
    from jvs_jupyter.papermill.execute import execute
    from jvs_jupyter.papermill.spec import RunSpec

    if (notebook is None) == (spec is None):
        raise InputError(
            "name a notebook, or a spec", hint="jvs run exec NOTEBOOK, or: jvs run exec --spec FILE"
        )
    if spec is not None:
        call.reads_input = spec in ("-", "/dev/stdin")
        wanted = RunSpec.read(Path("/dev/stdin" if spec == "-" else spec))
    else:
        given = {name: value for name, value in options.items() if value is not None}
        common = {"repo": call.repo, "worktree": call.worktree}
        wanted = RunSpec.parse({"notebook": notebook, "parameters": typed(parameters), **common, **given})
    return ended(execute(wanted, progress_bar=draws(call)).run)


@run.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show the newest N.")
@click.option("--outcome", metavar="OUTCOME", help="Show only runs with this outcome.")
@click.pass_obj
def list_(call: Call, limit: int | None, outcome: str | None) -> Outcome:
    """List the runs, newest first.

    \b
    Example:
      jvs run list --limit 10
    """
    unreadable: list[str] = []
    every = call.repository().runs.all(unreadable)
    found = [run for run in every if outcome in (None, run.outcome)][:limit]
    rows = [
        (
            identifier(run.run_id),
            run.outcome,
            run.started_at,
            took(run),
            safe(run.notebook),
            pairs(run.parameters),
        )
        for run in found
    ]
    return Outcome(found, columns(rows), warnings=unreadable, notices=[] if found else ["no runs"])


@run.command()
@click.argument("run_id", metavar="RUN")
@click.pass_obj
def show(call: Call, run_id: str) -> Outcome:
    """Show one run in full.

    \b
    Example:
      jvs run show 1a2b3c4d
    """
    runs = call.repository().runs
    found = runs.get(run_id)
    return Outcome(found, described(found), warnings=list(runs.gone(found).values()))


def ended(record: Run) -> Outcome:
    """Return the outcome of a command that ran a notebook."""
    from jvs_jupyter.papermill.outcome import EXIT_STATUS

    return Outcome(record, described(record), exit_status=EXIT_STATUS[record.outcome])


def described(record: Run) -> list[str]:
    """Return a run in words."""
    rows = [
        ("Notebook", safe(record.notebook)),
        ("Input", safe(record.input_path)),
        ("Output", safe(record.output_path or "")),
        ("Parameters", pairs(record.parameters)),
        ("Metrics", pairs(record.metrics)),
        ("Error", safe(record.error or "")),
        ("Worktree", safe(record.worktree)),
        ("Before", identifier(record.before_snapshot_id)),
        ("After", identifier(record.after_snapshot_id)),
        ("Started", record.started_at),
        ("Took", took(record)),
        ("Attempt", str(record.attempt) if record.attempt > 1 else ""),
        ("Host", safe(record.host)),
        ("Notebook hash", record.notebook_sha256),
        ("Environment", record.environment_digest),
        ("Git commit", record.git_commit or ""),
        ("Reproduces", record.reproduces or ""),
        ("Verdict", " ".join((record.verdict or "", *map(safe, record.paths or ()))).strip()),
    ]
    return [f"Run {identifier(record.run_id)}: {record.outcome}", *fields(rows)]


def typed(parameters: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters with their values read as papermill's ``-p`` reads them."""
    from papermill.cli import _resolve_type

    return {name: _resolve_type(value) for name, value in parameters}


def draws(call: Call) -> bool:
    """Return whether a progress bar has somebody to look at it."""
    import sys

    return not (call.json or call.quiet) and sys.stderr is not None and sys.stderr.isatty()


def took(record: Run) -> str:
    """Return how long a run took, in words."""
    return "" if record.duration_s is None else f"{record.duration_s:.1f} s"


def pairs(values: dict[str, Any]) -> str:
    """Return names and values on one line."""
    return safe(" ".join(f"{name}={value}" for name, value in decoded_all(values).items()))
