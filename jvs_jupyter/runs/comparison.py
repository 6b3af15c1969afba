"""What runs have in common, and by how much their metrics differ from a baseline's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jvs_core import InputError, Repository, Run

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


def of_two(repository: Repository, one: Run, two: Run, changes: Any) -> dict[str, Any]:
    """Return how two runs differ, as JSON: parameters, metrics with deltas, circumstances, packages.

    ``changes`` is what comparing their after-snapshots showed.
    """
    return {
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
        "packages": _packages(repository, one, two),
        "added": changes.added,
        "modified": changes.modified,
        "removed": changes.removed,
    }


def of_many(repository: Repository, names: Sequence[str]) -> dict[str, Any]:
    """Return, as JSON, the metrics of several runs with deltas to the first, the baseline, and what varies among them.

    Raises RunNotFound.
    """
    runs = [repository.runs.get(name) for name in names]
    baseline = runs[0]
    parameters = sorted({name for run in runs for name in run.parameters})
    varying = [name for name in parameters if len({repr(run.parameters.get(name)) for run in runs}) > 1]
    return {
        "baseline": baseline.run_id,
        "runs": [
            {
                "run_id": run.run_id,
                "name": run.name,
                "outcome": run.outcome,
                "parameters": {name: run.parameters[name] for name in varying if name in run.parameters},
                "metrics": run.metrics,
                "deltas": deltas(baseline, run) if run is not baseline else {},
                "packages": _packages(repository, baseline, run),
                "after_snapshot_id": run.after_snapshot_id,
            }
            for run in runs
        ],
    }


def deltas(baseline: Run, run: Run) -> dict[str, float | int]:
    """Return, for each metric that is a number in both runs, by how much the run's differs from the baseline's."""
    found = {}
    for name, value in run.metrics.items():
        before, now = _number(baseline.metrics.get(name)), _number(value)
        if before is not None and now is not None:
            found[name] = now - before
    return found


def whole(repository: Repository, run: str) -> Run:
    """Return a run whose snapshots are still there. Raises RunNotFound, SnapshotExpired, SnapshotNotFound."""
    found = repository.runs.get(run)
    repository.runs.require_kept(found)
    return found


def after(run: Run) -> str:
    """Return a run's after-snapshot. Raises InputError."""
    if run.after_snapshot_id is None:
        raise InputError(f"run {run.run_id} is {run.outcome}: it has no after-snapshot", hint="jvs run list")
    return run.after_snapshot_id


def _packages(repository: Repository, one: Run, two: Run) -> dict[str, list[str | None]] | None:
    """Return the versions of what is not the same in both environments; None where one of them is not known."""
    if one.environment_digest == two.environment_digest:
        return {}
    before, now = (repository.runs.environment(run) for run in (one, two))
    if before is None or now is None:
        return None
    return _differing(before, now)


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
