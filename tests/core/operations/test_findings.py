"""Every kind of finding: made, named with its code and repair, and mended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control import catalog, tombstones
from jvs_core.control.layout import Layout
from jvs_core.errors import PartialSnapshot
from jvs_core.operations.findings import kinds
from tests.core.operations.test_doctor import kill
from tests.core.operations.test_gc import KILLED, history_of
from tests.support.metadata import metadata_of

OLD = "2020-01-01T00:00:00.000Z"
SCENARIOS: dict[str, Callable[[Repository, list[str]], str]] = {}


def scenario(make: Callable[[Repository, list[str]], str]) -> Callable[[Repository, list[str]], str]:
    """Register what makes the finding that the function is named after; it returns the target."""
    SCENARIOS[make.__name__.upper()] = make
    return make


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    repo.locks.acquire()
    return repo


def control(repo: Repository) -> Path:
    return repo.root / ".jvs"


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def rewritten(repo: Repository, snapshot_id: str, **fields: Any) -> None:
    """Write another descriptor with a checksum that fits, and the READY marker that goes with it."""
    descriptor = catalog.read(Layout(repo.root), snapshot_id).changed(**fields)
    descriptor = descriptor.changed(descriptor_checksum=catalog.checksum(descriptor).model_dump())
    (control(repo) / "descriptors" / f"{snapshot_id}.json").write_bytes(catalog.encode(descriptor))
    change(
        control(repo) / "snapshots" / snapshot_id / ".READY",
        descriptor_checksum=descriptor.to_json()["descriptor_checksum"],
    )


def killed_gc(repo: Repository, step: str) -> str:
    plan = repo.gc.plan(keep_last=1)
    command = [sys.executable, "-c", KILLED, str(repo.root), plan.plan_id, step]
    assert subprocess.run(command, check=False).returncode == 9
    return plan.plan_id


@scenario
def folder_lost(repo: Repository, made: list[str]) -> str:
    shutil.rmtree(control(repo) / "audit")
    return ".jvs/audit"


@scenario
def folder_missing(repo: Repository, made: list[str]) -> str:
    shutil.rmtree(control(repo) / "runs")
    return ".jvs/runs"


@scenario
def folder_replaced(repo: Repository, made: list[str]) -> str:
    (control(repo) / "runs").rename(repo.root / "elsewhere")
    (control(repo) / "runs").symlink_to(repo.root / "elsewhere")
    return ".jvs/runs"


@scenario
def check_failed(repo: Repository, made: list[str]) -> str:
    (control(repo) / "intents").rmdir()
    (control(repo) / "intents").touch()
    return ".jvs/intents"


@scenario
def lock_replaced(repo: Repository, made: list[str]) -> str:
    (control(repo) / "locks/repository").unlink()
    (control(repo) / "locks/repository").mkdir()
    return ".jvs/locks/repository"


@scenario
def config_missing(repo: Repository, made: list[str]) -> str:
    (control(repo) / "config.toml").unlink()
    return ".jvs/config.toml"


@scenario
def worktree_lost(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp")
    shutil.rmtree(repo.root / "worktrees/exp")
    return "exp"


@scenario
def worktree_empty(repo: Repository, made: list[str]) -> str:
    change(control(repo) / "worktrees/main/config.json", head_snapshot_id=None, undo=[])
    shutil.rmtree(repo.root / "main")
    return "main"


@scenario
def worktree_damaged(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp")
    (control(repo) / "worktrees/exp/config.json").write_text("{}")
    return "exp"


@scenario
def worktree_escapes(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp")
    (repo.root / "worktrees/exp").rename(repo.root / "elsewhere")
    (repo.root / "worktrees/exp").symlink_to(repo.root / "elsewhere")
    return "exp"


@scenario
def worktree_unknown(repo: Repository, made: list[str]) -> str:
    (repo.root / "worktrees/mine").mkdir()
    return "worktrees/mine"


@scenario
def head_missing(repo: Repository, made: list[str]) -> str:
    change(control(repo) / "worktrees/main/config.json", head_snapshot_id="1" * 13 + "-" + "1" * 8)
    return "main"


@scenario
def descriptor_damaged(repo: Repository, made: list[str]) -> str:
    change(control(repo) / "descriptors" / f"{made[0]}.json", note="another")
    return made[0]


@scenario
def snapshot_partial(repo: Repository, made: list[str]) -> str:
    (control(repo) / "snapshots" / made[0] / ".READY").unlink()
    return made[0]


@scenario
def snapshot_lost(repo: Repository, made: list[str]) -> str:
    (control(repo) / "descriptors" / f"{made[1]}.json").unlink()
    return made[1]


@scenario
def snapshot_unknown(repo: Repository, made: list[str]) -> str:
    (control(repo) / "snapshots/mine").mkdir()
    return "mine"


@scenario
def parent_missing(repo: Repository, made: list[str]) -> str:
    rewritten(repo, made[0], parent_snapshot_id="1" * 13 + "-" + "1" * 8)
    return made[0]


@scenario
def circle(repo: Repository, made: list[str]) -> str:
    rewritten(repo, made[0], parent_snapshot_id=made[2])
    return made[1]


@scenario
def snapshot_unfinished(repo: Repository, made: list[str]) -> str:
    (repo.root / "main" / "more").write_text("more")
    kill(repo, "catalog", "snapshot", "more")
    return max(os.listdir(control(repo) / "snapshots"))


@scenario
def ref_broken(repo: Repository, made: list[str]) -> str:
    repo.refs.create("name", made[0])
    (control(repo) / "refs/name.json").write_text("")
    return "name"


@scenario
def pin_damaged(repo: Repository, made: list[str]) -> str:
    pin = repo.pins.create(made[0])
    (control(repo) / "gc/pins" / f"{pin.pin_id}.json").write_text("")
    return pin.pin_id


@scenario
def pin_dangling(repo: Repository, made: list[str]) -> str:
    pin = repo.pins.create(made[0])
    change(control(repo) / "gc/pins" / f"{pin.pin_id}.json", snapshot_id="1" * 13 + "-" + "1" * 8)
    return pin.pin_id


@scenario
def pin_expired(repo: Repository, made: list[str]) -> str:
    pin = repo.pins.create(made[0])
    change(control(repo) / "gc/pins" / f"{pin.pin_id}.json", expires_at=OLD)
    return pin.pin_id


@scenario
def intent_abandoned(repo: Repository, made: list[str]) -> str:
    kill(repo, "clone", "worktrees.create", "exp")
    return os.listdir(control(repo) / "intents")[0][:-5]


@scenario
def restore_abandoned(repo: Repository, made: list[str]) -> str:
    code = (
        "import os, sys; from jvs_core import Repository; from jvs_core.progress import Silent\n"
        "class Killed(Silent):\n"
        "    def started(self, step, total=None):\n"
        "        if step == 'converge': os._exit(9)\n"
        "Repository.open(sys.argv[1]).restore_inplace(sys.argv[2], reason='back', progress=Killed())\n"
    )
    assert subprocess.run([sys.executable, "-c", code, repo.root, made[0]], check=False).returncode == 9
    return os.listdir(control(repo) / "intents")[0][:-5]


@scenario
def intent_damaged(repo: Repository, made: list[str]) -> str:
    (control(repo) / "intents/x.json").write_text("{")
    return "x.json"


@scenario
def leftover(repo: Repository, made: list[str]) -> str:
    (control(repo) / "refs/.name.json.0123.tmp").write_text("{")
    return ".jvs/refs/.name.json.0123.tmp"


@scenario
def lock_unreadable(repo: Repository, made: list[str]) -> str:
    _lease(repo).write_bytes(b"")
    return "main"


@scenario
def lock_dead(repo: Repository, made: list[str]) -> str:
    repo.locks.release()
    repo.locks.acquire(lease_ms=1000)
    _lease(repo, wait_s=1.1)
    return "main"


def _lease(repo: Repository, wait_s: float = 0.0) -> Path:
    import time

    time.sleep(wait_s)
    folder = next(path for path in (control(repo) / "locks").iterdir() if path.is_dir())
    return max(folder.iterdir(), key=lambda path: int(path.name))


@scenario
def lock_superseded(repo: Repository, made: list[str]) -> str:
    newest = _lease(repo)
    data = newest.read_bytes()
    for number in range(1, 102):
        newest.with_name(str(int(newest.name) + number)).write_bytes(data)
    return "main"


@scenario
def lock_stray(repo: Repository, made: list[str]) -> str:
    path = _lease(repo).with_name("9007199254740991")
    path.touch()
    os.utime(path, (0, 0))
    return str(path.relative_to(repo.root))


@scenario
def lock_orphan(repo: Repository, made: list[str]) -> str:
    (control(repo) / "locks/0123").mkdir()
    return ".jvs/locks/0123"


@scenario
def gc_unfinished(repo: Repository, made: list[str]) -> str:
    killed_gc(repo, "audit")
    return made[0]


@scenario
def gc_trash(repo: Repository, made: list[str]) -> str:
    killed_gc(repo, "in delete")
    return made[0]


@scenario
def gc_stray(repo: Repository, made: list[str]) -> str:
    (control(repo) / "snapshots" / made[0]).rename(control(repo) / "gc/trash" / made[0])
    return made[0]


@scenario
def stub_lost(repo: Repository, made: list[str]) -> str:
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    (control(repo) / "descriptors" / f"{made[0]}.json").unlink()
    return made[0]


@scenario
def tombstone_damaged(repo: Repository, made: list[str]) -> str:
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    tombstones.path(Layout(repo.root), made[0]).write_text("")
    return made[0]


@scenario
def plan_damaged(repo: Repository, made: list[str]) -> str:
    plan = repo.gc.plan()
    (control(repo) / "gc/plans" / f"{plan.plan_id}.json").write_text("")
    return plan.plan_id


@scenario
def plan_open(repo: Repository, made: list[str]) -> str:
    plan = repo.gc.plan()
    change(control(repo) / "gc/plans" / f"{plan.plan_id}.json", created_at=OLD)
    return plan.plan_id


@scenario
def run_damaged(repo: Repository, made: list[str]) -> str:
    run_id = "run-1760000000000-0123abcd"
    (control(repo) / "runs" / f"{run_id}.json").write_text("{")
    return run_id


@scenario
def audit_broken(repo: Repository, made: list[str]) -> str:
    path = control(repo) / "audit/audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    return ".jvs/audit"


def test_every_kind_is_tried() -> None:
    assert SCENARIOS.keys() == kinds().keys()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_finding_is_named_and_mended(repo: Repository, name: str) -> None:
    made = history_of(repo)
    kind = kinds()[name]
    target = SCENARIOS[name](repo, made)
    before = metadata_of(control(repo))
    found = repo.doctor().findings
    assert metadata_of(control(repo)) == before
    wanted = (kind.code, kind.severity, target, kind.repair)
    assert wanted in [(f.code, f.severity, f.target, f.repair) for f in found]
    if kind.repair is None:
        return
    content = metadata_of(repo.root / "main") if (repo.root / "main").exists() else None
    report = repo.doctor(repairs=[kind.repair])
    assert wanted not in [(f.code, f.severity, f.target, f.repair) for f in report.findings]
    assert report.repaired
    again = repo.doctor(repairs=[kind.repair])
    assert (again.repaired, again.findings) == ([], report.findings)
    log = [json.loads(line) for line in (control(repo) / "audit/audit.jsonl").read_text().splitlines()]
    assert [r["target"] for r in log if r["operation"] == "repair"] == [kind.repair]
    if content is not None and name != "RESTORE_ABANDONED":
        assert metadata_of(repo.root / "main") == content


@pytest.mark.parametrize("step", ["tombstone", "trash", "audit", "drop", "delete", "in delete", "finish"])
def test_a_gc_cut_short_is_taken_back_or_completed(repo: Repository, step: str) -> None:
    made = history_of(repo)
    plan = killed_gc(repo, step)
    report = repo.doctor(repairs=("clean_tmp", "clean_intents"), strict=True)
    assert [found for found in report.findings if found.severity != "info"] == []
    assert repo.verify(every=True).ok
    committed = step in ("drop", "delete", "in delete", "finish")
    assert [item.expired for item in repo.history()] == (
        [False, True, True, True] if committed else [False] * 4
    )
    assert os.listdir(control(repo) / "gc/trash") == []
    assert len(repo.gc.run(plan).deleted) == 3
    assert [item.expired for item in repo.history()] == [False, True, True, True]
    assert sorted(os.listdir(control(repo) / "snapshots")) == made[3:]
    assert repo.verify(every=True).ok


def test_a_locked_worktree_that_cannot_be_read_keeps_all_leases(repo: Repository) -> None:
    history_of(repo)
    repo.worktrees.create("exp")
    (control(repo) / "worktrees/exp/config.json").write_text("{}")
    folders = sorted(os.listdir(control(repo) / "locks"))
    repo.doctor(repairs=("clean_locks",))
    assert sorted(os.listdir(control(repo) / "locks")) == folders


def test_snapshots_that_changed_places_are_found(repo: Repository) -> None:
    one, two, *_ = history_of(repo)
    folder = control(repo) / "snapshots"
    (folder / one).rename(folder / "aside")
    (folder / two).rename(folder / one)
    (folder / "aside").rename(folder / two)
    found = [finding for finding in repo.doctor().findings if finding.severity == "error"]
    assert [(finding.code, finding.target) for finding in found] == [
        ("E_DESCRIPTOR_CORRUPT", one),
        ("E_DESCRIPTOR_CORRUPT", two),
    ]


def test_a_link_in_the_place_of_a_payload_is_a_partial_snapshot(repo: Repository, tmp_path: Path) -> None:
    made = history_of(repo)[0]
    payload = control(repo) / "snapshots" / made / "payload"
    payload.rename(tmp_path / "elsewhere")
    payload.symlink_to(tmp_path / "elsewhere")
    found = [finding for finding in repo.doctor().findings if finding.severity == "error"]
    assert [(finding.code, finding.target) for finding in found] == [("E_PARTIAL_SNAPSHOT", made)]
    with pytest.raises(PartialSnapshot):
        repo.restore(made)
    assert not repo.verify(made).ok
