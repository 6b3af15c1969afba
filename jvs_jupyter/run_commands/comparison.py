"""``jvs run compare``: what runs have in common, and by how much their metrics differ from a baseline's."""

from __future__ import annotations

import math
from typing import Any

import click
from click import style

from jvs_core import InputError, Repository, Run
from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RunName
from jvs_core.cli.text import change_lines, columns, identifier, safe
from jvs_jupyter.runs.values import decoded

_SAME = (
    "outcome",
    "notebook",
    "command",
    "exit_status",
    "notebook_sha256",
    "environment_digest",
    "git_commit",
    "host",
)


@click.command(cls=Command)
@click.argument("run", metavar="RUN", type=RunName())
@click.argument("others", metavar="[RUN]...", type=RunName(), nargs=-1)
@click.pass_obj
def compare(call: Call, run: str, others: tuple[str, ...]) -> Outcome:
    """Show how two runs differ: parameters, metrics with deltas, circumstances, files after.

    With one RUN: what it changed. With more than two: the metrics of all, with deltas to the first, the baseline.

    \b
    Example:
      jvs run compare 1a2b3c4d 5e6f7a8b
    """
    repository = call.repository()
    if len(others) > 1:
        return _of_many([repository.runs.get(name) for name in (run, *others)])
    one = _whole(repository, run)
    if not others:
        changes = repository.compare(one.before_snapshot_id, _after(one))
        return Outcome({"run_id": one.run_id, **changes.to_json()}, change_lines(changes))
    two = _whole(repository, others[0])
    changes = repository.compare(_after(one), _after(two))
    value: dict[str, Any] = {
        "from": one.run_id,
        "to": two.run_id,
        "parameters": _differing(one.parameters, two.parameters),
        "metrics": _differing(one.metrics, two.metrics),
        "deltas": deltas(one, two),
        "circumstances": {
            name: [_plain(getattr(one, name)), _plain(getattr(two, name))]
            for name in _SAME
            if getattr(one, name) != getattr(two, name)
        },
        "added": changes.added,
        "modified": changes.modified,
        "removed": changes.removed,
    }
    rows = [
        (
            f"  {kind}",
            safe(name),
            safe(str(before)),
            safe(str(after)),
            f"{value['deltas'][name]:+.6g}" if kind == "metrics" and name in value["deltas"] else "",
        )
        for kind in ("parameters", "metrics", "circumstances")
        for name, (before, after) in value[kind].items()
    ]
    head = f"{identifier(one.run_id)} → {identifier(two.run_id)}"
    return Outcome(value, [head, *columns(rows), *change_lines(changes)])


def deltas(baseline: Run, run: Run) -> dict[str, float | int]:
    """Return, for each metric that is a number in both runs, by how much the run's differs from the baseline's."""
    found = {}
    for name, value in run.metrics.items():
        before, after = _number(baseline.metrics.get(name)), _number(value)
        if before is not None and after is not None:
            found[name] = after - before
    return found


def _of_many(runs: list[Run]) -> Outcome:
    baseline, *others = runs
    names = sorted({name for run in runs for name in run.parameters})
    varying = [name for name in names if len({repr(run.parameters.get(name)) for run in runs}) > 1]
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    items = [
        {
            "run_id": run.run_id,
            "parameters": {name: run.parameters[name] for name in varying if name in run.parameters},
            "metrics": run.metrics,
            "deltas": deltas(baseline, run) if run is not baseline else {},
        }
        for run in runs
    ]
    rows = [("", *map(safe, varying), *map(safe, metrics))]
    for run in runs:
        by = deltas(baseline, run) if run in others else {}
        cells = [
            _shown(run.metrics.get(name)) + (f" ({by[name]:+.6g})" if name in by else "") for name in metrics
        ]
        parameters = [_shown(decoded(run.parameters.get(name))) for name in varying]
        rows.append((safe(run.name or "") or run.run_id, *parameters, *cells))
    head, *body = columns(rows)
    return Outcome({"baseline": baseline.run_id, "runs": items}, [style(head, bold=True), *body])


def _whole(repository: Repository, run: str) -> Run:
    """Return a run whose snapshots are still there. Raises RunNotFound, SnapshotExpired, SnapshotNotFound."""
    found = repository.runs.get(run)
    repository.runs.require_kept(found)
    return found


def _after(run: Run) -> str:
    if run.after_snapshot_id is None:
        raise InputError(f"run {run.run_id} is {run.outcome}: it has no after-snapshot", hint="jvs run list")
    return run.after_snapshot_id


def _differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [one.get(name), other.get(name)]
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name) or (name in one) != (name in other)
    }


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else safe(str(value))
