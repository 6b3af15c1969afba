"""The cells that a kernel ran since its last snapshot, as the notebook that is kept with the next one."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

PRIVATE = "# jvs: private"
RUNNING = "running"
_LONGEST = 1000
_HEADER = """Cells that a kernel executed before this snapshot, in this order. The snapshot holds the files on disk. The kernel's memory is not captured, nor are the outputs of these cells."""


@dataclass
class Cell:
    """One executed cell; ``outcome`` is ``running`` until it ended with ``ok`` or the name of an exception."""

    source: str
    execution_count: int | None = None
    outcome: str = RUNNING


class ExecutedCells:
    """What was run since the last snapshot that kept it; the oldest of more than 1,000 cells are left out."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self._omitted = 0

    def __len__(self) -> int:
        return len(self._cells)

    def began(self, source: str) -> None:
        """Note a cell that begins to run, unless it is private or empty."""
        if is_private(source) or not source.strip():
            return
        self._cells.append(Cell(source))
        if len(self._cells) > _LONGEST:
            del self._cells[0]
            self._omitted += 1

    def counted(self, execution_count: int) -> None:
        """Note the execution count of the cell that runs."""
        if self._cells and self._cells[-1].outcome == RUNNING:
            self._cells[-1].execution_count = execution_count

    def ended(self, execution_count: int, error: BaseException | None) -> None:
        """Note how the cell that runs ended."""
        if self._cells and self._cells[-1].outcome == RUNNING:
            self.counted(execution_count)
            self._cells[-1].outcome = "ok" if error is None else type(error).__name__

    def notebook(self, *, without_running: bool = False) -> bytes | None:
        """Return the cells, if wanted without the one that runs, as an nbformat 4.5 notebook; None without cells."""
        chosen = [cell for cell in self._cells if not (without_running and cell.outcome == RUNNING)]
        if not chosen:
            return None
        return json.dumps(_notebook(chosen, self._omitted), ensure_ascii=False, indent=1).encode(
            "utf-8", "backslashreplace"
        )

    def taken(self, *, without_running: bool = False) -> None:
        """Forget the cells, which a snapshot keeps now, but for the one that runs where it was left out."""
        self._cells = [cell for cell in self._cells if without_running and cell.outcome == RUNNING]
        self._omitted = 0


def is_private(source: str) -> bool:
    """Return whether a cell asks not to be kept: its first line, after a cell magic's, is ``# jvs: private``."""
    lines = [line.strip() for line in source.strip().splitlines()[:2]]
    if lines and lines[0].startswith("%%"):
        lines = lines[1:]
    return bool(lines) and lines[0].startswith(PRIVATE)


def _notebook(cells: list[Cell], omitted: int) -> dict[str, Any]:
    """Built by hand: importing nbformat takes longer than a snapshot."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "jvs": {"kind": "executed_cells", "omitted": omitted},
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [
            {"cell_type": "markdown", "id": _id(), "metadata": {}, "source": _HEADER},
            *(
                {
                    "cell_type": "code",
                    "id": _id(),
                    "metadata": {"jvs": {"outcome": cell.outcome}},
                    "execution_count": cell.execution_count,
                    "source": cell.source,
                    "outputs": [],
                }
                for cell in cells
            ),
        ],
    }


def _id() -> str:
    return uuid.uuid4().hex[:8]
