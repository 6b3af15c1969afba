"""What a plain use of papermill's engine asks for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from jvs_core import InputError, NotARepository
from jvs_jupyter.papermill import place as places
from jvs_jupyter.runs.request import RunRequest

_warned: set[str] = set()


@dataclass
class Kernel:
    """How far the engine came: whether papermill had written its first output and turned to the kernel.

    ``between_cells`` is called before each cell, and may raise.
    """

    starting: bool = False
    between_cells: Callable[[], None] = lambda: None


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
            f"JVS_REQUIRE=1 is set, but neither {cwd} nor the notebook is in a JVS repository",
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
