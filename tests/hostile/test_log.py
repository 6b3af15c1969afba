"""What the log binds: where worktrees stand, what undo goes back to, labels, and what became of runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.errors import AuditChainBroken
from tests.core.operations.test_runs import start
from tests.support.long_history import move_head


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository with four snapshots, a restore that can be undone, and a worktree with a label."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for number in range(4):
        (repo.root / "main/f").write_text(str(number))
        repo.snapshot(f"s{number}", lock=True)
    repo.restore_inplace("HEAD~2", reason="back", lock=True)
    repo.undo(lock=True)
    repo.restore_inplace("HEAD~1", reason="back", lock=True)
    repo.worktrees.create("w", labels={"owner": "ada"})
    return repo


def heads(repo: Repository) -> list[Path]:
    return sorted((repo.root / ".jvs/worktrees/main/heads").iterdir(), key=lambda path: int(path.name))


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def remove_the_newest(repo: Repository) -> None:
    heads(repo)[-1].unlink()


def plant_a_higher_one(repo: Repository) -> None:
    move_head(Layout(repo.root), "main", repo.history(every=True)[-1].descriptor.snapshot_id)


def plant_one_far_above(repo: Repository) -> None:
    newest = heads(repo)[-1]
    number = int(newest.name) + 1000
    record = {**json.loads(newest.read_text()), "number": number, "snapshot_id": None}
    (newest.parent / str(number)).write_text(json.dumps(record))


def point_elsewhere(repo: Repository) -> None:
    change(heads(repo)[-1], snapshot_id=repo.history(every=True)[-1].descriptor.snapshot_id)


def forget_what_undo_goes_back_to(repo: Repository) -> None:
    change(heads(repo)[-1], undo=[])


def relabel(repo: Repository) -> None:
    change(repo.root / ".jvs/worktrees/w/config.json", labels={"owner": "eve"})


def give_another_base(repo: Repository) -> None:
    change(
        repo.root / ".jvs/worktrees/w/config.json", base_snapshot_id=repo.history()[-1].descriptor.snapshot_id
    )


@pytest.mark.parametrize(
    "forge",
    [
        remove_the_newest,
        plant_a_higher_one,
        plant_one_far_above,
        point_elsewhere,
        forget_what_undo_goes_back_to,
        relabel,
        give_another_base,
    ],
)
def test_a_head_or_label_that_is_not_the_log_s_is_found_stops_gc_and_is_mended(
    repo: Repository, forge: Callable[[Repository], None]
) -> None:
    stood = {info.name: (info.head_snapshot_id, info.labels) for info in repo.worktrees.all()}
    point = repo.worktrees.undo_point("main")
    plan = repo.gc.plan(keep_last=1)
    forge(repo)
    assert not repo.verify(every=True).ok
    assert "log" in (repo.verify(every=True).audit.error or "")
    found = [finding for finding in repo.doctor().findings if finding.repair == "advance_head"]
    assert [finding.severity for finding in found] == ["error"]
    for act in (repo.gc.plan, lambda: repo.gc.run(plan.plan_id)):
        with pytest.raises(AuditChainBroken):
            act()
    assert repo.doctor(repairs=["advance_head"]).healthy
    assert repo.verify(every=True).ok
    assert {info.name: (info.head_snapshot_id, info.labels) for info in repo.worktrees.all()} == stood
    assert repo.worktrees.undo_point("main") == point
    repo.gc.plan()


def test_a_label_set_while_a_snapshot_is_taken_stays(repo: Repository) -> None:
    class Relabelling:
        def started(self, step: str, total: int | None = None) -> None:
            if step == "settle":
                repo.worktrees.label("w", {"owner": "bob"})

        def advanced(self, count: int = 1) -> None: ...

        def finished(self, step: str) -> None: ...

    repo.snapshot("y", worktree="w", lock=True, progress=Relabelling())
    assert repo.worktrees.get("w").labels == {"owner": "bob"}
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("field", [{"metrics": {"accuracy": 1.0}}, {"outcome": "ok"}, {"parameters": {}}])
def test_a_forged_run_is_found(repo: Repository, field: dict[str, Any]) -> None:
    with repo.hold() as lease:
        run = start(repo, lease)
        repo.runs.finish(
            run.run_id, "cell_error", error="x", after_snapshot_id=None, duration_s=1.0, metrics={}
        )
    assert repo.verify(every=True).ok
    change(repo.root / ".jvs/runs" / f"{run.run_id}.json", **field)
    report = repo.verify(every=True)
    assert not report.ok
    assert run.run_id in (report.audit.error or "")
    assert [finding.target for finding in repo.doctor().findings] == [run.run_id]


def test_a_planted_run_is_found(repo: Repository) -> None:
    with repo.hold() as lease:
        run = start(repo, lease)
        repo.runs.finish(run.run_id, "ok", error=None, after_snapshot_id=None, duration_s=1.0, metrics={})
    folder = repo.root / ".jvs/runs"
    planted = "run-1700000000000-00000001"
    record = {**json.loads((folder / f"{run.run_id}.json").read_text()), "run_id": planted}
    (folder / f"{planted}.json").write_text(json.dumps(record))
    assert planted in (repo.verify(every=True).audit.error or "")


@pytest.mark.parametrize("field", ["payload_root_hash", "engine", "created_at", "descriptor_checksum"])
def test_a_marker_that_is_not_its_descriptor_s_is_damage(repo: Repository, field: str) -> None:
    taken = repo.history()[0].descriptor
    marker = repo.root / f".jvs/snapshots/{taken.snapshot_id}/.READY"
    other = {
        "engine": "juicefs-clone",
        "created_at": "2020-01-01T00:00:00.000Z",
    }.get(field, {"algorithm": "sha256", "value": "0" * 64})
    change(marker, **{field: other})
    (report,) = repo.verify(taken.snapshot_id).snapshots
    assert (report.tamper_detected, report.code) == (True, "E_DESCRIPTOR_CORRUPT")
