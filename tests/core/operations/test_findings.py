"""Every kind of finding: made, named with its code and repair, and mended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical, slots
from jvs_core.control.records import pins, tombstones
from jvs_core.errors import AuditChainBroken, LockConflict, PartialSnapshot
from jvs_core.model import Tombstone
from jvs_core.operations.context import Context
from jvs_core.operations.findings import kinds
from jvs_core.operations.gc import aftermath
from jvs_core.settings import Settings
from tests.core.operations.doctor.test_doctor import kill
from tests.core.operations.gc.test_gc import KILLED, history_of
from tests.core.operations.test_runs import start as start_run
from tests.support.long_history import move_head
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
def worktree_unregistered(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp")
    shutil.rmtree(control(repo) / "worktrees/exp")
    return "exp"


@scenario
def worktree_empty(repo: Repository, made: list[str]) -> str:
    move_head(Layout(repo.root), "main", None)
    shutil.rmtree(repo.root / "main")
    return "main"


@scenario
def worktree_damaged(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp")
    (control(repo) / "worktrees/exp/config.json").write_text("{}")
    return "exp"


@scenario
def head_damaged(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp", from_=made[0])
    (control(repo) / "worktrees/exp/heads/1").write_text("{")
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
def repository_inside(repo: Repository, made: list[str]) -> str:
    (repo.root / "main/tool/.jvs").mkdir(parents=True)
    return "main"


@scenario
def head_missing(repo: Repository, made: list[str]) -> str:
    move_head(Layout(repo.root), "main", "1" * 13 + "-" + "1" * 8)
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
def snapshot_foreign(repo: Repository, made: list[str]) -> str:
    return planted(repo, made[-1])


def planted(repo: Repository, source: str) -> str:
    """Make a whole copy of a snapshot that neither the log nor an intent knows, a child of it."""
    own = f"{int(source[:13]) + 1}-deadbeef"
    folder = control(repo) / "snapshots"
    subprocess.run(["cp", "-a", folder / source, folder / own], check=True)
    descriptor = catalog.read(Layout(repo.root), source)
    descriptor = descriptor.changed(snapshot_id=own, parent_snapshot_id=source, note="planted")
    descriptor = descriptor.changed(descriptor_checksum=catalog.checksum(descriptor).model_dump())
    (control(repo) / "descriptors" / f"{own}.json").write_bytes(catalog.encode(descriptor))
    checksum = descriptor.to_json()["descriptor_checksum"]
    change(folder / own / ".READY", snapshot_id=own, descriptor_checksum=checksum)
    return own


@scenario
def descriptor_foreign(repo: Repository, made: list[str]) -> str:
    rewritten(repo, made[0], note="another")
    return made[0]


@scenario
def parent_missing(repo: Repository, made: list[str]) -> str:
    rewritten(repo, made[0], parent_snapshot_id="1" * 13 + "-" + "1" * 8)
    return made[0]


@scenario
def circle(repo: Repository, made: list[str]) -> str:
    rewritten(repo, made[0], parent_snapshot_id=made[2])
    return made[1]


@scenario
def head_foreign(repo: Repository, made: list[str]) -> str:
    move_head(Layout(repo.root), "main", made[0])
    return "main"


@scenario
def labels_foreign(repo: Repository, made: list[str]) -> str:
    repo.worktrees.create("exp", labels={"owner": "ada"})
    change(control(repo) / "worktrees/exp/config.json", labels={"owner": "eve"})
    return "exp"


def annotated(repo: Repository, snapshot_id: str) -> Path:
    repo.annotate(snapshot_id, note="edited")
    return control(repo) / "annotations" / snapshot_id / "1"


@scenario
def annotation_foreign(repo: Repository, made: list[str]) -> str:
    change(annotated(repo, made[0]), note="forged")
    return f"{made[0]}/1"


@scenario
def annotation_damaged(repo: Repository, made: list[str]) -> str:
    annotated(repo, made[0]).write_text("{")
    return made[0]


def recorded(repo: Repository) -> str:
    with repo.hold(reuse=True) as lease:
        run = start_run(repo, lease)
        repo.runs.finish(
            run.run_id, "ok", error=None, after_snapshot_id=None, duration_s=1.0, metrics={"a": 1}
        )
    return run.run_id


@scenario
def run_foreign(repo: Repository, made: list[str]) -> str:
    run_id = recorded(repo)
    change(control(repo) / "runs" / f"{run_id}.json", metrics={"a": 2})
    return run_id


@scenario
def run_unnamed(repo: Repository, made: list[str]) -> str:
    run_id = recorded(repo)
    place = control(repo) / "runs" / f"{run_id}.json"
    place.rename(place.with_name(place.name + ".tmp"))
    return run_id


@scenario
def run_remains(repo: Repository, made: list[str]) -> str:
    run_id = recorded(repo)
    place = control(repo) / "runs" / f"{run_id}.json"
    kept = place.read_bytes()
    repo.runs.remove(run_id)
    place.write_bytes(kept)
    return run_id


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
def ref_lost(repo: Repository, made: list[str]) -> str:
    repo.refs.create("name", made[0])
    (control(repo) / "refs/name.json").unlink()
    return "name"


@scenario
def pin_lost(repo: Repository, made: list[str]) -> str:
    pin = repo.pins.create(made[0], expires="30d")
    (control(repo) / "gc/pins" / f"{pin.pin_id}.json").unlink()
    return pin.pin_id


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
    layout = Layout(repo.root)
    with critical.exclusive(layout.repository_lock):
        return pins.create(layout, made[0], reason="undo", by="who", expires_at=OLD).pin_id


@scenario
def intent_abandoned(repo: Repository, made: list[str]) -> str:
    kill(repo, "clone", "worktrees.create", "exp")
    return os.listdir(control(repo) / "intents")[0][:-5]


@scenario
def restore_of_another(repo: Repository, made: list[str]) -> str:
    intent_id = restore_abandoned(repo, made)
    if os.geteuid() != 0:
        pytest.skip("only root gives a file to another user")
    os.chown(control(repo) / "intents" / f"{intent_id}.json", 12345, -1)
    with pytest.raises(LockConflict, match="was interrupted"):
        repo.restore_inplace(made[0], reason="mine")
    return intent_id


@scenario
def intent_of_another(repo: Repository, made: list[str]) -> str:
    kill(repo, "clone", "worktrees.create", "exp")
    (name,) = os.listdir(control(repo) / "intents")
    if os.geteuid() != 0:
        pytest.skip("only root gives a file to another user")
    os.chown(control(repo) / "intents" / name, 12345, -1)
    return name[:-5]


@scenario
def snapshot_ahead(repo: Repository, made: list[str]) -> str:
    rewritten(repo, made[0], created_at="2999-01-01T00:00:00.000Z")
    return made[0]


@scenario
def intent_ahead(repo: Repository, made: list[str]) -> str:
    kill(repo, "clone", "worktrees.create", "exp")
    (name,) = os.listdir(control(repo) / "intents")
    path = control(repo) / "intents" / name
    change(path, boot_id="another", machine_id=None)
    os.utime(path, (time.time() + 1e6, time.time() + 1e6))
    return name[:-5]


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
    past = {"last_renewed_at": "2026-01-01T00:00:00.000Z", "lease_expires_at": "2026-01-01T00:00:01.000Z"}
    slots.update(_lease(repo), lambda value: {**value, **past})
    return "main"


def _lease(repo: Repository) -> Path:
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
def tombstone_foreign(repo: Repository, made: list[str]) -> str:
    entombed(repo, made[1])
    return made[1]


def entombed(repo: Repository, snapshot_id: str) -> None:
    """Remove a payload, and put up a tombstone that says gc did."""
    layout = Layout(repo.root)
    descriptor = catalog.read(layout, snapshot_id).to_json()
    stone = Tombstone(
        snapshot_id=snapshot_id,
        plan_id="0" * 12,
        removed_at=OLD,
        removed_by="who",
        stub=True,
        descriptor=descriptor,
    )
    with critical.exclusive(layout.repository_lock):
        tombstones.write(layout, [stone])
    shutil.rmtree(layout.snapshot(snapshot_id))


@scenario
def tombstone_damaged(repo: Repository, made: list[str]) -> str:
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    tombstones.TOMBSTONES.place(Layout(repo.root), made[0]).write_text("")
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
def kept_damaged(repo: Repository, _undo: list[str]) -> str:
    (repo.root / "main" / "notes").write_text("x")
    copy = repo.timeline.keep_file("notes", "delete")
    assert copy is not None
    (record,) = (control(repo) / "kept").glob("*/*/record.json")
    record.write_text("{}")
    return record.parent.relative_to(repo.root).as_posix()


@scenario
def run_damaged(repo: Repository, made: list[str]) -> str:
    run_id = "run-1760000000000-0123abcd"
    (control(repo) / "runs" / f"{run_id}.json").write_text("{")
    return run_id


def rotten(repo: Repository, snapshot_id: str) -> None:
    """Change the content of a stored file, which other snapshots have under the same name, and verify it."""
    path = next(p for p in (control(repo) / "snapshots" / snapshot_id / "payload").rglob("*") if p.is_file())
    path.write_bytes(bytes(len(path.read_bytes())))
    assert not repo.verify(snapshot_id).ok


@scenario
def snapshot_damaged(repo: Repository, made: list[str]) -> str:
    rotten(repo, made[-1])
    return made[-1]


@scenario
def snapshot_unhealed(repo: Repository, made: list[str]) -> str:
    rotten(repo, made[0])
    for path in (repo.root / "main").iterdir():
        path.write_text("something else")
    repo.doctor(repairs=["heal"])
    return made[0]


@scenario
def damage_unreadable(repo: Repository, made: list[str]) -> str:
    (control(repo) / "damage" / f"{made[0]}.json").write_text("{")
    return made[0]


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
    assert {r["target"] for r in log if r["operation"] == "repair"} - {target} == {kind.repair}
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


def heads(repo: Repository) -> dict[str, bytes]:
    folder = control(repo) / "worktrees"
    return {name: (folder / name / "config.json").read_bytes() for name in os.listdir(folder)}


def test_a_planted_snapshot_moves_no_head_and_is_taken_up_only_by_name(repo: Repository) -> None:
    own = planted(repo, history_of(repo)[-1])
    before = heads(repo)
    report = repo.doctor(
        repairs=["advance_head", "clean_tmp", "clean_locks", "clean_intents", "finish_restore"]
    )
    assert [found.target for found in report.findings if found.severity == "error"] == [own]
    assert not repo.verify(every=True).ok
    assert repo.doctor(repairs=["audit_repair"]).repaired == [f"audit_repair: snapshot {own} as it is"]
    assert repo.doctor(repairs=["audit_repair"], strict=True).repaired == []
    assert repo.verify(every=True).ok
    assert heads(repo) == before


def test_what_a_copy_without_intents_cut_short_is_kept_until_it_is_taken_up(repo: Repository) -> None:
    history_of(repo)
    (repo.root / "main" / "more").write_text("more")
    kill(repo, "catalog", "snapshot", "more")
    own = max(os.listdir(control(repo) / "snapshots"))
    for name in os.listdir(control(repo) / "intents"):
        (control(repo) / "intents" / name).unlink()
    report = repo.doctor(repairs=["advance_head", "clean_tmp", "clean_intents"])
    assert [found.target for found in report.findings if found.severity == "error"] == [own]
    assert repo.doctor(repairs=["audit_repair"], strict=True).healthy
    assert repo.verify(every=True).ok
    assert own in [item.descriptor.snapshot_id for item in repo.history(every=True)]


def test_a_planted_snapshot_in_an_unpublished_ones_name_is_not_completed(repo: Repository) -> None:
    history_of(repo)
    (repo.root / "main" / "more").write_text("more")
    kill(repo, "ready", "snapshot", "more")
    own = planted(repo, min(os.listdir(control(repo) / "snapshots")))
    before = heads(repo)
    repo.doctor(repairs=["advance_head"])
    assert heads(repo) == before
    assert own in {found.target for found in repo.doctor().findings}


def test_a_head_whose_worktree_was_restored_since_stays(repo: Repository) -> None:
    made = history_of(repo)
    (repo.root / "main" / "more").write_text("more")
    kill(repo, "head", "snapshot", "more")
    repo.restore_inplace(made[0], reason="back", lock=True)
    repo.restore_inplace(made[3], reason="and on", lock=True)
    before = heads(repo)
    assert repo.doctor(repairs=["advance_head"]).repaired
    assert heads(repo) == before
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("damage", ["half", "empty", "missing", "no head"])
def test_a_damaged_log_moves_no_head_and_its_repair_takes_up_what_is_whole(
    repo: Repository, damage: str
) -> None:
    history_of(repo)
    repo.refs.create("kept", "HEAD~1")
    repo.worktrees.create("exp", from_="HEAD")
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    log = control(repo) / "audit/audit.jsonl"
    data = log.read_bytes()
    log.write_bytes(data[: len(data) // 2] if damage == "half" else b"")
    for name in {"missing": ["audit.jsonl"], "no head": ["audit.jsonl", "head"]}.get(damage, []):
        (control(repo) / "audit" / name).unlink()
    before = heads(repo)
    found = [finding for finding in repo.doctor().findings if finding.severity != "info"]
    assert [(finding.code, finding.repair) for finding in found] == [("E_AUDIT_CHAIN_BROKEN", "audit_repair")]
    assert repo.doctor(repairs=["advance_head", "clean_intents", "clean_tmp"]).repaired == []
    report = repo.doctor(repairs=["audit_repair"], strict=True)
    assert [finding for finding in report.findings if finding.severity != "info"] == []
    assert repo.verify(every=True).ok
    assert heads(repo) == before
    assert repo.doctor(repairs=["advance_head", "audit_repair"]).repaired == []
    repo.gc.plan()


def test_a_publish_that_was_killed_is_completed_after_the_log_was_mended(repo: Repository) -> None:
    history_of(repo)
    (repo.root / "main" / "more").write_text("more")
    kill(repo, "catalog", "snapshot", "more")
    own = max(os.listdir(control(repo) / "snapshots"))
    log = control(repo) / "audit/audit.jsonl"
    log.write_bytes(b"garbage\n" + log.read_bytes())
    repo.doctor(repairs=["advance_head", "clean_intents", "clean_tmp", "audit_repair"])
    assert repo.doctor(repairs=["advance_head", "clean_intents"], strict=True).healthy
    assert repo.worktrees.get("main").head_snapshot_id == own
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("step", ["rename", "unregister"])
def test_a_worktree_whose_record_a_crash_swallowed_is_recorded(repo: Repository, step: str) -> None:
    history_of(repo)
    repo.worktrees.create("exp", from_="HEAD")
    call = "r.worktrees.rename('exp', 'new')" if step == "rename" else "r.worktrees.remove('exp')"
    code = (
        "import os, sys; from jvs_core import Repository; from jvs_core.operations.context import Context\n"
        "Context.audit = lambda self, operation, **fields: os._exit(9)\n"
        f"r = Repository.open(sys.argv[1]); {call}\n"
    )
    assert subprocess.run([sys.executable, "-c", code, repo.root], check=False).returncode == 9
    assert [f.code for f in repo.doctor().findings if f.severity == "error"] == []
    assert repo.doctor(repairs=["clean_intents", "clean_tmp"]).healthy
    known = list(ledgers.read(Layout(repo.root)).worktrees.values())
    assert known == ["main", *(["new"] if step == "rename" else [])]
    repo.gc.plan()


def test_gc_and_checkpoints_refuse_a_broken_log_and_other_work_goes_on(repo: Repository) -> None:
    history_of(repo)
    plan = repo.gc.plan(keep_last=1)
    log = control(repo) / "audit/audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], *lines[5:]]))
    for refused in (
        repo.gc.plan,
        lambda: repo.gc.run(plan.plan_id),
        repo.audit.checkpoint,
    ):
        with pytest.raises(AuditChainBroken) as caught:
            refused()
        assert caught.value.hint == "jvs doctor"
    repo.refs.create("name", repo.snapshot("on").snapshot_id)


def test_a_planted_tombstone_hides_nothing(repo: Repository) -> None:
    made = history_of(repo)
    entombed(repo, made[1])
    report = repo.verify(every=True)
    assert {s.snapshot_id: s.code for s in report.snapshots if s.tamper_detected} == {
        made[1]: "E_PARTIAL_SNAPSHOT"
    }
    assert not repo.doctor().healthy


@pytest.mark.parametrize("both", [False, True])
def test_a_forged_stub_is_held_against_the_log(repo: Repository, both: bool) -> None:
    made = history_of(repo)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    layout = Layout(repo.root)
    descriptor = catalog.read(layout, made[1]).changed(note="forged", parent_snapshot_id=None)
    descriptor = descriptor.changed(descriptor_checksum=catalog.checksum(descriptor).model_dump())
    layout.descriptor(made[1]).write_bytes(catalog.encode(descriptor))
    if both:
        change(tombstones.TOMBSTONES.place(layout, made[1]), descriptor=descriptor.to_json())
    assert [s.code for s in repo.verify(every=True).snapshots if s.tamper_detected] == [
        "E_AUDIT_CHAIN_BROKEN"
    ]
    assert not repo.doctor().healthy
    assert repo.doctor(repairs=["clean_tmp"]).healthy is not both
    assert repo.verify(every=True).ok is not both


def test_an_emptied_tombstone_is_found_by_verify(repo: Repository) -> None:
    made = history_of(repo)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    tombstones.TOMBSTONES.place(Layout(repo.root), made[0]).write_text("")
    assert [s.snapshot_id for s in repo.verify(every=True).snapshots if s.tamper_detected] == [made[0]]


@pytest.mark.parametrize("damage", ["cut", "empty", "link", "folder"])
def test_a_damaged_stub_is_written_again_from_its_tombstone(repo: Repository, damage: str) -> None:
    made = history_of(repo)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    layout = Layout(repo.root)
    place = layout.descriptor(made[0])
    whole = place.read_bytes()
    place.unlink()
    if damage == "folder":
        place.mkdir()
    elif damage == "link":
        place.symlink_to("nowhere")
    else:
        place.write_bytes(whole[:50] if damage == "cut" else b"")
    ctx = Context.open(layout, Settings.from_environment())
    done = aftermath.mend(ctx, ledgers.read(layout))
    if damage == "folder":
        assert (done, place.is_dir()) == ([], True)
        return
    assert (done, place.read_bytes()) == ([f"descriptor of {made[0]}"], whole)
    assert repo.doctor(strict=True).healthy
