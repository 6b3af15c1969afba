"""``jvs run compare`` and ``jvs run reproduce``: what two runs have in common."""

from __future__ import annotations

from typing import Any

import click

from jvs_core import InputError, Repository, Run
from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import change_lines, columns, identifier, safe
from jvs_jupyter.papermill.cli import draws

VERDICT_STATUS = {"identical": 0, "differs": 20, "failed": 21}
_SAME = ("outcome", "notebook", "notebook_sha256", "environment_digest", "git_commit", "host")


@click.command(cls=Command)
@click.argument("run", metavar="RUN")
@click.argument("other", metavar="[RUN]", required=False)
@click.pass_obj
def compare(call: Call, run: str, other: str | None) -> Outcome:
    """Show how two runs differ: parameters, metrics, circumstances, files after. With one RUN: what it changed.

    \b
    Example:
      jvs run compare 1a2b3c4d 5e6f7a8b
    """
    repository = call.repository()
    one = _whole(repository, run)
    if other is None:
        changes = repository.compare(one.before_snapshot_id, _after(one))
        return Outcome({"run_id": one.run_id, **changes.to_json()}, change_lines(changes))
    two = _whole(repository, other)
    changes = repository.compare(_after(one), _after(two))
    value: dict[str, Any] = {
        "from": one.run_id,
        "to": two.run_id,
        "parameters": _differing(one.parameters, two.parameters),
        "metrics": _differing(one.metrics, two.metrics),
        "circumstances": {
            name: [getattr(one, name), getattr(two, name)]
            for name in _SAME
            if getattr(one, name) != getattr(two, name)
        },
        "added": changes.added,
        "modified": changes.modified,
        "removed": changes.removed,
    }
    rows = [
        (f"  {kind}", safe(name), safe(str(before)), safe(str(after)))
        for kind in ("parameters", "metrics", "circumstances")
        for name, (before, after) in value[kind].items()
    ]
    head = f"{identifier(one.run_id)} → {identifier(two.run_id)}"
    return Outcome(value, [head, *columns(rows), *change_lines(changes)])


@click.command(cls=Command)
@click.argument("run", metavar="RUN")
@click.option(
    "--keep",
    type=click.Choice(["failed", "all", "none"]),
    default="failed",
    show_default=True,
    help="Which worktrees to keep.",
)
@click.pass_obj
def reproduce(call: Call, run: str, keep: Any) -> Outcome:
    """Run RUN again from its before-snapshot and compare every file of the two after-snapshots.

    Notebooks are compared without times, ids and places. Exit status: 0 identical, 20 differs, 21 failed.

    \b
    Example:
      jvs run reproduce 1a2b3c4d
    """
    from jvs_jupyter.papermill.differences import figures
    from jvs_jupyter.papermill.reproduce import reproduce as again

    found = again(run, repo=call.repository().root, keep=keep, progress_bar=draws(call))
    lines = [
        f"Run {identifier(found.run.run_id)} reproduces {identifier(found.original.run_id)}: {found.verdict}",
        *(safe(str(difference)) for difference in found.differences),
    ]
    if found.verdict == "failed":
        lines.append(f"  {found.run.outcome}, not {found.original.outcome}: {safe(found.run.error or '')}")
    hint = figures(found.differences)
    return Outcome(found, lines, notices=[hint] if hint else [], exit_status=VERDICT_STATUS[found.verdict])


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
