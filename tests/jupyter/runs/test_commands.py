"""Runs of commands, each a real process: what became of them, and what is recorded of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from jvs_core import InputError, JvsError, Repository
from jvs_jupyter import run
from jvs_jupyter.runs.execute import run_one
from tests.conftest import Mounts
from tests.jupyter.papermill.support import Workspace, environment, wait_until
from tests.support.filesystems import LOOP_KINDS, loop_filesystem, read_only

Jvs = Callable[..., subprocess.CompletedProcess[str]]
PYTHON = sys.executable


def started(*args: str) -> subprocess.Popen[str]:
    """Start ``jvs run exec`` with arguments."""
    return subprocess.Popen(
        [PYTHON, "-m", "jvs_core.cli", "run", "exec", *args],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_good_command_is_recorded_with_what_it_made(workspace: Workspace, jvs: Jvs) -> None:
    Path("train.py").write_text(
        "import json, os, sys\n"
        "open('model.txt', 'w').write(sys.argv[2])\n"
        "with open(os.environ['JVS_RUN_DIR'] + '/metrics.jsonl', 'a') as file:\n"
        "    file.write(json.dumps({'accuracy': 0.5, 'n': 1}) + '\\n')\n"
        "    file.write(json.dumps({'name': 'accuracy', 'value': 0.75}) + '\\n')\n"
        "print('id', os.environ['JVS_RUN_ID'])\n"
    )
    done = jvs(
        "run", "exec", "-p", "alpha=0.5", "--json", "--", PYTHON, "train.py", "--alpha", "{alpha}", "{x}"
    )
    record = json.loads(done.stdout)
    assert (record["outcome"], record["exit_status"], record["error"]) == ("ok", 0, None)
    assert record["command"] == [PYTHON, "train.py", "--alpha", "0.5", "{x}"]
    assert record["parameters"] == {"alpha": 0.5}
    assert record["metrics"] == {"accuracy": 0.75, "n": 1}
    assert (record["inputs"], record["outputs"], record["outputs_total"]) == (["train.py"], ["model.txt"], 1)
    assert f"id {record['run_id']}" in done.stderr
    assert record["notebook"] is None
    assert workspace.in_snapshot(record["after_snapshot_id"], "model.txt") == b"0.5"
    assert json.loads(jvs("run", "show", record["run_id"], "--json").stdout) == {
        **record,
        "live": False,
        "progress": None,
    }
    assert "train.py --alpha 0.5" in jvs("run", "list").stdout
    assert workspace.repository.doctor(strict=True).healthy


@pytest.mark.parametrize(
    ("script", "outcome", "status", "said"),
    [
        ("exit 3", "failed", 3, "exit status 3"),
        ("exit 137", "failed", 137, "exit status 137 (128 + signal 9 (SIGKILL))"),
        ("kill -9 $$", "killed", 137, "killed by signal 9 (SIGKILL)"),
        ("kill -SEGV $$", "killed", 139, "killed by signal 11 (SIGSEGV)"),
        ("kill -TERM $$", "killed", 143, "killed by signal 15 (SIGTERM)"),
    ],
)
def test_a_command_that_fails_is_told_by_how_it_ended(
    workspace: Workspace, jvs: Jvs, script: str, outcome: str, status: int, said: str
) -> None:
    done = jvs(
        "run", "exec", "--json", "--", "bash", "-c", f"echo partial > made.txt; {script}", status=status
    )
    record = json.loads(done.stdout)
    assert (record["outcome"], record["exit_status"], record["error"]) == (outcome, status, said)
    assert record["outputs"] == ["made.txt"]
    assert workspace.in_snapshot(record["after_snapshot_id"], "made.txt") == b"partial\n"


@pytest.mark.parametrize(
    ("number", "outcome", "status"),
    [
        (signal.SIGINT, "interrupted", 130),
        (signal.SIGTERM, "terminated", 143),
        (signal.SIGHUP, "terminated", 143),
    ],
)
def test_a_signal_reaches_the_command_which_may_finish_its_work(
    workspace: Workspace, number: int, outcome: str, status: int
) -> None:
    Path("work.sh").write_text(
        "trap 'echo saved > saved.txt; exit 0' INT TERM HUP\necho up > up.txt\nwhile :; do sleep 0.05; done\n"
    )
    child = started("--json", "--", "bash", "work.sh")
    wait_until(lambda: Path("up.txt").exists() or child.poll() is not None)
    child.send_signal(number)
    out, _ = child.communicate(timeout=60)
    record = json.loads(out)
    assert (child.returncode, record["outcome"], record["exit_status"]) == (status, outcome, 0)
    assert workspace.in_snapshot(record["after_snapshot_id"], "saved.txt") == b"saved\n"
    assert workspace.repository.locks.status().state == "free"


def test_a_command_that_ignores_a_signal_is_ended_at_the_second(workspace: Workspace) -> None:
    Path("deaf.sh").write_text("trap '' INT TERM\necho up > up.txt\nwhile :; do sleep 0.05; done\n")
    child = started("--json", "--", "bash", "deaf.sh")
    wait_until(lambda: Path("up.txt").exists() or child.poll() is not None)
    below = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    out, _ = child.communicate(timeout=60)
    assert json.loads(out)["outcome"] == "terminated"
    assert not [process for process in below if process.is_running()]


def test_processes_left_behind_are_ended_and_named(workspace: Workspace, jvs: Jvs) -> None:
    Path("spawn.py").write_text(
        "import os, subprocess, sys\n"
        'daemon = \'import os, time\\nos.setsid()\\nopen("pid", "w").write(str(os.getpid()))\\ntime.sleep(600)\'\n'
        "subprocess.Popen([sys.executable, '-c', daemon], env={})\n"
        "import time\n"
        "while not os.path.exists('pid') or not open('pid').read(): time.sleep(0.01)\n"
    )
    done = jvs("run", "exec", "--json", "--", PYTHON, "spawn.py")
    record = json.loads(done.stdout)
    assert record["outcome"] == "ok"
    assert len(record["left_behind"]) == 1
    assert "time.sleep(600)" in record["left_behind"][0]
    assert not psutil.pid_exists(int(Path("pid").read_text()))
    assert "ended what the command left running" in jvs("run", "exec", "--", PYTHON, "spawn.py").stderr


def test_a_killed_recorder_takes_its_command_along_and_the_run_is_lost(workspace: Workspace) -> None:
    child = started("--", "bash", "-c", "echo $$ > pid; sleep 600")
    wait_until(lambda: (Path("pid").exists() and Path("pid").read_text().strip()) or child.poll() is not None)
    pid = int(Path("pid").read_text())
    child.kill()
    child.communicate()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    repository = Repository.open(workspace.main)
    assert repository.runs.all()[0].outcome == "started"  # its lease has not ended yet
    again = run(["true"])  # a dead run of this session makes way
    assert again.outcome == "ok"
    assert repository.runs.all()[1].outcome == "lost"


def test_nothing_is_run_on_a_read_only_repository(workspace: Workspace, mounts: Mounts) -> None:
    mounts.get(LOOP_KINDS[0])
    with read_only(workspace.repository.root):
        os.chdir(workspace.main)
        with pytest.raises(JvsError) as refused:
            run(["touch", "made.txt"])
        os.chdir("/")
    assert refused.value.code in ("E_USAGE", "E_ENGINE_FAILED")
    assert workspace.repository.runs.all() == []
    assert not (workspace.main / "made.txt").exists()


def test_a_full_disk_makes_a_good_command_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with loop_filesystem("ext4", size=160 << 20) as small:
        repository = Repository.init(small.mount / "repo", engine="copy")
        monkeypatch.chdir(repository.root / "main")
        record = run(["bash", "-c", "head -c 90000000 /dev/urandom > big.bin"])
        monkeypatch.undo()
        os.chdir("/")
    assert (record.outcome, record.exit_status, record.after_snapshot_id) == ("lost", 0, None)
    assert record.error is not None
    assert "no snapshot holds the result: E_NO_SPACE" in record.error


def test_an_isolated_command_touches_nothing_and_delivers_no_cache(workspace: Workspace, jvs: Jvs) -> None:
    Path("deep").mkdir()
    Path("deep/helper.py").write_text("value = 1\n")
    Path("deep/train.py").write_text(
        "import os, helper\nos.mkdir('out')\nopen('out/made.txt', 'w').write(os.getcwd())\nopen('keep.sh', 'w')\nos.chmod('keep.sh', 0o755)\n"
    )
    record = run([PYTHON, "train.py"], isolate=True, cwd="deep", outputs="all")
    assert record.outcome == "ok"
    delivered = sorted(str(path) for path in Path("all").rglob("*") if path.is_file())
    assert delivered == ["all/deep/keep.sh", "all/deep/out/made.txt"]
    assert os.access("all/deep/keep.sh", os.X_OK)
    assert Path("all/deep/out/made.txt").read_text().endswith(f"worktrees/{record.worktree}/deep")
    assert not Path("deep/out").exists()
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main"]
    failed = run(["false"], from_=record.before_snapshot_id)
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main", failed.worktree]


def test_metrics_come_from_a_file_that_this_run_wrote(workspace: Workspace) -> None:
    Path("scores.json").write_text('{"old": 1}')
    assert run(["true"], metrics="scores.json").metrics == {}
    written = run(["bash", "-c", """echo '{"f1": 0.5, "bad": NaN}' > scores.json"""], metrics="scores.json")
    assert written.metrics == {"f1": 0.5, "bad": "nan"}
    lines = run(["bash", "-c", """printf '{"a": 1}\\nnonsense\\n{"a": 2}\\n' > m.jsonl"""], metrics="m.jsonl")
    assert lines.metrics == {"a": 2}
    assert run(["bash", "-c", "rm -f m.jsonl; mkfifo m.jsonl"], metrics="m.jsonl").metrics == {}
    assert run(["bash", "-c", "rm -f m.jsonl; ln -s /etc/hostname m.jsonl"], metrics="m.jsonl").metrics == {}


def test_metric_reports_from_a_script(workspace: Workspace) -> None:
    Path("train.py").write_text("from jvs_magics import metric\nmetric('loss', 1.5)\nmetric('loss', 0.5)\n")
    record = run([PYTHON, "train.py"])
    assert (record.outcome, record.metrics) == ("ok", {"loss": 0.5})


def test_what_cannot_run_is_refused_before_anything_happens(workspace: Workspace, jvs: Jvs) -> None:
    for line in (
        ["run", "exec", "--", "no-such-command"],
        ["run", "exec", "--", "./no-such-file"],
        ["run", "exec"],
        ["run", "exec", "a.ipynb", "--", "true"],
        ["run", "exec", "--kernel", "python3", "--", "true"],
        ["run", "exec", "--metrics", "m.json", "a.ipynb"],
        ["run", "exec", "-p", "alpha", "--", "true"],
    ):
        jvs(*line, status=2)
    assert workspace.repository.runs.all() == []
    assert workspace.repository.history() == []
    Path("plain.txt").write_text("no program")
    with pytest.raises(InputError, match="is not executable"):
        run(["./plain.txt"])
    assert workspace.repository.runs.all() == []
    Path("plain.txt").chmod(0o755)
    record = run(["./plain.txt"])
    assert (record.outcome, record.exit_status) == ("failed", 126)
    assert record.error is not None
    assert "Exec format error" in record.error


def test_a_second_run_in_the_same_worktree_is_refused_and_one_inside_is_not(
    workspace: Workspace, jvs: Jvs
) -> None:
    child = started("--", "bash", "-c", "touch up; while [ ! -e go ]; do sleep 0.05; done")
    wait_until(lambda: Path("up").exists() or child.poll() is not None)
    refused = json.loads(jvs("run", "exec", "--json", "--", "true", status=4).stdout)["error"]
    assert refused["code"] == "E_LOCK_CONFLICT"
    Path("go").touch()
    child.communicate(timeout=60)
    assert child.returncode == 0
    inner = [PYTHON, "-m", "jvs_core.cli"]
    outer = jvs("run", "exec", "--json", "--", *inner, "run", "exec", "--", "touch", "inside")
    assert json.loads(outer.stdout)["outcome"] == "ok"
    assert [run.outcome for run in workspace.repository.runs.all()] == ["ok"] * 3


def test_values_reach_the_command_with_their_types(workspace: Workspace) -> None:
    code = "import json, os, sys; print(open(os.environ['JVS_RUN_DIR'] + '/parameters.json').read()); sys.exit(7)"
    record = run(
        [PYTHON, "-c", code, "{a}", "{b}", "{c}", "{d}"],
        {"a": float("nan"), "b": [1, (2, 3)], "c": True, "d": "{a}"},
        quiet=True,
    )
    assert record.command is not None
    assert record.command[3:] == ("nan", "[1, [2, 3]]", "True", "{a}")
    assert record.error is not None
    assert '"tuple"' in record.error  # the last of the output of a quiet command that failed
    assert record.parameters["a"] == {"$jvs": "float", "value": "nan"}
    with pytest.raises(InputError, match="'x'"):
        run(["true"], {"x": object()})


def test_a_spec_may_name_a_command(workspace: Workspace, jvs: Jvs) -> None:
    spec = {"command": ["bash", "-c", "echo {n} > n.txt"], "parameters": {"n": 3}, "isolate": True}
    answer = json.loads(json.dumps(run_one(spec)))
    assert (answer["outcome"], answer["outputs"]) == ("ok", ["n.txt"])
    jvs("run", "exec", "--spec", "-", stdin=json.dumps(spec))
    jvs("run", "exec", "--spec", "-", stdin=json.dumps({"command": []}), status=2)


def test_a_command_reads_standard_input(workspace: Workspace, jvs: Jvs) -> None:
    jvs("run", "exec", "--", "bash", "-c", "cat > got.txt", stdin="hello")
    assert Path("got.txt").read_text() == "hello"
