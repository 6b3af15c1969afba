"""``jvs run list``, naming, noting and removing records, and stopping a run."""

from __future__ import annotations

from typing import Any

import click
from click import style

from jvs_core import InputError, RunTable
from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RunName
from jvs_core.cli.text import columns as in_columns
from jvs_core.cli.text import identifier, safe
from jvs_core.wording import counted
from jvs_jupyter.run_commands.described import SHORT, brief, pairs, so_far, stands, took


@click.command("list", cls=Command)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show the first N.")
@click.option("--outcome", metavar="OUTCOME", help="Show only runs with this outcome.")
@click.option(
    "--where", multiple=True, metavar="CONDITION", help="'alpha>0.1': with = != < <= > >= ~; may be repeated."
)
@click.option("--grep", metavar="TEXT", help="Show only runs whose name, note, work or parameters hold TEXT.")
@click.option("--sort", metavar="NAME", help="Sort by a field, metric or parameter; -NAME: largest first.")
@click.option("--columns", metavar="NAMES", help="Show these fields, metrics and parameters: a,b,c.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table.")
@click.pass_obj
def list_(
    call: Call,
    limit: int | None,
    outcome: str | None,
    where: tuple[str, ...],
    grep: str | None,
    sort: str | None,
    columns: str | None,
    as_csv: bool,
) -> Outcome:
    """List the runs, newest first.

        A name in --where, --sort and --columns is a field of the record, otherwise a metric, otherwise a parameter. To choose,
    write metrics.NAME or parameters.NAME. A run without that name meets no condition, and comes last when sorted.

    \b
    Example:
      jvs run list --where 'alpha>0.1' --sort=-accuracy --columns name,alpha,accuracy
    """
    if as_csv and call.json:
        raise InputError("--csv and --json exclude each other", hint="leave one of them out")
    unreadable: list[str] = []
    runs = call.repository().runs
    conditions = [*where, *([f"outcome={outcome}"] if outcome else [])]
    query: dict[str, Any] = {"where": conditions, "text": grep, "sort": sort, "limit": limit}
    names = [name.strip() for name in columns.split(",") if name.strip()] if columns is not None else None
    if names == []:
        raise InputError("--columns is empty", hint="--columns name,alpha,accuracy")
    if names is not None or as_csv:
        table = runs.rows(names, unreadable=unreadable, **query)
        value = table if as_csv else table.to_rows()
        exact = table.to_csv() if as_csv else None
        lines = table.to_csv().splitlines() if as_csv else table_lines(table)
        return Outcome(value, lines, warnings=unreadable, exact=exact)
    found = [runs.seen(run) for run in runs.find(unreadable=unreadable, **query)]
    rows = [
        (
            identifier(run.run_id),
            safe(run.name or ""),
            stands(run),
            run.started_at,
            took(run),
            safe(brief(run.subject)),
            pairs(run.parameters, SHORT),
            pairs(so_far(run), SHORT),
        )
        for run in found
    ]
    return Outcome(found, in_columns(rows), warnings=unreadable, notices=[] if found else ["no runs"])


@click.command(cls=Command)
@click.argument("run", metavar="RUN", type=RunName())
@click.argument("name")
@click.pass_obj
def name(call: Call, run: str, name: str) -> Outcome:
    """Name a run, so that commands accept the name; an empty name removes it.

    \b
    Example:
      jvs run name 1a2b3c4d best
    """
    done = call.repository().runs.annotate(run, name=name)
    called = (
        f"Run {identifier(done.run_id)} has the name {done.name}"
        if done.name
        else f"Run {identifier(done.run_id)} has no name"
    )
    return Outcome(done, [called])


@click.command(cls=Command)
@click.argument("run", metavar="RUN", type=RunName())
@click.argument("note")
@click.pass_obj
def note(call: Call, run: str, note: str) -> Outcome:
    """Set the note of a run.

    \b
    Example:
      jvs run note best "the one for the paper"
    """
    done = call.repository().runs.annotate(run, note=note)
    return Outcome(done, [f"Noted for run {identifier(done.run_id)}"])


@click.command(cls=Command)
@click.argument("runs", metavar="RUN...", type=RunName(), nargs=-1, required=True)
@click.pass_obj
def remove(call: Call, runs: tuple[str, ...]) -> Outcome:
    """Remove the records of runs; their snapshots stay until gc finds that nothing needs them.

    \b
    Example:
      jvs run remove 1a2b3c4d
    """
    register = call.repository().runs
    wanted = dict.fromkeys(
        register.get(run).run_id for run in runs
    )  # all of them are there, or none is removed
    removed = [register.remove(run_id) for run_id in wanted]
    return Outcome(removed, [f"Removed {counted(len(removed), 'run')}"])


@click.command(cls=Command)
@click.argument("run", metavar="RUN")
@click.pass_obj
def cancel(call: Call, run: str) -> Outcome:
    """Stop a running run, as Ctrl-C does: it is recorded as interrupted, and its files are kept.

    Its process checks for this once a second. A command has 30 seconds to end by itself.

    \b
    Example:
      jvs run cancel 1a2b3c4d
    """
    told = call.repository().runs.cancel(run)
    return Outcome({"run_id": told.run_id}, [f"Asked run {identifier(told.run_id)} to stop"])


def table_lines(table: RunTable) -> list[str]:
    """Return a table as lines of text, its head first."""
    rows = [tuple(_shown(cell) for cell in row) for row in table.rows]
    head, *body = in_columns([tuple(map(safe, table.columns)), *rows])
    return [style(head, bold=True), *body]


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else safe(brief(value))
