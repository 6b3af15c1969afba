from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from jvs_core import InputError, Repository
from jvs_jupyter import reproduce, run
from jvs_jupyter.runs.execute import run_one
from tests.jupyter.papermill.support import Workspace, environment, wait_until

Jvs = Callable[..., subprocess.CompletedProcess[str]]


def test_a_run_from_the_command_tells_its_outcome_by_exit_status(workspace: Workspace, jvs: Jvs) -> None:
    workspace.notebook("good.ipynb", "print(alpha)", parameters="alpha = 1")
    workspace.notebook("bad.ipynb", "1/0")
    good = json.loads(
        jvs("run", "exec", "good.ipynb", "-p", "alpha", "2.5", "-o", "out.ipynb", "--json").stdout
    )
    assert (good["outcome"], good["parameters"], good["output_path"]) == ("ok", {"alpha": 2.5}, "out.ipynb")
    bad = jvs("run", "exec", "bad.ipynb", status=10)
    assert bad.stdout.startswith("Run run-")
    assert "ZeroDivisionError" in bad.stdout
    assert Path("bad.out.ipynb").exists()
    listed = json.loads(jvs("run", "list", "--json").stdout)
    assert [(item["notebook"], item["outcome"]) for item in listed] == [
        ("bad.ipynb", "cell_error"),
        ("good.ipynb", "ok"),
    ]
    assert json.loads(jvs("run", "show", good["run_id"][-8:], "--json").stdout) == {
        **good,
        "live": False,
        "progress": None,
    }
    compared = json.loads(jvs("run", "compare", good["run_id"], listed[0]["run_id"], "--json").stdout)
    assert compared["parameters"] == {"alpha": [2.5, None]}
    assert compared["added"] == ["bad.out.ipynb"]
    same = jvs("run", "compare", good["run_id"], good["run_id"]).stdout.splitlines()
    assert same[1:] == ["  nothing differs"]
    jvs("run", "show", "nothing", status=3)
    jvs("run", "exec", "missing.ipynb", status=2)
    jvs("run", "exec", status=2)


def test_a_spec_from_a_file_or_a_pipe_is_a_run(workspace: Workspace, jvs: Jvs) -> None:
    workspace.notebook("in.ipynb", "print(alpha)", parameters="alpha = 1")
    spec = {"notebook": "in.ipynb", "parameters": {"alpha": [1, {"a": None}]}, "output": "out.ipynb"}
    Path("spec.json").write_text(json.dumps(spec))
    done = json.loads(jvs("run", "exec", "--spec", "spec.json", "--json").stdout)
    assert done["parameters"] == spec["parameters"]
    jvs("run", "exec", "--spec", "-", stdin=json.dumps(spec))
    unfit: list[object] = [{"notebook": "in.ipynb", "notes": 1}, {"notebook": ""}, [], {"notebook": 1}]
    for wrong in unfit:
        jvs("run", "exec", "--spec", "-", stdin=json.dumps(wrong), status=2)
    jvs("run", "exec", "--spec", "-", stdin="{", status=2)
    jvs("run", "exec", "--spec", "missing.json", status=2)


def test_an_isolated_run_touches_nothing_but_what_was_asked_for(workspace: Workspace) -> None:
    workspace.notebook(
        "deep/in.ipynb",
        "import os\nopen('made.txt', 'w').write(os.getcwd())",
        "1 / alpha",
        parameters="alpha = 1",
    )
    Path("deep/data.txt").write_text("data")
    record = run("deep/in.ipynb", {"alpha": 2}, isolate=True, output="out.ipynb", outputs="all", cwd="deep")
    assert record.outcome == "ok"
    assert sorted(str(path) for path in Path().rglob("*") if path.is_file()) == [
        "all/deep/made.txt", "all/out.ipynb", "deep/data.txt", "deep/in.ipynb", "out.ipynb",
    ]  # fmt: skip
    assert Path("all/deep/made.txt").read_text().endswith(f"worktrees/{record.worktree}/deep")
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main"]
    failed = run("deep/in.ipynb", {"alpha": 0}, from_=record.before_snapshot_id)
    assert failed.outcome == "cell_error"
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main", failed.worktree]
    assert (workspace.repository.worktrees.path(failed.worktree) / "deep" / "in.out.ipynb").exists()
    record = run("deep/in.ipynb", {"alpha": 0}, isolate=True, keep="none")
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main", failed.worktree]


def test_run_one_takes_json_and_gives_json(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", "1")
    answer = json.loads(json.dumps(run_one({"notebook": "in.ipynb", "isolate": True})))
    assert answer["outcome"] == "ok"
    with pytest.raises(InputError, match="notebok"):
        run_one({"notebook": "in.ipynb", "notebok": 1})


def test_metrics_of_scrapbook_are_read_too(workspace: Workspace) -> None:
    pytest.importorskip("scrapbook")
    workspace.notebook(
        "in.ipynb",
        "import scrapbook as sb\nsb.glue('auc', 0.75)\nsb.glue('name', 'forest')\nsb.glue('shape', {'a': [1, 2]})",
        "from jvs_magics import metric\nimport math\nmetric('loss', math.inf)\nmetric('n', 3)",
    )
    assert run("in.ipynb").metrics == {
        "auc": 0.75, "name": "forest", "shape": {"a": [1, 2]}, "loss": "inf", "n": 3,
    }  # fmt: skip


def test_a_killed_isolated_run_is_found_and_what_it_made_is_saved(workspace: Workspace) -> None:
    workspace.notebook(
        "in.ipynb", "open('made.txt', 'w').write('worth keeping')\nimport time\ntime.sleep(600)"
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "jvs_core.cli", "run", "exec", "in.ipynb", "--isolate"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: list(workspace.repository.root.glob("worktrees/run-*/made.txt")) or child.poll())
        orphans = psutil.Process(child.pid).children(recursive=True)
    finally:
        child.kill()
        child.wait()
    for orphan in orphans:
        orphan.kill()
    psutil.wait_procs(orphans)
    repository = Repository.open(workspace.main)
    found = [finding for finding in repository.doctor(strict=True).findings if finding.severity != "info"]
    assert [(finding.code, finding.repair) for finding in found] == [("W_INTENT_ABANDONED", "clean_intents")]
    assert repository.doctor(repairs=["clean_intents"], strict=True).healthy
    assert [info.name for info in repository.worktrees.all()] == ["main"]
    saved = repository.history(every=True, tag="run", limit=1)[0].descriptor
    assert saved.note == "isolated run, interrupted"
    assert workspace.in_snapshot(saved.snapshot_id, "made.txt") == b"worth keeping"
    assert workspace.only_run().outcome == "lost"


@pytest.mark.parametrize("way", ["unneeded", "thinned"])
def test_a_run_whose_snapshots_gc_removed_says_so_and_is_not_run_again(
    workspace: Workspace, jvs: Jvs, way: str
) -> None:
    workspace.notebook("in.ipynb", "open('made.txt', 'w').write('made')")
    first = run("in.ipynb", isolate=way == "unneeded")
    run("in.ipynb")
    repository = workspace.repository
    repository.runs.require_kept(first)
    plan = repository.gc.plan() if way == "unneeded" else repository.gc.plan(keep_last=1)
    repository.gc.run(plan.plan_id)
    gone = repository.runs.gone(first)
    assert list(gone) == (["after"] if way == "unneeded" else ["before", "after"])
    shown = jvs("run", "show", first.run_id)
    assert all(f"jvs: warning: {message}" in shown.stderr for message in gone.values())
    assert json.loads(jvs("run", "show", first.run_id, "--json").stdout)["run_id"] == first.run_id
    for command in ("reproduce", "compare"):
        refused = json.loads(jvs("run", command, first.run_id, "--json", status=3).stdout)["error"]
        assert refused["code"] == "E_SNAPSHOT_EXPIRED"
        assert first.run_id in refused["message"]
        assert "jvs ref create" in refused["hint"]
    assert len(repository.runs.all()) == 2
    assert repository.doctor(strict=True).healthy


def test_a_named_run_is_kept_and_reproduced_after_a_gc(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", "open('made.txt', 'w').write('made')")
    first = run("in.ipynb", isolate=True)
    assert first.after_snapshot_id is not None
    workspace.repository.refs.create("before", first.before_snapshot_id)
    workspace.repository.refs.create("after", first.after_snapshot_id)
    run("in.ipynb")
    workspace.repository.gc.run(workspace.repository.gc.plan(keep_last=1).plan_id)
    assert workspace.repository.runs.gone(first) == {}
    assert reproduce(first).verdict == "identical"
