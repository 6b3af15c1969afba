"""``jvs run compare``."""

from __future__ import annotations

from typing import Any

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RunName
from jvs_core.cli.text import change_lines, columns, identifier, safe
from jvs_jupyter.run_commands.described import brief
from jvs_jupyter.runs.comparison import after, of_many, of_two, whole
from jvs_jupyter.runs.values import decoded

_LONGEST = 200
_NOTHING = "  nothing differs"


@click.command(cls=Command)
@click.argument("run", metavar="RUN", type=RunName())
@click.argument("others", metavar="[RUN]...", type=RunName(), nargs=-1)
@click.pass_obj
def compare(call: Call, run: str, others: tuple[str, ...]) -> Outcome:
    """Show how two runs differ: parameters, metrics, environment, packages, resulting files.

    With one RUN: what it changed. With more than two: the metrics of all, with the difference to the first, the
    baseline.

    \b
    Example:
      jvs run compare 1a2b3c4d 5e6f7a8b
    """
    repository = call.repository()
    if len(others) > 1:
        return _table(of_many(repository, (run, *others)))
    one = whole(repository, run)
    if not others:
        changes = repository.compare(one.before_snapshot_id, after(one))
        return Outcome({"run_id": one.run_id, **changes.to_json()}, change_lines(changes))
    two = whole(repository, others[0])
    changes = repository.compare(after(one), after(two))
    value = of_two(repository, one, two, changes)
    rows = [
        (
            f"  {kind}",
            safe(name),
            safe(brief(before, _LONGEST)),
            safe(brief(now, _LONGEST)),
            f"{value['deltas'][name]:+.6g}" if kind == "metrics" and name in value["deltas"] else "",
        )
        for kind in ("parameters", "metrics", "circumstances", "packages")
        for name, (before, now) in (value[kind] or {}).items()
    ]
    head = f"{identifier(value['from'])} → {identifier(value['to'])}"
    lines = [*columns(rows), *change_lines(changes)]
    return Outcome(value, [head, *(lines or [_NOTHING])])


def _table(value: dict[str, Any]) -> Outcome:
    runs = value["runs"]
    varying = list(dict.fromkeys(name for run in runs for name in run["parameters"]))
    metrics = list(dict.fromkeys(name for run in runs for name in run["metrics"]))
    rows = [("", *map(safe, varying), *map(safe, metrics))]
    for run in runs:
        by = run["deltas"]
        cells = [
            _shown(run["metrics"].get(name)) + (f" ({by[name]:+.6g})" if name in by else "")
            for name in metrics
        ]
        parameters = [_shown(decoded(run["parameters"].get(name))) for name in varying]
        rows.append((safe(run["name"] or "") or run["run_id"], *parameters, *cells))
    head, *body = columns(rows)
    return Outcome(value, [style(head, bold=True), *body])


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else safe(brief(value, _LONGEST))
