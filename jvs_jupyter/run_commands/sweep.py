"""``jvs run sweep``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import Any

import click
from click import style

from jvs_core import InputError
from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Seconds, Snapshot
from jvs_core.cli.text import columns, identifier, safe
from jvs_core.wording import counted
from jvs_jupyter.run_commands.described import pairs
from jvs_jupyter.run_commands.parameters import WithCommand, typed_all

_NOT_ALL_OK = 10


@click.command(cls=WithCommand)
@click.argument("notebook", required=False)
@click.option(
    "--grid",
    "grids",
    multiple=True,
    metavar="NAME=VALUES",
    help="1,2,3 or start:stop[:step]; may be repeated.",
)
@click.option(
    "-p",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Set a parameter at all points; you can also write NAME=VALUE.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run N points at a time (default: one for each CPU).",
)
@click.option(
    "--executor", default="local", show_default=True, metavar="local|dask:ADDRESS", help="Where to run."
)
@click.option("--from", "from_", metavar="SNAPSHOT", type=Snapshot(), help="Start from this snapshot.")
@click.option(
    "--outputs",
    metavar="DIR",
    help="Write the output notebooks of all good points here; for a command, the files that it made.",
)
@click.option(
    "--keep",
    type=click.Choice(["failed", "all", "none"]),
    default="failed",
    show_default=True,
    help="Which worktrees to keep.",
)
@click.option("--again", is_flag=True, help="Also run points that already have a result.")
@click.option("--table", metavar="FILE", help="Write the results as CSV.")
@click.option(
    "--plot", nargs=2, metavar="METRIC FILE", help="Draw a metric over the grid (.png, .svg, .pdf)."
)
@click.option("--cwd", metavar="DIR", help="Work in DIR.")
@click.option("--metrics", metavar="FILE", help="Read metrics from this JSON file, which the command writes.")
@click.option("--kernel", metavar="NAME", help="Use this kernel.")
@click.option("--execution-timeout", type=int, metavar="SECONDS", help="Stop a cell after SECONDS.")
@click.option("--wait", "wait_s", type=Seconds(), metavar="SECONDS", help="Wait up to SECONDS for the lock.")
@click.pass_obj
def sweep(
    call: Call,
    /,
    notebook: str | None,
    command: tuple[str, ...],
    grids: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    jobs: int | None,
    executor: str,
    again: bool,
    table: str | None,
    plot: tuple[str, str] | None,
    outputs: str | None,
    keep: Any,
    **options: Any,
) -> Outcome:
    """Run NOTEBOOK or COMMAND at every point of a grid, each in a worktree of its own.

    All points start from one snapshot. In COMMAND, {name} stands for the parameter with that name. To continue after an
    interruption, run it again: it skips points that have a good run from the same files and parameters. Exit status:
    0 if every point is ok, else 10.

    \b
    Example:
      jvs run sweep train.ipynb --grid alpha=0.1,1,10 --grid seed=0:5 --jobs 2
      jvs run sweep --grid alpha=0.1,1,10 -- python train.py --alpha {alpha}
    """
    from jvs_jupyter.runs.grid import parse
    from jvs_jupyter.runs.pool import named
    from jvs_jupyter.runs.sweep import sweep as run_sweep
    from jvs_jupyter.runs.table import text_rows

    if (notebook is None) != bool(command):
        raise InputError(
            "give a notebook or a command",
            hint="jvs run sweep NOTEBOOK --grid …, or: jvs run sweep --grid … -- COMMAND",
        )
    if not grids:
        raise InputError("a sweep needs a grid", hint="--grid alpha=1,2,3")
    if plot is not None and find_spec("matplotlib") is None:
        raise InputError("matplotlib is not installed", hint="pip install matplotlib")
    given = {name: value for name, value in options.items() if value is not None}
    with _terminated_as_exit(), named(executor, jobs) as workers:
        done = run_sweep(
            command or str(notebook),
            parse(grids),
            executor=workers,
            parameters=typed_all(parameters),
            outputs=outputs,
            keep=keep,
            resume=not again,
            ignore=[path for path in (table, plot and plot[1]) if path],
            on_point=None if call.quiet or call.json else _say,
            **{"repo": call.repo, "worktree": call.worktree, **given},
        )
    if table is not None:
        _write(table, done.to_csv())
    if plot is not None:
        _draw(done, *plot)
    good = sum(point.outcome == "ok" for point in done.points)
    skipped = sum(point.skipped for point in done.points)
    head, *rows = columns([tuple(map(safe, row)) for row in text_rows(done)])
    last = f"{good} of {counted(len(done.points), 'point')} ok, {skipped} of them before; from snapshot {identifier(done.before_snapshot_id)}"
    return Outcome(done, [style(head, bold=True), *rows, last], exit_status=0 if done.ok else _NOT_ALL_OK)


def _say(point: Any) -> None:
    if sys.stderr is None or not sys.stderr.isatty():
        return
    how = "before" if point.skipped else point.outcome
    click.echo(f"{pairs(point.parameters)}: {how}", err=True)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _draw(done: Any, metric: str, path: str) -> None:
    figure = done.plot(metric)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot draw to {path}: {error}") from error


@contextmanager
def _terminated_as_exit() -> Iterator[None]:
    """Let SIGTERM end the sweep as Ctrl-C does: runs under way are terminated and recorded as that."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
