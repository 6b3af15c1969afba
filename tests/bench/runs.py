"""What recording costs: the engine on one cell, listing records, sweeps against the same pool without JVS.

``python -m tests.bench.runs [engine] [list] [sweep] [commands]`` prints one line a figure. Each engine figure is the median of
alternating pairs, so that a busy machine burdens both sides alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import papermill

from jvs_core import Repository
from jvs_jupyter import sweep
from jvs_jupyter.runs.pool import processes
from tests.jupyter.papermill.support import write_notebook

PAIRS = 7
# Waits rather than computes, so that what is measured is JVS and not how two processors share four busy processes.
_TRAIN = "import sys, time\ntime.sleep(2)\nopen('model.txt', 'w').write(sys.argv[1])\n"
FILES = 1_000
RECORDS = 10_000
POINTS = int(os.environ.get("POINTS", "100"))
JOBS = 2


def main(parts: list[str]) -> None:
    """Measure the parts named, all when there is none."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ.update(JVS_STATE_DIR=str(folder / "state"), JVS_CACHE_DIR=str(folder / "cache"))
        for name, measure in (
            ("engine", engine),
            ("list", listing),
            ("sweep", sweeping),
            ("commands", commands),
        ):
            if not parts or name in parts:
                (folder / name).mkdir()
                measure(folder / name)


def engine(folder: Path) -> None:
    """Print what the engine adds to a one-cell notebook in a workspace of 1,000 files of 4 kB."""
    main_folder = workspace(folder)
    for number in range(FILES):
        path = main_folder / f"{number % 20}" / f"{number}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(4096))
    write_notebook(main_folder / "in.ipynb", "1")

    def once(engine_name: str | None) -> float:
        return timed(
            lambda: papermill.execute_notebook(
                "in.ipynb", "out.ipynb", engine_name=engine_name, progress_bar=False
            )
        )

    once("jvs")
    pairs = [(once(None), once("jvs")) for _ in range(PAIRS)]
    plain, added = statistics.median(a for a, _ in pairs), statistics.median(b - a for a, b in pairs)
    sys.stdout.write(f"engine: papermill {plain:.2f} s, with jvs {added:+.2f} s ({FILES} files)\n")


def listing(folder: Path) -> None:
    """Print how long listing 1,000 records takes."""
    main_folder = workspace(folder)
    write_notebook(main_folder / "in.ipynb", "1")
    papermill.execute_notebook("in.ipynb", "out.ipynb", engine_name="jvs", progress_bar=False)
    repository = Repository.open(".")
    [run] = repository.runs.all()
    runs = repository.root / ".jvs" / "runs"
    record = (runs / f"{run.run_id}.json").read_text()
    for number in range(RECORDS - 1):
        name = f"run-{number:013d}-00000000"
        (runs / f"{name}.json").write_text(record.replace(run.run_id, name))
    from jvs_core.cli.main import execute

    times = [timed(lambda: list(execute(["run", "list"]).lines)) for _ in range(PAIRS)]
    sys.stdout.write(f"list: {statistics.median(times):.2f} s for {len(repository.runs.all())} records\n")


def sweeping(folder: Path) -> None:
    """Print what snapshots and isolation add to 100 runs of a 1-second notebook (``POINTS`` in the environment: fewer) on 2 processes."""
    main_folder = workspace(folder)
    write_notebook(main_folder / "in.ipynb", "import time\ntime.sleep(1)", parameters="alpha = 0")
    outputs = folder / "outputs"
    outputs.mkdir()
    with ProcessPoolExecutor(JOBS, mp_context=get_context("spawn")) as pool:
        list(pool.map(plain_run, [("in.ipynb", str(outputs / f"warm{n}.ipynb"), n) for n in range(JOBS)]))
        points = [("in.ipynb", str(outputs / f"{n}.ipynb"), n) for n in range(POINTS)]
        plain = timed(lambda: list(pool.map(plain_run, points)))
    with processes(JOBS) as pool:
        sweep("in.ipynb", {"alpha": [-1, -2]}, executor=pool, outputs=outputs)
        took = timed(lambda: sweep("in.ipynb", {"alpha": range(POINTS)}, executor=pool, outputs=outputs))
    sys.stdout.write(
        f"sweep: papermill {plain:.1f} s, jvs {took:.1f} s, {100 * (took / plain - 1):+.0f} % ({POINTS} points)\n"
    )


def commands(folder: Path) -> None:
    """Print what snapshots and isolation add to 100 commands of two seconds of work each on 2 processes.

    Both sides alternate in halves, so that a busy machine burdens them alike.
    """
    main_folder = workspace(folder)
    (main_folder / "train.py").write_text(_TRAIN)
    template = [sys.executable, "train.py", "{alpha}"]
    plain = took = 0.0
    size = max(POINTS // 2, JOBS)
    with ThreadPoolExecutor(JOBS) as bare, processes(JOBS) as pool:
        sweep(template, {"alpha": [-1, -2]}, executor=pool)
        for start in range(0, POINTS, size):
            alphas = range(start, start + size)
            lines = [[*template[:2], str(alpha)] for alpha in alphas]
            plain += timed(lambda lines=lines: list(bare.map(plain_command, lines)))  # type: ignore[misc]
            took += timed(lambda alphas=alphas: sweep(template, {"alpha": alphas}, executor=pool))  # type: ignore[misc]
    sys.stdout.write(
        f"commands: bare pool {plain:.1f} s, jvs {took:.1f} s, {100 * (took / plain - 1):+.0f} % ({POINTS} points)\n"
    )


def plain_command(line: list[str]) -> None:
    """Run one command."""
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


def plain_run(point: tuple[str, str, int]) -> None:
    """Run one point with papermill's engine."""
    source, target, alpha = point
    papermill.execute_notebook(source, target, parameters={"alpha": alpha}, progress_bar=False)


def workspace(folder: Path) -> Path:
    """Make a repository and go into its worktree."""
    repository = Repository.init(folder / "repo")
    main_folder = repository.root / "main"
    os.chdir(main_folder)
    return main_folder


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1:])
