from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import ANY

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import pins, tombstones
from jvs_core.errors import (
    AuditChainBroken,
    DescriptorCorrupt,
    EngineFailed,
    FencingMismatch,
    GcPlanMismatch,
    InputError,
    JvsError,
    NotFound,
    PinNotFound,
    PlanNotFound,
    RefBroken,
    SnapshotExpired,
    SnapshotNotFound,
    WorktreeNotFound,
)
from jvs_core.operations.gc import running
from jvs_core.payload.engines.footprint import Footprint
from jvs_core.progress import Silent
from jvs_core.settings import RetentionPolicy
from tests.support.filesystems import juicefs_volume
from tests.support.metadata import metadata_of

pytestmark = pytest.mark.in_turn

KILLED = """
import os, sys
from jvs_core import Repository

class Killed:
    def started(self, step, total=None):
        if step == sys.argv[3]:
            os._exit(9)
    def advanced(self, amount=1):
        if sys.argv[3] == "in " + self.step:
            os._exit(9)
    def finished(self, step): pass
    step = "delete"

Repository.open(sys.argv[1]).gc.run(sys.argv[2], progress=Killed())
"""
RUN_STEPS = [
    "read",
    "intent",
    "validate",
    "tombstone",
    "trash",
    "audit",
    "drop",
    "delete",
    "in delete",
    "finish",
]


def take(repo: Repository, name: str, content: str, worktree: str | None = None) -> str:
    (repo.worktrees.path(worktree or "main") / name).write_text(content)
    return repo.snapshot(content[:10], worktree=worktree, lock=True).snapshot_id


def history_of(repo: Repository) -> list[str]:
    (repo.root / "main" / "kept").write_text("the same in all of them")
    return [take(repo, f"file{number}", f"{number}" * 1000) for number in range(4)]


@pytest.fixture
def repo(workdir: Path) -> Repository:
    return Repository.init(workdir / "repo")


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def abandoned_branch(repo: Repository) -> list[str]:
    """Return two snapshots, parent first, of a worktree that is gone."""
    repo.worktrees.create("exp", from_="HEAD")
    made = [take(repo, "branch", letter * 5000, "exp") for letter in "ab"]
    repo.worktrees.remove("exp")
    return made


def log_of(repo: Repository) -> list[dict[str, object]]:
    lines = (repo.root / ".jvs/audit/audit.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_without_a_policy_only_what_nothing_needs_goes(repo: Repository) -> None:
    kept = history_of(repo)
    gone = abandoned_branch(repo)
    plan = repo.gc.plan()
    assert {found.snapshot_id for found in plan.candidates} == set(gone)
    assert {found.snapshot_id: found.reasons for found in plan.kept} == {
        kept[3]: ["head of main"],
        **{snapshot_id: ["lineage"] for snapshot_id in kept[:3]},
    }
    assert (plan.candidate_count, plan.protected_by_lineage) == (2, 3)
    before = metadata_of(repo.root / "main")
    done = repo.gc.run(plan.plan_id)
    assert (set(done.deleted), done.failed) == (set(gone), [])
    assert {item.descriptor.snapshot_id for item in repo.history(every=True)} == set(kept)
    assert os.listdir(repo.root / ".jvs/gc/trash") == os.listdir(repo.root / ".jvs/intents") == []
    assert sorted(os.listdir(repo.root / ".jvs/snapshots")) == kept
    assert metadata_of(repo.root / "main") == before
    with pytest.raises(SnapshotNotFound):
        repo.resolve(gone[0][:-1])
    assert repo.verify(every=True).ok
    assert not [found for found in repo.doctor(strict=True).findings if found.severity != "info"]
    assert [record["details"] for record in log_of(repo) if record["operation"] == "gc_run"] == [
        {"deleted": sorted(gone)}
    ]


def test_a_thinned_history_still_verifies_and_its_children_stay_whole(repo: Repository) -> None:
    made = history_of(repo)
    whole = metadata_of(repo.root / "main")
    plan = repo.gc.plan(keep_last=1)
    done = repo.gc.run(plan.plan_id)
    assert set(done.deleted) == set(made[:3])
    assert [(item.descriptor.snapshot_id, item.expired) for item in repo.history()] == [
        (made[3], False),
        *((snapshot_id, True) for snapshot_id in reversed(made[:3])),
    ]
    report = repo.verify(every=True)
    assert report.ok
    assert [found.expired for found in report.snapshots] == [True, True, True, False]
    for refused in (
        lambda: repo.restore(made[0]),
        lambda: repo.refs.create("old", made[0]),
        lambda: repo.pins.create(made[0]),
        lambda: repo.ls(made[0]),
        lambda: repo.restore_inplace(made[0], reason="no", lock=True),
    ):
        with pytest.raises(SnapshotExpired):
            refused()
    assert metadata_of(Path(repo.restore("HEAD").path)) == whole
    assert take(repo, "next", "and on")
    assert repo.verify(every=True).ok
    assert repo.doctor().healthy


@pytest.mark.on_each
def test_names_shared_with_snapshots_that_stay_are_not_counted(repo: Repository) -> None:
    (repo.root / "main" / "large").write_bytes(os.urandom(300_000))
    for number in range(3):
        take(repo, "small", f"{number}" * 10_000)
    plan = repo.gc.plan(keep_last=1)
    shared = repo.info().snapshot_engine in ("reflink-copy", "copy")
    assert plan.deletable_bytes_estimate == (20_000 if shared else 620_000)
    assert sum(found.bytes for found in plan.candidates) == plan.deletable_bytes_estimate
    assert repo.gc.run(plan.plan_id).reclaimed_bytes == plan.deletable_bytes_estimate


def test_a_file_of_two_candidates_counts_once(local: Repository) -> None:
    (local.root / "main" / "large").write_bytes(os.urandom(300_000))
    take(local, "small", "1")
    take(local, "small", "2")
    (local.root / "main" / "large").unlink()
    take(local, "small", "3")
    plan = local.gc.plan(keep_last=1)
    assert plan.deletable_bytes_estimate == 300_002
    assert local.gc.run(plan.plan_id).reclaimed_bytes == 300_002


@pytest.mark.on_each
def test_where_files_share_blocks_the_number_is_called_an_estimate(
    repo: Repository, local: Repository
) -> None:
    history_of(repo)
    plan = repo.gc.plan(keep_last=1)
    told = any("estimate" in note for note in plan.notes)
    assert told == (repo.info().snapshot_engine != "copy")
    assert repo.gc.run(plan.plan_id).notes == plan.notes


@pytest.mark.realfs
def test_the_volumes_trash_is_named() -> None:
    with juicefs_volume(trash_days=3, clients=1) as volume:
        repo = Repository.init(volume.mount / "repo")
        history_of(repo)
        plan = repo.gc.plan(keep_last=2)
        assert any("trash for 3 more days" in note for note in plan.notes)


def test_refs_pins_heads_and_undo_protect(local: Repository) -> None:
    made = history_of(local)
    local.refs.create("baseline", made[0])
    pin = local.pins.create(made[1], reason="paper", expires="30d")
    layout = Layout(local.root)
    with critical.exclusive(layout.repository_lock):
        pins.create(layout, made[2], reason="undo", by="who", expires_at="2020-01-01T00:00:00.000Z")
    plan = local.gc.plan(keep_last=1)
    assert [found.snapshot_id for found in plan.candidates] == [made[2]]
    assert {found.snapshot_id: found.reasons for found in plan.kept} == {
        made[3]: ["head of main", "last"],
        made[1]: [f"pin {pin.pin_id}"],
        made[0]: ["ref baseline"],
    }
    assert (plan.protected_by_ref, plan.protected_by_pin, plan.protected_by_lineage) == (1, 1, 0)
    local.restore_inplace(made[0], reason="back", lock=True)
    assert local.gc.plan(keep_last=1).candidates == []
    assert local.undo(lock=True).snapshot_id == made[3]


def test_pins_come_and_go_and_are_logged(local: Repository) -> None:
    made = history_of(local)
    pin = local.pins.create("HEAD~1", reason="paper", expires="2999-01-31")
    assert (pin.snapshot_id, pin.expires_at, pin.lineage) == (made[2], "2999-01-31T00:00:00.000Z", False)
    assert local.pins.all() == [pin]
    assert local.pins.delete(pin.pin_id) == pin
    assert local.pins.all() == []
    with pytest.raises(PinNotFound):
        local.pins.delete(pin.pin_id)
    with pytest.raises(SnapshotNotFound):
        local.pins.create("9" * 20)
    for end in ("2020-01-01", "0d", "soon", "", "9999y"):
        with pytest.raises(InputError):
            local.pins.create("HEAD", expires=end)
    assert [r["operation"] for r in log_of(local) if str(r["operation"]).startswith("gc_")] == [
        "gc_pin",
        "gc_unpin",
    ]


@pytest.mark.parametrize("event", ["ref", "pin", "worktree", "snapshot", "intent"])
def test_what_appears_after_the_plan_stops_the_run_and_nothing_is_deleted(
    local: Repository, event: str
) -> None:
    history_of(local)
    gone = abandoned_branch(local)
    plan = local.gc.plan()
    if event == "ref":
        local.refs.create("wanted", gone[1])
    elif event == "pin":
        local.pins.create(gone[1])
    elif event == "intent":
        text = {
            "intent_id": f"restore-{0:032x}",
            "operation": "restore",
            "worktree": "x",
            "worktree_id": None,
        }
        more = {
            "snapshot_id": gone[1],
            "fencing_token": None,
            "holder_id": "a",
            "host": "b",
            "pid": 1,
            "boot_id": "c",
        }
        intent: dict[str, object] = {
            **text,
            **more,
            "started_at": "2026-01-01T00:00:00.000Z",
            "details": {"temporary": ".x.00000000.tmp"},
        }
        (local.root / f".jvs/intents/restore-{0:032x}.json").write_text(json.dumps(intent))
    else:
        local.worktrees.create("again", from_=gone[1])
        if event == "snapshot":
            take(local, "more", "more", "again")
    before = _listing(local)
    with pytest.raises(GcPlanMismatch, match=gone[1]):
        local.gc.run(plan.plan_id)
    assert _listing(local) == before
    assert local.verify(every=True).ok


def _listing(repo: Repository) -> dict[str, list[str]]:
    folders = ("snapshots", "descriptors", "intents", "gc/tombstones", "gc/trash")
    return {name: sorted(os.listdir(repo.root / ".jvs" / name)) for name in folders}


def test_what_appears_while_a_run_is_under_way_keeps_its_snapshot(
    local: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 1)
    history_of(local)
    first, second = abandoned_branch(local)
    plan = local.gc.plan()

    other = Repository.open(local.root)
    original = running._commit

    def commit(*args: object, all_or_nothing: bool, **kwargs: object) -> None:
        if not all_or_nothing:
            other.refs.create("wanted", first)
        original(*args, all_or_nothing=all_or_nothing, **kwargs)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(running, "_commit", commit)
    done = local.gc.run(plan.plan_id)
    assert done.deleted == [second]
    assert [(failure.snapshot_id, failure.error[:18]) for failure in done.failed] == [
        (first, "E_GC_PLAN_MISMATCH")
    ]
    assert local.verify(every=True).ok
    local.restore("wanted")
    with pytest.raises(GcPlanMismatch):
        local.gc.run(plan.plan_id)


@pytest.mark.parametrize("step", RUN_STEPS)
def test_a_run_killed_at_any_step_is_completed_by_running_it_again(local: Repository, step: str) -> None:
    made = history_of(local)
    gone = abandoned_branch(local)
    plan = local.gc.plan(keep_tag=["none has it"])
    wanted = {found.snapshot_id for found in plan.candidates}
    assert wanted == {*made[:3], *gone}
    command = [sys.executable, "-c", KILLED, str(local.root), plan.plan_id, step]
    assert subprocess.run(command, check=False).returncode == 9
    assert not any(found.tamper_detected for found in local.verify(every=True).snapshots)
    assert local.doctor().healthy
    local.gc.run(plan.plan_id)
    assert local.gc.run(plan.plan_id).deleted == []
    assert "carried out" in local.gc.run(plan.plan_id).notes[0]
    left = set(os.listdir(local.root / ".jvs/snapshots"))
    assert left == {*made, *gone} - wanted
    assert os.listdir(local.root / ".jvs/gc/trash") == []
    assert local.verify(every=True).ok
    logged = [r["details"] for r in log_of(local) if r["operation"] == "gc_run"]
    assert logged == [{"deleted": sorted(wanted)}]
    assert {item.descriptor.snapshot_id for item in local.history(every=True)} == set(made)


LOSSES = {
    "registry": ("worktrees", WorktreeNotFound),
    "main": ("worktrees/main", WorktreeNotFound),
    "worktree": ("worktrees/exp", WorktreeNotFound),
    "ref": ("refs/kept.json", RefBroken),
    "pin": ("gc/pins/{pin}.json", PinNotFound),
    "log": ("audit/audit.jsonl", AuditChainBroken),
}


@pytest.mark.parametrize("lost", LOSSES)
def test_what_the_log_knows_and_is_lost_stops_plan_and_run(local: Repository, lost: str) -> None:
    made = history_of(local)
    gone = abandoned_branch(local)
    local.worktrees.create("old", from_="HEAD")
    local.worktrees.rename("old", "exp")
    local.refs.create("kept", made[0])
    pin = local.pins.create(made[1], expires="30d")
    plan = local.gc.plan(keep_last=1)
    path, error = LOSSES[lost]
    place = local.root / ".jvs" / path.format(pin=pin.pin_id)
    place.rename(local.root / "aside")
    for attempt in (lambda: local.gc.plan(keep_last=1), lambda: local.gc.run(plan.plan_id)):
        with pytest.raises(error) as caught:
            attempt()
        assert caught.value.hint == "jvs doctor"
    assert not local.doctor().healthy
    shutil.rmtree(place, ignore_errors=True)
    (local.root / "aside").rename(place)
    assert {gone[0], made[2]} == set(local.gc.run(plan.plan_id).deleted)
    assert local.verify(every=True).ok


@pytest.mark.parametrize("kind", ["ref", "pin"])
def test_what_keeps_another_snapshot_than_the_log_says_stops_gc(local: Repository, kind: str) -> None:
    made = history_of(local)
    local.refs.create("kept", made[0])
    pin = local.pins.create(made[1])
    name = {"ref": "refs/kept.json", "pin": f"gc/pins/{pin.pin_id}.json"}[kind]
    path = local.root / ".jvs" / name
    path.write_text(json.dumps({**json.loads(path.read_text()), "snapshot_id": made[2]}))
    with pytest.raises((RefBroken, PinNotFound)):
        local.gc.plan(keep_last=1)


def test_a_pin_whose_end_was_set_back_is_kept_and_named(local: Repository) -> None:
    made = history_of(local)
    pin = local.pins.create(made[0])
    path = local.root / ".jvs/gc/pins" / f"{pin.pin_id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "expires_at": "2020-01-01T00:00:00.000Z"}))
    assert "E_PIN_NOT_FOUND" in {found.code for found in local.doctor(repairs=["clean_tmp"]).findings}
    assert path.exists()


def test_what_is_lost_can_be_let_go(local: Repository) -> None:
    made = history_of(local)
    local.worktrees.create("exp", from_="HEAD")
    local.refs.create("kept", made[0])
    pin = local.pins.create(made[1], reason="paper")
    control = local.root / ".jvs"
    (control / "refs/kept.json").unlink()
    (control / "gc/pins" / f"{pin.pin_id}.json").unlink()
    shutil.rmtree(control / "worktrees/exp")
    assert "E_REF_BROKEN" in str(local.verify(every=True).audit.error)
    assert local.refs.delete("kept").snapshot_id == made[0]
    assert "E_WORKTREE_NOT_FOUND" in str(local.verify(every=True).audit.error)
    with pytest.raises(WorktreeNotFound):
        local.worktrees.remove("exp")
    local.worktrees.remove("exp", force=True)
    assert "E_PIN_NOT_FOUND" in str(local.verify(every=True).audit.error)
    assert local.pins.delete(pin.pin_id) == pin.model_copy(update={"created_by": ANY, "created_at": ANY})
    for again in (
        lambda: local.refs.delete("kept"),
        lambda: local.pins.delete(pin.pin_id),
        lambda: local.worktrees.remove("exp", force=True),
    ):
        with pytest.raises(NotFound):
            again()
    assert local.doctor().healthy
    assert local.verify(every=True).ok
    assert len(local.gc.run(local.gc.plan(keep_last=1).plan_id).deleted) == 3


def test_a_worktree_made_anew_takes_the_place_of_the_one_that_was_lost(local: Repository) -> None:
    made = history_of(local)
    local.worktrees.create("exp", from_="HEAD")
    shutil.rmtree(local.root / ".jvs/worktrees/exp")
    shutil.rmtree(local.root / "worktrees/exp")
    local.restore(made[1], name="exp")
    assert local.doctor().healthy
    assert local.gc.plan(keep_last=1).candidate_count == 2


@pytest.mark.parametrize("kind", ["ref", "pin", "intent", "descriptor", "worktree"])
def test_whatever_cannot_be_read_stops_plan_and_run(local: Repository, kind: str) -> None:
    history_of(local)
    gone = abandoned_branch(local)
    plan = local.gc.plan()
    control = local.root / ".jvs"
    local.refs.create("name", "HEAD")
    paths = {
        "ref": control / "refs/name.json",
        "pin": control / "gc/pins/0123456789ab.json",
        "intent": control / "intents/x.json",
        "descriptor": control / "descriptors" / f"{gone[0]}.json",
        "worktree": control / "worktrees/main/config.json",
    }
    paths[kind].write_text("{")
    for attempt in (lambda: local.gc.plan(keep_last=1), lambda: local.gc.run(plan.plan_id)):
        with pytest.raises((DescriptorCorrupt, RefBroken)):
            attempt()
    assert set(gone) <= set(os.listdir(control / "snapshots"))


def test_a_run_that_slept_too_long_in_its_critical_section_goes_no_further(
    local: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    history_of(local)
    plan = local.gc.plan(keep_last=1)
    with monkeypatch.context() as patch:
        patch.setattr(critical, "TRUSTED_MS", -1)
        with pytest.raises(FencingMismatch):
            local.gc.run(plan.plan_id)
    assert len(os.listdir(local.root / ".jvs/snapshots")) == 4
    assert len(local.gc.run(plan.plan_id).deleted) == 3
    assert local.verify(every=True).ok


def test_a_policy_of_the_configuration_is_used_and_options_take_its_place(local: Repository) -> None:
    history_of(local)
    with (local.root / ".jvs/config.toml").open("a") as config:
        config.write("\n[retention.short]\nkeep_last = 2\n")
    repo = Repository.open(local.root)
    assert repo.gc.plan("short").candidate_count == 2
    assert repo.gc.plan("short", keep_last=3).candidate_count == 1
    with pytest.raises(InputError, match="long"):
        repo.gc.plan("long")
    with pytest.raises(InputError):
        repo.gc.plan(keep_within="1x")


def test_plans_that_do_not_exist_are_not_found(local: Repository) -> None:
    for plan_id in ("0123456789ab", "../../main", "", "x"):
        with pytest.raises(PlanNotFound):
            local.gc.run(plan_id)


def test_a_tombstone_alone_refuses_every_use_of_its_snapshot(local: Repository) -> None:
    made = history_of(local)
    plan = local.gc.plan(keep_last=1)
    command = [sys.executable, "-c", KILLED, str(local.root), plan.plan_id, "trash"]
    subprocess.run(command, check=False)
    assert (local.root / ".jvs/snapshots" / made[0]).is_dir()
    assert set(tombstones.TOMBSTONES.keys(Layout(local.root))) == set(made[:3])
    for use in (lambda: local.restore(made[0]), lambda: local.pins.create(made[0])):
        with pytest.raises(SnapshotExpired):
            use()


def test_a_snapshot_that_is_damaged_is_no_rubbish(local: Repository) -> None:
    made = history_of(local)
    plan = local.gc.plan(keep_last=1)
    lost = local.root / ".jvs/snapshots" / made[0]
    lost.rename(local.root / "elsewhere")
    done = local.gc.run(plan.plan_id)
    assert [(found.snapshot_id, found.error.split(":")[0]) for found in done.failed] == [
        (made[0], "E_PARTIAL_SNAPSHOT")
    ]
    assert set(done.deleted) == set(made[1:3])
    assert not tombstones.TOMBSTONES.exists(Layout(local.root), made[0])


def test_policies_that_keep_nothing_are_no_policy() -> None:
    from jvs_core.operations.gc import retention

    assert retention.is_empty(RetentionPolicy())
    assert retention.is_empty(RetentionPolicy(keep_last=0))
    assert not retention.is_empty(RetentionPolicy(keep_tag=["x"]))


def test_every_refusal_is_one_of_the_contracts_errors(local: Repository) -> None:
    with pytest.raises(JvsError):
        local.gc.run("\0")


def test_an_empty_tag_to_keep_is_refused(local: Repository) -> None:
    with pytest.raises(InputError, match="tag to keep is empty"):
        local.gc.plan(keep_tag=["kept", ""])


def test_what_another_run_of_the_plan_deletes_at_the_same_time_is_no_failure(local: Repository) -> None:
    history_of(local)
    plan = local.gc.plan(keep_last=1)
    trash = local.root / ".jvs" / "gc" / "trash"

    class Other(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            if step == "delete":
                first = min(trash.iterdir())
                real = Footprint.add

                def add(self: Footprint, path: Path) -> int:
                    found = real(self, path)
                    if path.parent == first and first.exists():
                        shutil.rmtree(first)
                        raise EngineFailed("somebody else was faster")
                    return found

                monkeypatch.setattr(Footprint, "add", add)

    with pytest.MonkeyPatch.context() as monkeypatch:
        done = local.gc.run(plan.plan_id, progress=Other())
    assert (sorted(done.deleted), done.failed) == (sorted(c.snapshot_id for c in plan.candidates), [])
    assert local.doctor(strict=True).healthy


def test_nothing_is_planned_where_main_is_not_registered(repo: Repository) -> None:
    repo.snapshot("one", lock=True)
    shutil.rmtree(repo.root / ".jvs" / "worktrees")
    with pytest.raises(WorktreeNotFound):
        repo.gc.plan(keep_last=1)
