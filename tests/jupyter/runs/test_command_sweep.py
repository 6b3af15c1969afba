"""Sweeps over commands, and commands run again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import InputError
from jvs_jupyter import reproduce, run, sweep
from tests.jupyter.papermill.support import Workspace

Jvs = Callable[..., subprocess.CompletedProcess[str]]
PYTHON = sys.executable
TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
alpha = parser.parse_args().alpha
if alpha > 2:
    raise SystemExit("alpha is too large")
pathlib.Path("model.txt").write_text(str(alpha * 2))
with open(os.environ["JVS_RUN_DIR"] + "/metrics.jsonl", "a") as file:
    file.write(json.dumps({"score": alpha * 2}) + "\\n")
"""
COMMAND = [PYTHON, "train.py", "--alpha", "{alpha}"]


def test_a_command_is_swept_resumed_and_delivered(workspace: Workspace, jvs: Jvs) -> None:
    Path("train.py").write_text(TRAIN)
    line = [
        "run",
        "sweep",
        "--grid",
        "alpha=1,2,3",
        "--jobs",
        "2",
        "--outputs",
        "results",
        "--json",
        "--",
        *COMMAND,
    ]
    done = json.loads(jvs(*line, status=10).stdout)
    assert done["command"] == COMMAND
    assert [point["outcome"] for point in done["points"]] == ["ok", "ok", "failed"]
    assert [point["metrics"] for point in done["points"]] == [{"score": 2.0}, {"score": 4.0}, {}]
    assert done["points"][2]["error"] == "exit status 1: alpha is too large"
    assert Path("results/alpha=2/model.txt").read_text() == "4.0"
    assert not Path("model.txt").exists()
    again = json.loads(jvs(*line, status=10).stdout)
    assert [point["skipped"] for point in again["points"]] == [True, True, False]
    other = json.loads(jvs(*line, "--verbose", status=10).stdout)
    assert not any(point["skipped"] for point in other["points"])  # another command
    Path("train.py").write_text(TRAIN.replace("alpha * 2", "alpha * 3"))
    changed = json.loads(jvs(*line, status=10).stdout)
    assert [point["skipped"] for point in changed["points"]] == [False] * 3
    assert "score" in jvs("run", "sweep", "--grid", "alpha=1", "--", *COMMAND).stdout
    for wrong in (["--grid", "alpha=1"], ["in.ipynb", "--grid", "alpha=1", "--", "true"], ["--", "true"]):
        jvs("run", "sweep", *wrong, status=2)


def test_a_sweep_from_python_takes_the_words_of_a_command(workspace: Workspace) -> None:
    Path("train.py").write_text(TRAIN)
    found = sweep(COMMAND, {"alpha": [0.5, 1]}, jobs=2)
    assert found.ok
    assert found.best("score").parameters == {"alpha": 1}
    assert found.to_csv().splitlines()[1].startswith("0.5,1.0,ok,")
    assert found.title.endswith("train.py --alpha '{alpha}'")
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main"]


def test_a_command_is_reproduced_with_caches_aside(workspace: Workspace, jvs: Jvs) -> None:
    Path("helper.py").write_text("def value(): return 7\n")
    Path("train.py").write_text(
        "import helper, sys\nopen('out.txt', 'w').write(f'{helper.value()} {sys.argv[1:]}')\n"
    )
    first = run([PYTHON, "train.py", "{a}"], {"a": (1, 2)})
    found = reproduce(first)
    assert (found.verdict, found.paths) == ("identical", [])
    assert found.run.command == first.command
    assert found.run.parameters == first.parameters
    shown = json.loads(jvs("run", "reproduce", first.run_id, "--json").stdout)
    assert (shown["verdict"], shown["reproduces"]) == ("identical", first.run_id)


def test_a_command_that_differs_is_told_by_place_and_one_that_fails_now_by_outcome(
    workspace: Workspace, jvs: Jvs, tmp_path: Path
) -> None:
    Path("flaky.py").write_text("import os\nopen('out.txt', 'w').write('same ' + os.environ['JVS_RUN_ID'])\n")
    first = run([PYTHON, "flaky.py"])
    done = jvs("run", "reproduce", first.run_id, status=20)
    assert "~ out.txt: from byte" in done.stdout
    switch = tmp_path / "switch"
    depends = run(["test", "!", "-e", str(switch)])
    assert reproduce(depends).verdict == "identical"
    switch.touch()
    failed = reproduce(depends)
    assert (failed.verdict, failed.run.outcome) == ("failed", "failed")


def test_a_run_without_an_end_cannot_be_repeated(workspace: Workspace) -> None:
    before = workspace.repository.snapshot(lock=True).snapshot_id
    with workspace.repository.hold() as lease:
        begun = workspace.repository.runs.start(
            lease, command=["true"], parameters={}, before_snapshot_id=before, environment_digest="0" * 64
        )
    with pytest.raises(InputError, match="no after-snapshot"):
        reproduce(begun)
