"""What a run is asked for beside what papermill's own arguments say, and its result."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from jvs_core import InputError, NotARepository, Run
from jvs_jupyter.papermill import place as places
from jvs_jupyter.papermill.place import Place

_warned: set[str] = set()


@dataclass
class Kernel:
    """How far the engine came: whether papermill had written its first output and turned to the kernel."""

    starting: bool = False


@dataclass
class RunRequest:
    """One run in a place that is known; ``result`` is its record once it ended, whatever the outcome.

    ``before_snapshot_id`` is what the worktree was made from, None where a snapshot is to be taken first.
    ``parameters`` are those that papermill was given, None where only its notebook tells.
    ``early_exit_fails`` makes an ``early_exit`` an exception, for a process whose exit status must tell the truth.
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


def of_papermill(output_path: Any, options: dict[str, Any]) -> RunRequest | None:
    """Return the request behind a plain use of the engine; None outside any repository, said once a process.

    Raises NotARepository there with ``JVS_REQUIRE=1``.
    """
    folder = (options.get("resources") or {}).get("metadata", {}).get("path")
    cwd = Path(os.path.abspath(folder or os.getcwd()))
    place = places.find(cwd, output_path, options.get("input_path"))
    if place is not None:
        return RunRequest(place, wait_s=_wait_of_environment(), early_exit_fails=_is_papermills_command())
    if _repository_required():
        raise NotARepository(
            f"JVS_REQUIRE=1, and neither {cwd} nor the notebook is in a JVS repository",
            hint="make one with: jvs init NAME",
        )
    if "outside" not in _warned:
        _warned.add("outside")
        warnings.warn(
            "no JVS repository here: the notebook runs without snapshots and without a record "
            "(jvs init NAME makes one)",
            stacklevel=4,
        )
    return None


def _repository_required() -> bool:
    value = os.environ.get("JVS_REQUIRE", "")
    if value not in ("", "0", "1"):
        raise InputError(f"JVS_REQUIRE is 1 or 0, not {value!r}")
    return value == "1"


def _wait_of_environment() -> float:
    value = os.environ.get("JVS_WAIT") or "0"
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise InputError(f"JVS_WAIT is a number of seconds, not {value!r}")
    return seconds


def _is_papermills_command() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and getattr(context.command.callback, "__module__", "") == "papermill.cli"
