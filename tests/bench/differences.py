"""What changed: ``compare --stat`` beside ``compare`` in a large worktree, and the inside of a notebook.

``python -m tests.bench.differences [--folder DIR] [--files N] [--runs N]``
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jvs_core import Repository
from jvs_core.differences.bounds import Bounds
from jvs_core.differences.inside import difference
from jvs_core.differences.version import given

_CHANGED = 10
_CELLS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line a figure: median milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        own = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
        os.environ.update(own)
        _trees(folder / "repo", options.files, options.runs)
    _notebooks(options.runs)
    return 0


def _trees(root: Path, files: int, runs: int) -> None:
    repository = Repository.init(root)
    main = root / "main"
    for number in range(files):
        place = main / f"d{number % 100}" / f"f{number}.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"{number}\n" * 40)
    repository.snapshot("all", lock=True)
    for number in range(_CHANGED):
        (main / f"d{number}" / f"f{number}.txt").write_text(f"changed {number}\n" * 40)
    lines = {
        "compare": ["compare"],
        "compare --stat": ["compare", "--stat"],
        "compare --patch": ["compare", "--patch"],
    }
    found: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(runs):  # in turns, so that what else the machine does is spread over all
        for name, line in lines.items():
            found[name].append(_timed(lambda line=line: _jvs(main, *line)))  # type: ignore[misc]  # mypy#12557
    plain = statistics.median(found["compare"])
    for name, seconds in found.items():
        middle = statistics.median(seconds)
        print(
            f"{name}, {files:,} files, {_CHANGED} changed: {middle * 1000:.0f} ms, {middle / plain:.2f} × compare"
        )


def _notebooks(runs: int) -> None:
    random.seed(1)
    old = {
        "cells": [_cell(number) for number in range(_CELLS)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    edited = copy.deepcopy(old)
    for at in (5, 50, 90, 120, 170):
        edited["cells"][at]["source"] += "\nprint(1)"  # type: ignore[index]
    rerun = copy.deepcopy(edited)
    for cell in rerun["cells"]:  # type: ignore[attr-defined]
        cell["outputs"][0]["text"] = cell["outputs"][0]["text"].replace("loss", "loss:")
        cell["outputs"][1]["data"]["image/png"] = _picture()
    for name, new in (("5 cells edited", edited), ("run again, all outputs other ones", rerun)):
        both = [json.dumps(each).encode() for each in (old, new)]
        size = sum(map(len, both)) / 2e6

        def compare(both: list[bytes] = both) -> None:
            found = difference("a.ipynb", given(both[0]), given(both[1]), change="modified", bounds=Bounds())
            json.dumps(found.to_json())

        before = time.process_time()
        seconds = statistics.median(_timed(compare) for _ in range(runs))
        own = (time.process_time() - before) / runs
        print(
            f"a notebook of {_CELLS} cells and {size:.1f} MB, {name}: {seconds * 1000:.0f} ms, processor {own * 1000:.0f} ms"
        )


def _cell(number: int) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{number}",
        "metadata": {},
        "execution_count": number,
        "source": "\n".join(
            f"x{number}_{line} = compute({number}, {line}, {random.random():.3f})" for line in range(12)
        ),
        "outputs": [
            {
                "output_type": "stream",
                "name": "stdout",
                "text": "".join(f"{k} loss {random.random():.4f}\n" for k in range(20)),
            },
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"image/png": _picture(), "text/plain": "<Figure>"},
            },
        ],
    }


def _picture() -> str:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.frombytes("L", (160, 120), random.randbytes(160 * 120)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _jvs(folder: Path, *line: str) -> None:
    subprocess.run([sys.executable, "-m", "jvs_core.cli", *line], cwd=folder, check=True, capture_output=True)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
