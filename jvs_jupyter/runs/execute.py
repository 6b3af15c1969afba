"""Running one notebook or command from Python."""

from __future__ import annotations

from typing import Any

from jvs_core import Run
from jvs_jupyter.runs import kinds
from jvs_jupyter.runs.kinds import Subject


def run(
    what: Subject, parameters: dict[str, Any] | None = None, *, progress_bar: bool = False, **options: Any
) -> Run:
    """Run a notebook or a command between two snapshots and return its record, whatever its outcome.

    ``what`` is a notebook's path, or the words of a command. ``options`` are the fields of a run spec
    (docs/reference/runs.md): ``outputs``, ``from_``, ``isolate``, ``keep``, ``repo``, ``worktree``, ``cwd``, ``wait_s``;
    for notebooks ``output``, ``kernel``, ``execution_timeout``; for commands ``metrics``, ``quiet``.

    Raises
    ------
    JvsError
        The run could not begin, or its record not be closed.
    KeyboardInterrupt, SystemExit
        The process was interrupted or terminated; the record says so.
    """
    spec = kinds.parse({**kinds.subject(what), "parameters": parameters or {}, **options})
    finished = kinds.execute(spec, progress_bar=progress_bar)
    if isinstance(finished.failure, KeyboardInterrupt | SystemExit):
        raise finished.failure
    return finished.run


def run_one(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one spec and return its record: JSON in, JSON out, for any pool, queue or scheduler."""
    finished = kinds.execute(kinds.parse(spec))
    if isinstance(finished.failure, KeyboardInterrupt | SystemExit):
        raise finished.failure
    return finished.run.to_json()
