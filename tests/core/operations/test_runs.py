from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Lease, Repository, Run
from jvs_core.errors import (
    Conflict,
    DescriptorCorrupt,
    FencingMismatch,
    InputError,
    LockConflict,
    RunNotFound,
)

DIGEST = "0" * 64


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def start(repo: Repository, lease: Lease, **fields: Any) -> Run:
    before = repo.snapshot("before")
    return repo.runs.start(
        lease,
        notebook="a.ipynb",
        input_path="a.ipynb",
        output_path=None,
        parameters={"big": 2**70},
        before_snapshot_id=before.snapshot_id,
        notebook_sha256=DIGEST,
        environment_digest=DIGEST,
        **fields,
    )


def finish(repo: Repository, run: Run, outcome: Any = "ok") -> Run:
    return repo.runs.finish(
        run.run_id, outcome, error=None, after_snapshot_id=None, duration_s=1.0, metrics={"a": 1}
    )


def test_a_run_is_recorded_when_it_starts_and_when_it_ends(repo: Repository) -> None:
    with repo.hold() as lease:
        run = start(repo, lease)
        assert repo.runs.get(run.run_id).outcome == "started"
        finish(repo, run)
    assert repo.runs.get(run.run_id[-8:]).metrics == {"a": 1}
    assert repo.runs.get(run.run_id[:12]).parameters == {"big": 2**70}
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy


def test_a_run_that_ended_cannot_end_again(repo: Repository) -> None:
    with repo.hold() as lease:
        run = start(repo, lease)
        finish(repo, run, "cell_error")
        with pytest.raises(FencingMismatch, match="cell_error"):
            finish(repo, run)
    assert repo.runs.get(run.run_id).outcome == "cell_error"


def test_a_second_run_cannot_use_the_lock_of_the_first(repo: Repository) -> None:
    with repo.hold() as lease:
        run = start(repo, lease)
        with pytest.raises(LockConflict, match=run.run_id):
            start(repo, lease)
        with pytest.raises(LockConflict, match=run.run_id):
            repo.runs.make_way()
        start(repo, lease, within=(os.getpid(),))


def test_only_the_first_attempt_at_a_point_gives_its_result(repo: Repository) -> None:
    repo.snapshot("base", lock=True)
    repo.worktrees.create("one")
    repo.worktrees.create("two")
    with repo.hold("one") as one, repo.hold("two") as two:
        before = repo.history()[0].descriptor.snapshot_id
        common: dict[str, Any] = {
            "notebook": "a.ipynb",
            "input_path": "a.ipynb",
            "output_path": None,
            "parameters": {},
            "before_snapshot_id": before,
            "notebook_sha256": DIGEST,
            "environment_digest": DIGEST,
            "point": "1" * 64,
        }
        first, second = repo.runs.start(one, **common), repo.runs.start(two, **common)
        assert (first.attempt, second.attempt) == (1, 2)
        assert finish(repo, second).outcome == "ok"
        late = finish(repo, first)
    assert late.outcome == "lost"
    assert late.error is not None
    assert second.run_id in late.error
    assert [run.outcome for run in repo.runs.all()].count("ok") == 1


def test_a_failed_attempt_leaves_the_point_open(repo: Repository) -> None:
    with repo.hold() as lease:
        finish(repo, start(repo, lease, point="1" * 64), "cell_error")
        assert finish(repo, start(repo, lease, point="1" * 64)).outcome == "ok"


def test_a_run_of_a_dead_process_is_lost_once_its_lease_is_over(repo: Repository) -> None:
    child = f"""
import os
from jvs_core import Repository
from tests.core.operations.test_runs import start
repo = Repository.open({str(repo.root)!r})
holding = repo.hold(lease_ms=60_000)
print(start(repo, holding.__enter__()).run_id, flush=True)
os._exit(9)
"""
    done = subprocess.run(
        [sys.executable, "-c", child],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    run_id = done.stdout.strip()
    assert repo.runs.get(run_id).outcome == "started", done.stderr
    assert repo.runs.sweep_lost() == []
    repo.runs.make_way()  # the session gives its dead run's lock back
    assert repo.locks.status().state == "free"
    assert repo.runs.get(run_id).outcome == "lost"
    assert [run.outcome for run in repo.runs.sweep_lost()] == ["lost"]
    with pytest.raises(FencingMismatch, match="lost"):
        repo.runs.finish(run_id, "ok", error=None, after_snapshot_id=None, duration_s=0.0, metrics={})


def test_a_verdict_is_given_once(repo: Repository) -> None:
    with repo.hold() as lease:
        run = finish(repo, start(repo, lease, reproduces="run-1700000000000-00000001"))
    judged = repo.runs.judge(run.run_id, "differs", ["a.txt"])
    assert judged.to_json()["paths"] == ("a.txt",)
    with pytest.raises(Conflict, match="differs"):
        repo.runs.judge(run.run_id, "identical")


def test_names_of_runs_are_found_or_refused(repo: Repository) -> None:
    with repo.hold() as lease:
        runs = [finish(repo, start(repo, lease)) for _ in range(2)]
    with pytest.raises(RunNotFound):
        repo.runs.get("nothing")
    with pytest.raises(RunNotFound):
        repo.runs.get("")
    with pytest.raises(InputError, match="2 runs"):
        repo.runs.get("run-")
    assert [run.run_id for run in repo.runs.all()] == [run.run_id for run in reversed(runs)]


def test_a_damaged_record_is_named(repo: Repository) -> None:
    with repo.hold() as lease:
        run = finish(repo, start(repo, lease))
    (repo.root / ".jvs" / "runs" / f"{run.run_id}.json").write_text("{")
    with pytest.raises(DescriptorCorrupt, match=run.run_id):
        repo.runs.all()


def test_a_reserved_snapshot_id_is_used_once(repo: Repository) -> None:
    reserved = repo.reserve_snapshot_id()
    assert repo.snapshot("one", lock=True, snapshot_id=reserved).snapshot_id == reserved
    with pytest.raises(Conflict):
        repo.snapshot("two", lock=True, snapshot_id=reserved)
    with pytest.raises(InputError):
        repo.snapshot("three", lock=True, snapshot_id="../x")
