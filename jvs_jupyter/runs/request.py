"""What a run is asked for, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jvs_core import Run
from jvs_jupyter.runs.place import Place


@dataclass
class RunRequest:
    """One run in a place that is known; ``result`` is its record once it ended, whatever the outcome.

    ``before_snapshot_id`` is what the worktree was made from, None where a snapshot is to be taken first.
    ``parameters`` are those that the caller gave, None where only a notebook tells. ``early_exit_fails`` makes an
    ``early_exit`` an exception, for a process whose exit status must tell the truth.
    """

    place: Place
    before_snapshot_id: str | None = None
    reproduces: str | None = None
    point: str | None = None
    parameters: dict[str, Any] | None = None
    setup: dict[str, Any] = field(default_factory=dict)
    wait_s: float = 0.0
    early_exit_fails: bool = False
    result: Run | None = None


@dataclass(frozen=True)
class Finished:
    """The record of a run that was begun, and what the work raised, if anything."""

    run: Run
    failure: BaseException | None
