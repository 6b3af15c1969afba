"""Runs under way: seen, stopped, removed, and what others do meanwhile; metrics of any size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jvs_core import JvsError, LockConflict, Repository, Run
from jvs_jupyter import reproduce, run, sweep
from jvs_jupyter.runs import measures
from tests.jupyter.papermill.support import Workspace, environment, wait_until

Jvs = Callable[..., subprocess.CompletedProcess[str]]
PYTHON = sys.executable


def waiting(go: Path) -> list[str]:
    """Return a command that ends once ``go`` is there."""
    return [PYTHON, "-c", f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)"]


def under_way(repository: Repository) -> Run | None:
    """Return a run that is under way."""
    return next((found for found in repository.runs.all() if found.outcome == "started"), None)


@pytest.mark.slow
def test_one_point_of_a_sweep_is_cancelled_and_the_others_go_on(workspace: Workspace, jvs: Jvs) -> None:
    command = ["bash", "-c", "[ {a} != 1 ] || sleep 60"]
    process = subprocess.Popen(
        [
            PYTHON,
            "-m",
            "jvs_core.cli",
            "run",
            "sweep",
            "--grid",
            "a=1:3",
            "--jobs",
            "1",
            "--json",
            "--",
            *command,
        ],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: under_way(workspace.repository) is not None)
    found = under_way(workspace.repository)
    assert found is not None
    assert jvs("run", "cancel", found.run_id).stdout == f"Asked run {found.run_id} to stop\n"
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 10
    points = json.loads(said)["points"]
    assert [point["outcome"] for point in points] == ["interrupted", "ok"]
    assert points[0]["error"] == "cancelled"


def test_a_run_in_a_thread_is_cancelled_too(workspace: Workspace, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        swept = pool.submit(sweep, waiting(tmp_path / "go"), {"a": [1]}, jobs=1)
        wait_until(lambda: under_way(workspace.repository) is not None)
        found = under_way(workspace.repository)
        assert found is not None
        workspace.repository.runs.cancel(found.run_id)
        [point] = swept.result(timeout=60).points
    assert (point.outcome, point.error) == ("interrupted", "cancelled")


def test_a_record_removed_while_it_is_reproduced_harms_nothing(workspace: Workspace, tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.touch()
    made = run(waiting(go))
    go.unlink()
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(reproduce, made, repo=workspace.repository.root)
        wait_until(lambda: under_way(workspace.repository) is not None)
        found = under_way(workspace.repository)
        assert found is not None
        workspace.repository.runs.remove(made.run_id)
        with pytest.raises(LockConflict, match="is running in worktree"):
            workspace.repository.runs.remove(found.run_id)
        go.touch()
        assert again.result(timeout=60).verdict == "identical"
    assert [kept.run_id for kept in workspace.repository.runs.all()] == [found.run_id]
    assert workspace.repository.doctor(strict=True).healthy


@pytest.mark.slow
def test_two_sweeps_at_once_in_one_worktree_both_give_all_results(workspace: Workspace) -> None:
    Path("train.sh").write_text("echo $1 > model.txt; sleep 0.2\n")
    options = ["--grid", "a=0:2", "--jobs", "1", "--wait", "30"]
    sweeps = [
        subprocess.Popen(
            [PYTHON, "-m", "jvs_core.cli", "run", "sweep", *options, "--", "bash", "train.sh", "{a}"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    assert [one.wait(timeout=100) for one in sweeps] == [0, 0]
    repository = workspace.repository
    assert {found.outcome for found in repository.runs.all()} <= {"ok", "lost"}
    assert [info.name for info in repository.worktrees.all()] == ["main"]
    assert repository.doctor(strict=True).healthy


def test_a_request_of_nobody_is_not_heard(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = workspace.repository
    with repository.hold(purpose="run") as lease:
        before = repository.snapshot("before").snapshot_id
        started = repository.runs.start(
            lease, command=["true"], parameters={}, before_snapshot_id=before, environment_digest="1" * 64
        )
        live = repository.root / ".jvs" / "runs" / "live"
        live.mkdir()
        mark = repository.runs.mark()
        asked = live / f"{started.run_id}.cancel"
        asked.touch(0o600)  # somebody's lock file, moved here
        assert repository.runs.mark() != mark
        assert not repository.runs.is_cancelled(started.run_id)
        repository.runs.cancel(started.run_id)
        assert repository.runs.is_cancelled(started.run_id)
        asked.chmod(0o660)  # others of the group could have written it
        assert not repository.runs.is_cancelled(started.run_id)
        asked.chmod(0o640)
        os.link(asked, live / "second")
        assert not repository.runs.is_cancelled(started.run_id)
        (live / "second").unlink()
        assert repository.runs.is_cancelled(started.run_id)
        if os.geteuid() == 0:
            os.chown(live / f"{started.run_id}.cancel", 12345, 12345)
            assert not repository.runs.is_cancelled(started.run_id)
            repository.runs.cancel(started.run_id)  # another's request does not hide the caller's
            assert repository.runs.is_cancelled(started.run_id)
        asked.unlink()
        asked.mkdir()
        with pytest.raises(LockConflict, match="in the way"):
            repository.runs.cancel(started.run_id)
        asked.rmdir()
        repository.runs.finish(
            started.run_id, "ok", error=None, after_snapshot_id=None, duration_s=0.1, metrics={}
        )
    (live / "run-0000000000000-00000000.json").write_text("left by a kill")
    (live / "else").touch()
    repository.runs.sweep_lost()
    assert os.listdir(live) == ["else"]


@pytest.mark.parametrize("other", ["pid", "machine"])
def test_an_id_that_another_process_got_is_not_taken_for_the_run(workspace: Workspace, other: str) -> None:
    """A record that names a live process, started at another moment or on a machine that is gone."""
    repository = workspace.repository
    with repository.hold(purpose="run") as lease:
        before = repository.snapshot("before").snapshot_id
        started = repository.runs.start(
            lease, command=["true"], parameters={}, before_snapshot_id=before, environment_digest="1" * 64
        )
    place = repository.root / ".jvs" / "runs" / f"{started.run_id}.json"
    record = json.loads(place.read_text())
    if other == "pid":
        record["owner"]["process_start"] += 1
    else:
        record["owner"]["boot_id"] = "00000000-0000-4000-8000-000000000000"
    place.write_text(json.dumps(record))
    assert repository.runs.get(started.run_id).outcome == "lost"
    with pytest.raises(JvsError) as refused:
        repository.runs.cancel(started.run_id)
    assert refused.value.code == "E_FENCING_MISMATCH"
    assert [run.run_id for run in repository.runs.sweep_lost()] == [started.run_id]


def test_a_look_at_metrics_takes_what_is_whole_and_never_much(tmp_path: Path) -> None:
    lines = tmp_path / "metrics.jsonl"
    so_far = measures.SoFar(tmp_path, measures.source(tmp_path, "own.json"))
    assert so_far.look() == {}
    lines.write_text('{"a": 1}\n{"a": 2, "b": NaN}\nno json\n[1]\n{"a": 3')
    assert so_far.look() == {"a": 2, "b": "nan"}
    with lines.open("a") as file:
        file.write("}\n")
    (tmp_path / "own.json").write_text('{"c": 4}')
    assert so_far.look() == {"a": 3, "b": "nan", "c": 4}
    with lines.open("r+") as file:
        file.truncate(1 << 30)  # a hole of a GiB, and no end of a line in it
    began = time.perf_counter()
    for _ in range(5):
        assert so_far.look()["a"] == 3
    assert time.perf_counter() - began < 5
    lines.unlink()
    os.mkfifo(lines)
    assert so_far.look() == {"a": 3, "b": "nan", "c": 4}


def test_metrics_beyond_all_size_are_none_and_the_run_is_good(workspace: Workspace) -> None:
    done = run(["bash", "-c", "truncate -s 1G $JVS_RUN_DIR/metrics.jsonl"])
    assert (done.outcome, done.metrics) == ("ok", {})


def test_looking_on_ends_with_the_run(workspace: Workspace) -> None:
    run(["sleep", "1.3"])
    assert not [thread.name for thread in threading.enumerate() if thread.name == "jvs-telling"]
    assert not list((workspace.repository.root / ".jvs" / "runs").glob("live/*"))
