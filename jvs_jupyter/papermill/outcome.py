"""What became of a run of a notebook, told from how it ended; never from the notebook's metadata, which papermill embellishes."""

from __future__ import annotations

import re
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillException, PapermillExecutionError, strip_color

from jvs_jupyter.runs.endings import Told, named, short, stopped

_MAGICS_OWN = "UsageError"


class EarlyExit(PapermillException):  # type: ignore[misc]  # papermill ships no types
    """A cell left with ``sys.exit(0)``: the cells after it did not run."""


def of_notebook(nb: Any) -> Told:
    """Return the outcome of a notebook whose cells raised nothing that papermill minds."""
    for index, cell in enumerate(nb.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error" and output.ename == "SystemExit":
                return Told("early_exit", f"cell {index}: SystemExit: the cells after it did not run")
    return Told("ok", None)


def failed_cell(nb: Any, told: Told) -> tuple[int, str | None] | None:
    """Return the place, from 0, and the id of the cell that raised, or that was under way when the run ended."""
    if told.outcome == "ok":
        return None
    begun = None
    for index, cell in enumerate(nb.cells):
        about = cell.metadata.get("papermill", {})
        exits = any(output.get("ename") == "SystemExit" for output in cell.get("outputs", ()))
        if about.get("exception") is True or exits:
            return index, _id(cell)
        if about.get("start_time"):
            begun = index, _id(cell)
    return None if told.outcome == "lost" else begun


def _id(cell: Any) -> str | None:
    found = cell.get("id")
    return found if isinstance(found, str) and re.fullmatch("[A-Za-z0-9_-]{1,64}", found) else None


def of_exception(error: BaseException, *, kernel_up: bool) -> Told:
    """Return the outcome of a run that ``error`` ended; ``kernel_up`` says whether a cell had begun by then."""
    told = stopped(error)
    if told is not None:
        return told
    if isinstance(error, PapermillExecutionError):
        return Told(
            "cell_error", short(f"cell {error.cell_index}: {error.ename}: {error.evalue}".removesuffix(": "))
        )
    if isinstance(error, CellTimeoutError):
        return Told("cell_error", short(f"CellTimeoutError: {error}"))
    if isinstance(error, DeadKernelError):
        return Told("kernel_died", named(error))
    return Told("lost" if kernel_up else "kernel_died", named(error))


def explain(error: PapermillExecutionError, nb: Any) -> None:
    """Let an error without a traceback, which is a magic's, say what its cell wrote to stderr: last, or as a ``UsageError``."""
    if error.traceback:
        return
    failed = [cell for cell in nb.cells if cell.metadata.get("papermill", {}).get("exception") is True]
    streams = [output for cell in failed for output in cell.outputs if output.get("name") == "stderr"]
    lines = strip_color("".join(stream.text for stream in streams)).strip().splitlines()
    if not lines:
        return
    line = next((line for line in reversed(lines) if line.startswith(f"{_MAGICS_OWN}: ")), lines[-1])
    said = line.removeprefix(f"{_MAGICS_OWN}: ")
    name = error.ename if said == line else _MAGICS_OWN
    PapermillExecutionError.__init__(
        error, error.cell_index, error.exec_count, error.source, name, said, [line]
    )
