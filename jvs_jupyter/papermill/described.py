"""What the record of a run and its output notebook say of it beside its outcome."""

from __future__ import annotations

from typing import Any

from jvs_core import Run
from jvs_jupyter.papermill.place import IN_SNAPSHOT
from jvs_jupyter.runs.request import RunRequest

_IN_NOTEBOOK = (
    "run_id",
    "outcome",
    "error",
    "before_snapshot_id",
    "after_snapshot_id",
    "worktree",
    "parameters",
    "notebook_sha256",
    "environment_digest",
    "git_commit",
    "host",
    "attempt",
    "started_at",
    "reproduces",
)


def setup(request: RunRequest, kernel_name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return what repeating a run needs beside its parameters."""
    place = request.place
    return {
        "cwd": place.relative(place.cwd),
        "kernel_name": kernel_name,
        "execution_timeout": options.get("execution_timeout"),
        **request.setup,
    }


def metadata(run: Run) -> dict[str, Any]:
    """Return what the output notebook says of its run, in ``metadata.jvs``."""
    record = run.to_json()
    return {name: record[name] for name in _IN_NOTEBOOK}


def notebook_name(shown: str) -> str:
    """Return the path of a notebook in the worktree, or in the snapshot that it is read from."""
    return shown.removeprefix(IN_SNAPSHOT).partition("/")[2] if shown.startswith(IN_SNAPSHOT) else shown
