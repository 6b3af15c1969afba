from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from jvs_core import Repository
from tests.jupyter.papermill.support import Papermill, Workspace, environment, wait_until, write_notebook
from tests.support.filesystems import loop_filesystem

SLEEPING = "open('began', 'w').close()\nimport time\ntime.sleep(300)"


@contextmanager
def started(workspace: Workspace, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Start papermill on a notebook that sleeps, and wait until it does."""
    workspace.notebook("sleep.ipynb", SLEEPING)
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "papermill",
            "--engine",
            "jvs",
            "--no-progress-bar",
            *args,
            "sleep.ipynb",
            "out.ipynb",
        ],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: (workspace.main / "began").exists() or child.poll() is not None)
        assert child.poll() is None, child.stdout.read() if child.stdout else ""
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def kernels_below(child: subprocess.Popen[str]) -> list[int]:
    return [kernel.pid for kernel in psutil.Process(child.pid).children(recursive=True)]


def test_a_run_is_recorded_between_two_snapshots(workspace: Workspace, papermill: Papermill) -> None:
    source = workspace.notebook(
        "in.ipynb",
        "open('made.txt', 'w').write(str(alpha))",
        "from jvs_magics import metric\nmetric('accuracy', 0.5)\nmetric('accuracy', 0.93)",
        parameters="alpha = 1",
    )
    papermill("in.ipynb", "out.ipynb", "-p", "alpha", "3")
    run = workspace.only_run()
    assert (run.outcome, run.error, run.parameters) == ("ok", None, {"alpha": 3})
    assert (run.notebook, run.input_path, run.output_path) == ("in.ipynb", "in.ipynb", "out.ipynb")
    assert run.notebook_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert run.metrics == {"accuracy": 0.93}
    assert run.duration_s is not None
    assert run.finished_at is not None
    assert run.finished_at > run.started_at
    assert [entry.path for entry in workspace.repository.ls(run.before_snapshot_id)] == ["in.ipynb"]
    assert workspace.in_snapshot(run.after_snapshot_id, "made.txt") == b"3"
    kinds = [item.descriptor.kind for item in workspace.repository.history()]
    assert kinds == ["run", "run"]
    assert workspace.in_snapshot(run.after_snapshot_id, "out.ipynb") == Path("out.ipynb").read_bytes()
    written = json.loads(Path("out.ipynb").read_bytes())["metadata"]["jvs"]
    assert written["run_id"] == run.run_id
    assert (written["before_snapshot_id"], written["after_snapshot_id"]) == (
        run.before_snapshot_id,
        run.after_snapshot_id,
    )
    assert written["outcome"] == "ok"
    assert workspace.repository.status().clean
    assert workspace.repository.locks.status().state == "free"
    assert workspace.audited()[1:] == [
        "lock_acquire", "snapshot", "run_start", "snapshot", "run_finish", "lock_release",
    ]  # fmt: skip


def test_the_record_has_the_contracts_fields(workspace: Workspace, papermill: Papermill) -> None:
    workspace.notebook("in.ipynb", "1")
    papermill("in.ipynb", "out.ipynb")
    assert list(workspace.only_run().to_json()) == [
        "run_id",
        "notebook",
        "input_path",
        "output_path",
        "worktree",
        "parameters",
        "outcome",
        "error",
        "before_snapshot_id",
        "after_snapshot_id",
        "notebook_sha256",
        "environment_digest",
        "git_commit",
        "host",
        "attempt",
        "started_at",
        "finished_at",
        "duration_s",
        "metrics",
        "reproduces",
        "command",
        "exit_status",
        "inputs",
        "outputs",
        "outputs_total",
        "left_behind",
        "failed_cell",
        "name",
        "note",
        "work",
        "sweep",
    ]


def test_a_failed_cell_is_recorded_and_the_snapshot_holds_the_final_file(
    workspace: Workspace, papermill: Papermill
) -> None:
    workspace.notebook("in.ipynb", "1/0", "open('never', 'w')")
    assert "ZeroDivisionError" in papermill("in.ipynb", "out.ipynb", status=1).stderr
    run = workspace.only_run()
    assert run.outcome == "cell_error"
    assert run.error is not None
    assert "ZeroDivisionError: division by zero" in run.error
    final = Path("out.ipynb").read_bytes()
    assert b"papermill-error-cell" in final
    assert json.loads(final)["metadata"]["jvs"]["outcome"] == "cell_error"
    assert workspace.in_snapshot(run.after_snapshot_id, "out.ipynb") == final
    assert workspace.repository.locks.status().state == "free"


@pytest.mark.parametrize(
    ("cell", "options", "outcome", "words", "status"),
    [
        ("import sys; sys.exit(0)", (), "early_exit", "SystemExit", 1),
        ("import sys; sys.exit(3)", (), "cell_error", "SystemExit: 3", 1),
        ("import os; os.kill(os.getpid(), 9)", (), "kernel_died", "DeadKernelError", 138),
        ("1", ("--kernel", "broken"), "kernel_died", "died", 1),
        ("import time; time.sleep(60)", ("--execution-timeout", "1"), "cell_error", "CellTimeoutError", 1),
    ],
    ids=["exit 0", "exit 3", "kernel killed", "kernel does not start", "timeout"],
)
def test_every_outcome_is_true(
    workspace: Workspace,
    papermill: Papermill,
    cell: str,
    options: tuple[str, ...],
    outcome: str,
    words: str,
    status: int,
) -> None:
    workspace.notebook("in.ipynb", cell, "open('never', 'w')")
    papermill("in.ipynb", "out.ipynb", *options, status=status)
    run = workspace.only_run()
    assert run.outcome == outcome
    assert run.error is not None
    assert words in run.error
    assert not Path("never").exists()
    assert workspace.in_snapshot(run.before_snapshot_id, "in.ipynb")
    assert workspace.in_snapshot(run.after_snapshot_id, "out.ipynb") == Path("out.ipynb").read_bytes()
    assert json.loads(Path("out.ipynb").read_bytes())["metadata"]["jvs"]["outcome"] == outcome
    assert workspace.repository.locks.status().state == "free"


@pytest.mark.parametrize(
    ("number", "outcome"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
def test_a_signal_ends_the_run_with_a_record(
    workspace: Workspace, number: signal.Signals, outcome: str
) -> None:
    with started(workspace) as child:
        child.send_signal(number)
        assert child.wait(timeout=60) != 0
    run = workspace.only_run()
    assert run.outcome == outcome
    assert run.after_snapshot_id is not None
    assert workspace.recorded(run.run_id)["outcome"] == outcome
    assert workspace.repository.locks.status().state == "free"


def test_a_killed_run_leaves_its_record_and_is_lost_when_the_lease_ends(workspace: Workspace) -> None:
    config = workspace.repository.root / ".jvs" / "config.toml"
    config.write_text(
        config.read_text().replace("duration_ms = 30000", "duration_ms = 4000").replace("10000", "1000")
    )
    with started(workspace) as child:
        orphans = kernels_below(child)
        child.kill()
        child.wait(timeout=60)
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    repository = Repository.open(workspace.main)
    run = repository.runs.all()[0]
    assert workspace.recorded(run.run_id)["outcome"] == "started"
    assert workspace.in_snapshot(run.before_snapshot_id, "sleep.ipynb")
    wait_until(lambda: repository.runs.get(run.run_id).outcome == "lost")
    assert workspace.recorded(run.run_id)["outcome"] == "started", "reading changes nothing"
    assert [swept.run_id for swept in repository.runs.sweep_lost()] == [run.run_id]
    assert workspace.recorded(run.run_id)["outcome"] == "lost"
    assert repository.runs.sweep_lost() == []
    assert workspace.audited()[-1] == "run_finish"


def test_a_new_run_does_not_wait_for_the_lease_of_a_dead_one(
    workspace: Workspace, papermill: Papermill
) -> None:
    with started(workspace) as child:
        orphans = kernels_below(child)
        child.kill()
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    workspace.notebook("in.ipynb", "1")
    papermill("in.ipynb", "out.ipynb")
    assert [run.outcome for run in workspace.repository.runs.all()] == ["ok", "lost"]
    assert workspace.repository.locks.status().state == "free"


def test_two_runs_never_share_a_worktree(workspace: Workspace, papermill: Papermill) -> None:
    workspace.notebook("in.ipynb", "1")
    with started(workspace):
        said = papermill("in.ipynb", "out2.ipynb", status=1).stderr
        assert "is running in worktree 'main'" in said
        assert len(workspace.repository.runs.all()) == 1
        assert workspace.repository.locks.status().state == "held"


def test_a_run_started_by_a_notebook_of_a_run_is_part_of_it(
    workspace: Workspace, papermill: Papermill
) -> None:
    workspace.notebook("inner.ipynb", "1")
    workspace.notebook(
        "outer.ipynb",
        "import papermill\npapermill.execute_notebook('inner.ipynb', 'inner-out.ipynb', engine_name='jvs', progress_bar=False)",
    )
    papermill("outer.ipynb", "out.ipynb")
    runs = workspace.repository.runs.all()
    assert [(run.notebook, run.outcome) for run in runs] == [("inner.ipynb", "ok"), ("outer.ipynb", "ok")]
    assert workspace.repository.locks.status().state == "free"


def test_a_lock_that_the_session_holds_is_used_and_kept(workspace: Workspace, papermill: Papermill) -> None:
    workspace.notebook("in.ipynb", "1")
    held = workspace.repository.locks.acquire()
    papermill("in.ipynb", "out.ipynb")
    found = workspace.repository.locks.status()
    assert found.lock is not None
    assert (found.state, found.lock.lock_id) == ("held", held.lock_id)
    workspace.repository.locks.release()


def test_somebody_elses_lock_is_respected_and_nothing_is_run(
    workspace: Workspace, papermill: Papermill
) -> None:
    workspace.notebook("in.ipynb", "open('ran', 'w')")
    with workspace.repository.hold(purpose="mine"):
        said = papermill("in.ipynb", "out.ipynb", status=1, JVS_SESSION="other").stderr
    assert "LockConflict" in said
    assert "mine" in said
    assert not Path("ran").exists()
    assert workspace.repository.runs.all() == []


def test_cwd_moves_the_kernel_and_not_the_paths(workspace: Workspace, papermill: Papermill) -> None:
    workspace.notebook("in.ipynb", "open('made', 'w').close()")
    Path("work").mkdir()
    papermill("in.ipynb", "out.ipynb", "--cwd", "work")
    run = workspace.only_run()
    assert (run.input_path, run.output_path) == ("in.ipynb", "out.ipynb")
    assert workspace.in_snapshot(run.after_snapshot_id, "work/made") == b""


def test_pipes_and_snapshot_paths_work(workspace: Workspace, papermill: Papermill) -> None:
    source = workspace.notebook("in.ipynb", "print(6 * 7)")
    text = source.read_text()
    snapshot = workspace.repository.snapshot("first", lock=True)
    source.write_text("gone")
    done = papermill(f"jvs://{snapshot.snapshot_id[:20]}/in.ipynb", "-")
    written = json.loads(done.stdout)
    assert written["cells"][0]["outputs"][0]["text"] in ("42\n", ["42\n"])
    run = workspace.only_run()
    assert (run.notebook, run.output_path, run.outcome) == ("in.ipynb", "-", "ok")
    assert run.notebook_sha256 == hashlib.sha256(text.encode()).hexdigest()
    piped = subprocess.run(
        [sys.executable, "-m", "papermill", "--engine", "jvs"],
        env=environment(), input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(piped.stdout)["metadata"]["jvs"]["outcome"] == "ok"


def test_prepare_only_records_nothing(workspace: Workspace, papermill: Papermill) -> None:
    workspace.notebook("in.ipynb", "1", parameters="alpha = 1")
    papermill("in.ipynb", "out.ipynb", "--prepare-only", "-p", "alpha", "2")
    assert Path("out.ipynb").exists()
    assert workspace.repository.runs.all() == []


def test_an_output_elsewhere_is_said_not_to_be_kept(
    workspace: Workspace, papermill: Papermill, tmp_path: Path
) -> None:
    workspace.notebook("in.ipynb", "1")
    said = papermill("in.ipynb", str(tmp_path / "out.ipynb")).stderr
    assert "the snapshots do not hold the output notebook" in said
    assert workspace.only_run().output_path == str(tmp_path / "out.ipynb")


def test_outside_a_repository_it_is_papermill_with_one_warning(
    tmp_path: Path, papermill: Papermill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path / "in.ipynb", "1")
    said = papermill("in.ipynb", "out.ipynb").stderr
    assert said.count("no JVS repository here") == 1
    assert "jvs" not in json.loads((tmp_path / "out.ipynb").read_bytes())["metadata"]
    refused = papermill("in.ipynb", "out2.ipynb", status=1, JVS_REQUIRE="1").stderr
    assert "JVS_REQUIRE=1" in refused
    assert (
        not (tmp_path / "out2.ipynb").exists()
        or "execution_count" not in (tmp_path / "out2.ipynb").read_text()
    )


@pytest.mark.realfs
def test_a_full_disk_after_the_run_is_told_and_the_lock_given_back(
    papermill: Papermill, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loop_filesystem("ext4", size=64 << 20) as small:
        workspace = Workspace(Repository.init(small.mount / "repo"), small.mount / "repo" / "main")
        monkeypatch.chdir(workspace.main)
        workspace.notebook("in.ipynb", "import os\nopen('big', 'wb').write(os.urandom(30 << 20))\nNone")
        assert "no space left" in papermill("in.ipynb", "out.ipynb", status=1).stderr
        run = workspace.only_run()
        assert run.outcome == "lost"
        assert run.after_snapshot_id is None
        assert run.error is not None
        assert "E_NO_SPACE" in run.error
        written = json.loads(Path("out.ipynb").read_bytes())["metadata"]["jvs"]
        assert (written["outcome"], written["after_snapshot_id"]) == ("lost", None)
        assert workspace.in_snapshot(run.before_snapshot_id, "in.ipynb")
        assert workspace.repository.locks.status().state == "free"
        monkeypatch.chdir("/")
        shutil.rmtree(small.mount / "repo")
