"""The demonstration's workspace: measurements, and a notebook that was really run on them."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from jvs_core.errors import JvsError

_ROWS = 2_000


class StepFailed(JvsError):
    """A step of the demonstration did not do what it says."""


_LOAD = """import csv

with open("data/measurements.csv") as file:
    rows = list(csv.DictReader(file))
print(len(rows), "measurements")"""
_DESCRIBE = """from statistics import fmean, stdev

values = [float(row["value"]) for row in rows]
print(f"mean {fmean(values):.3f}, standard deviation {stdev(values):.3f}")"""
_RANGE = 'print(f"from {min(values):.3f} to {max(values):.3f}")'
_CELLS = (_LOAD, _DESCRIBE, _RANGE)
# Runs the cells it is given in one namespace, as a kernel would, and returns what each printed.
_KERNEL = """
import contextlib, io, json, sys
names, printed = {}, []
for source in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(source, names)
    printed.append(out.getvalue())
json.dump(printed, sys.stdout)
"""


def make(folder: Path) -> None:
    """Make the workspace: data, a draft, and the notebook, run."""
    (folder / "data").mkdir(parents=True)
    rows = [(number, _measurement(number)) for number in range(_ROWS)]
    _write_rows(folder / "data" / "measurements.csv", rows)
    (folder / "notes.txt").write_text("Draft: look at the outliers.\n", "utf-8")
    run_notebook(folder)


def change(folder: Path) -> None:
    """Do an hour's work: clean the data, run the notebook again, add a file, remove one."""
    path = folder / "data" / "measurements.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(int(row["number"]), float(row["value"])) for row in csv.DictReader(file)]
    kept = [row for row in rows if abs(row[1]) < 5]
    _write_rows(path, kept)
    _write_rows(folder / "summary.csv", [(len(kept), math.fsum(value for _, value in kept) / len(kept))])
    (folder / "notes.txt").unlink()
    run_notebook(folder)


def run_notebook(folder: Path) -> None:
    """Run the cells in ``folder`` and write ``analysis.ipynb`` with what they printed."""
    done = subprocess.run(
        [sys.executable, "-c", _KERNEL],
        input=json.dumps(_CELLS),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StepFailed(f"the notebook could not be run: {done.stderr.strip()}")
    cells = [
        _code_cell(number, *pair)
        for number, pair in enumerate(zip(_CELLS, json.loads(done.stdout), strict=True), 1)
    ]
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Measurements"}
    notebook = {
        "cells": [title, *cells],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / "analysis.ipynb").write_text(json.dumps(notebook, indent=1) + "\n", "utf-8")


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below ``folder`` with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _code_cell(number: int, source: str, printed: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": number,
        "id": f"cell-{number}",
        "metadata": {},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": printed}],
        "source": source,
    }


def _measurement(number: int) -> float:
    value = math.sin(number / 7) + math.cos(number * 1.7) / 3
    return value * (40 if number % 331 == 5 else 1)


def _write_rows(path: Path, rows: list[tuple[int, float]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("number", "value"))
        writer.writerows((number, f"{value:.6f}") for number, value in rows)
