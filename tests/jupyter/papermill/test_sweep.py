from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from jvs_core import InputError
from jvs_core.cli.main import execute
from jvs_jupyter import sweep
from jvs_jupyter.runs import grid
from jvs_jupyter.runs.normalise import equal
from tests.jupyter.papermill.support import Workspace, environment, wait_until

SCORE = "from jvs_magics import metric\nmetric('score', alpha * 10)\nopen('made.txt', 'w').write(str(alpha))"


def worktrees(workspace: Workspace) -> list[str]:
    return [info.name for info in workspace.repository.worktrees.all()]


def test_a_grid_is_read_in_order() -> None:
    read = grid.parse(["alpha=0.1,1,x", "seed=0:3", "odd=1:6:2"])
    assert read == {"alpha": [0.1, 1, "x"], "seed": [0, 1, 2], "odd": [1, 3, 5]}
    assert grid.points({"a": [1, 2], "b": (True, None)}) == [
        {"a": 1, "b": True}, {"a": 1, "b": None}, {"a": 2, "b": True}, {"a": 2, "b": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [["alpha"], ["alpha="], ["=1"], ["a=1,1"], ["a=1", "a=2"], ["a=0:5:0"], ["a=0:1000000"], ["a=3:3"], []],
)
def test_a_senseless_grid_is_refused(texts: list[str]) -> None:
    with pytest.raises(InputError):
        grid.points(grid.parse(texts))


def test_labels_of_points_are_names_of_files_and_differ() -> None:
    assert grid.label({"a": 1, "b": "x"}) == "a=1,b=x"
    one, other = grid.label({"a": "x/y"}), grid.label({"a": "x:y"})
    assert one != other
    assert "/" not in one + other


def test_every_point_runs_by_itself_and_failures_stay_for_debugging(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", "if alpha == 3: 1 / 0", SCORE, parameters="alpha = 1")
    found = sweep("in.ipynb", {"alpha": [1, 2, 3]}, executor=ThreadPoolExecutor(2), outputs="results")
    assert [point.outcome for point in found.points] == ["ok", "ok", "cell_error"]
    assert workspace.repository.doctor(strict=True).findings == []
    assert not found.ok
    assert sorted(os.listdir()) == ["in.ipynb", "results"]
    assert sorted(os.listdir("results")) == ["in.alpha=1.ipynb", "in.alpha=2.ipynb"]
    for point in found.points[:2]:
        assert point.run is not None
        made = workspace.in_snapshot(point.run.after_snapshot_id, "made.txt")
        assert made == str(point.parameters["alpha"]).encode()
        assert point.run.before_snapshot_id == found.before_snapshot_id
    failed = found.points[2].run
    assert failed is not None
    assert worktrees(workspace) == ["main", failed.worktree]
    assert found.best("score").parameters == {"alpha": 2}
    assert [row["score"] for row in found.table()] == [10, 20, None]
    assert found.plot("score").axes[0].get_lines()[0].get_ydata().tolist() == [10, 20]
    assert "<td>cell_error</td>" in found._repr_html_()
    with pytest.raises(InputError, match="loss"):
        found.best("loss")

    workspace.repository.worktrees.remove(failed.worktree, force=True)
    again = sweep("in.ipynb", {"alpha": [1, 2, 3, 4]}, outputs="results", jobs=2)
    assert [(point.outcome, point.skipped) for point in again.points] == [
        ("ok", True), ("ok", True), ("cell_error", False), ("ok", False),
    ]  # fmt: skip
    assert again.before_snapshot_id == found.before_snapshot_id
    retried = again.points[2].run
    assert retried is not None
    assert retried.attempt == 2


def test_another_file_but_a_cache_makes_every_point_new(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", SCORE, parameters="alpha = 1")
    sweep("in.ipynb", {"alpha": [1]}, jobs=1)
    Path("__pycache__").mkdir()
    Path("__pycache__", "data.pyc").write_text("made again by itself")
    assert sweep("in.ipynb", {"alpha": [1]}, jobs=1).points[0].skipped
    Path("data.txt").write_text("changed")
    assert not sweep("in.ipynb", {"alpha": [1]}, jobs=1).points[0].skipped
    assert sweep("in.ipynb", {"alpha": [1]}, jobs=1).points[0].skipped
    assert not sweep("in.ipynb", {"alpha": [1]}, jobs=1, resume=False).points[0].skipped


def test_the_command_sweeps_in_processes_with_table_and_plot(
    workspace: Workspace, jvs: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    workspace.notebook("in.ipynb", SCORE, parameters="alpha = 1\nbeta = 1")
    options = ("--jobs", "2", "--table", "table.csv", "--plot", "score", "plot.svg")
    done = jvs("run", "sweep", "in.ipynb", "--grid", "alpha=1:3", "-p", "beta", "5", *options, "--json")
    value = json.loads(done.stdout)
    assert (value["ok"], value["failed"], value["skipped"]) == (2, 0, 0)
    with open("table.csv", encoding="utf-8") as file:
        assert [row["score"] for row in csv.DictReader(file)] == ["10", "20"]
    assert "<svg" in Path("plot.svg").read_text()
    second = jvs("run", "sweep", "in.ipynb", "--grid", "alpha=1:3", "-p", "beta", "5", *options)
    assert "2 of 2 points ok, 2 of them before" in second.stdout
    assert worktrees(workspace) == ["main"]
    jvs("run", "sweep", "in.ipynb", status=2)
    jvs("run", "sweep", "in.ipynb", "--grid", "alpha=1", "--executor", "slurm", status=2)


def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_runs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.notebook("in.ipynb", SCORE, parameters="alpha = 1\nbeta = 1")
    monkeypatch.setattr("jvs_jupyter.run_commands.sweep.find_spec", lambda name: None)
    with pytest.raises(InputError, match="matplotlib"):
        execute(["run", "sweep", "in.ipynb", "--grid", "alpha=1", "--plot", "score", "plot.svg"])
    assert workspace.repository.runs.all() == []


def test_a_sweep_goes_on_after_its_driver_was_killed(workspace: Workspace) -> None:
    workspace.notebook(
        "in.ipynb",
        "import os, pathlib, time\nif alpha == 2 and os.path.exists(marker): time.sleep(300)",
        SCORE,
        parameters="alpha = 1\nmarker = ''",
    )
    marker = workspace.repository.root / "slow"
    marker.touch()
    command = [sys.executable, "-m", "jvs_core.cli", "run", "sweep", "in.ipynb", "--grid", "alpha=1,2", "--jobs", "1", "-p", "marker", str(marker)]  # fmt: skip
    child = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: [run.outcome for run in workspace.repository.runs.all()][::-1] == ["ok", "started"])
    workers = descendants(child.pid)
    child.kill()
    child.wait()
    for pid in workers:
        with_no_process(pid)
    marker.unlink()
    again = sweep("in.ipynb", {"alpha": [1, 2]}, parameters={"marker": str(marker)}, jobs=1)
    assert [(point.outcome, point.skipped) for point in again.points] == [("ok", True), ("ok", False)]
    assert [run.outcome for run in workspace.repository.runs.all()].count("ok") == 2


def test_ctrl_c_stops_a_sweep_with_records(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", "import time\ntime.sleep(300)", parameters="alpha = 1")
    command = [
        sys.executable,
        "-m",
        "jvs_core.cli",
        "run",
        "sweep",
        "in.ipynb",
        "--grid",
        "alpha=1:9",
        "--jobs",
        "1",
    ]
    child = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(workspace.repository.runs.all()) == 1)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130
    assert "Traceback" not in said
    assert [run.outcome for run in workspace.repository.runs.all()] == ["terminated"]


def test_dask_may_lose_a_worker_and_loses_no_point(workspace: Workspace) -> None:
    distributed = pytest.importorskip("distributed")
    workspace.notebook(
        "in.ipynb",
        "import os, pathlib, time\n"
        "pathlib.Path(here, f'{alpha}-{os.getppid()}').touch()\n"
        "while not pathlib.Path(here, 'killed').exists(): time.sleep(0.05)",
        SCORE,
        parameters="alpha = 1\nhere = ''",
    )
    here = workspace.repository.root / "begun"
    here.mkdir()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def kill_a_worker() -> None:
            wait_until(lambda: any(here.iterdir()))
            os.kill(int(next(here.iterdir()).name.partition("-")[2]), signal.SIGKILL)
            (here / "killed").touch()

        killer = threading.Thread(target=kill_a_worker)
        killer.start()
        executor: Any = client.get_executor(pure=False, retries=0)
        found = sweep("in.ipynb", {"alpha": range(4)}, executor=executor, parameters={"here": str(here)})
        killer.join()
    assert found.ok, found.to_json()
    assert [point.parameters["alpha"] for point in found.points] == [0, 1, 2, 3]
    runs = workspace.repository.runs.all()
    good = [run.point for run in runs if run.outcome == "ok"]
    assert len(good) == len(set(good)) == 4
    begun = [path.name for path in here.iterdir() if path.name != "killed"]
    assert len(begun) == 5, "the point of the killed worker was run again"
    assert len(runs) == 5


def descendants(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def with_no_process(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        time.sleep(0.02)


def notebook(**changes: Any) -> bytes:
    cell = {
        "cell_type": "code",
        "id": changes.get("id", "a"),
        "metadata": {"papermill": {"duration": changes.get("took", 1)}, "tags": ["t"]},
        "execution_count": 1,
        "source": ["print(", "1)"],
        "outputs": changes.get("outputs", [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}]),
    }
    metadata = {
        "papermill": {"start_time": changes.get("took", 1)},
        "jvs": {"run_id": changes.get("id", "a")},
    }
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def test_notebooks_that_differ_in_times_ids_and_places_are_equal() -> None:
    assert equal(notebook(), notebook(id="b", took=2))
    cut = [
        {"output_type": "stream", "name": "stdout", "text": "1"},
        {"output_type": "stream", "name": "stdout", "text": "\n"},
    ]
    assert equal(notebook(), notebook(outputs=cut))

    def shown(text: str) -> bytes:
        return notebook(
            outputs=[{"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}}]
        )

    assert equal(shown("<object at 0x7f3a2b4c>"), shown("<object at 0x7f00aa11bb22>"))
    assert equal(shown("run-1795929026054-8addfd3a"), shown("run-1795929029509-3155bd65"))
    assert not equal(shown("1795929026054-8addfd3"), shown("1795929029509-3155bd6"))
    assert equal(shown("/repo/worktrees/a/x"), shown("/repo/main/x"), ["/repo/worktrees/a", "/repo/main"])


@pytest.mark.parametrize(
    "other",
    [
        notebook(outputs=[{"output_type": "stream", "name": "stdout", "text": ["2\n"]}]),
        notebook(outputs=[{"output_type": "stream", "name": "stderr", "text": ["1\n"]}]),
        notebook(outputs=[]),
        b"{}",
        b"no json",
    ],
)
def test_notebooks_that_differ_in_anything_else_are_not_equal(other: bytes) -> None:
    assert not equal(notebook(), other)


def test_a_result_that_gc_removed_cannot_be_delivered_and_its_point_says_so(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", SCORE, parameters="alpha = 1")
    sweep("in.ipynb", {"alpha": [1, 2]}, executor=ThreadPoolExecutor(2), outputs="results")
    workspace.repository.gc.run(workspace.repository.gc.plan().plan_id)
    Path("results", "in.alpha=2.ipynb").unlink()
    again = sweep("in.ipynb", {"alpha": [1, 2]}, executor=ThreadPoolExecutor(2), outputs="results")
    assert [(point.skipped, point.outcome) for point in again.points] == [(True, "ok")] * 2
    assert again.points[0].error is None
    assert "removed by gc" in str(again.points[1].error)
