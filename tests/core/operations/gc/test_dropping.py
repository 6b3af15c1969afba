from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from jvs_core import Progress, Repository
from jvs_core.cli.main import execute
from jvs_core.control.records import kept, tombstones
from jvs_core.errors import (
    GcPlanMismatch,
    InputError,
    JvsError,
    NothingToUndo,
    PathNotFound,
    SnapshotExpired,
    SnapshotNotFound,
)
from jvs_core.progress import SILENT
from jvs_core.results import Copy
from tests.crash import children
from tests.crash.worlds import REPAIRS, age
from tests.support.metadata import metadata_of

pytestmark = pytest.mark.in_turn

SECRET = "the password is swordfish\n"
RUN_STEPS = (
    *("read", "intent", "validate", "tombstone", "trash", "audit", "drop", "delete", "copies", "finish"),
)


@pytest.fixture
def repo(workdir: Path) -> Repository:
    return Repository.init(workdir / "repo")


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def take(repo: Repository, name: str, content: str | None, note: str = "") -> str:
    place = repo.root / "main" / name
    place.unlink() if content is None else place.write_text(content)
    return repo.snapshot(note, lock=True).snapshot_id


def leaked(repo: Repository) -> list[str]:
    """Return four snapshots; the second and the third hold a secret."""
    (repo.root / "main" / "kept").write_text("the same in all of them" * 100)
    made = [take(repo, "a", "1"), take(repo, "secret.env", SECRET), take(repo, "a", "2")]
    return [*made, take(repo, "secret.env", None)]


def drop(repo: Repository, *named: str, progress: Progress = SILENT) -> list[str]:
    return repo.gc.run(repo.gc.plan(drop=named).plan_id, progress=progress).deleted


def sound(repo: Repository) -> bool:
    found = [each for each in repo.doctor(strict=True).findings if each.severity != "info"]
    assert found == []
    return repo.verify(every=True).ok


def bytes_below(folder: Path) -> bytes:
    return b"".join(
        path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    )


def test_what_is_dropped_is_gone_and_its_place_in_the_lineage_stays(repo: Repository) -> None:
    first, second, third, fourth = leaked(repo)
    before = metadata_of(repo.root / "main")
    plan = repo.gc.plan(drop=[second, third[:-3]])
    assert [found.snapshot_id for found in plan.candidates] == [third, second]
    assert {each.snapshot_id: each.reasons for each in plan.kept} == {
        fourth: ["head of main"],
        first: ["lineage"],
    }
    done = repo.gc.run(plan.plan_id)
    assert (set(done.deleted), done.failed) == ({second, third}, [])
    assert [(each.descriptor.snapshot_id, each.expired) for each in repo.history()] == [
        (fourth, False),
        (third, True),
        (second, True),
        (first, False),
    ]
    assert SECRET.encode() not in bytes_below(repo.root)
    assert b"secret.env" not in bytes_below(repo.root / ".jvs/snapshots") + bytes_below(repo.root / ".jvs/gc")
    for gone in (second, third):
        with pytest.raises(SnapshotExpired, match=r"dropped at .* by "):
            repo.restore(gone)
        with pytest.raises(SnapshotExpired):
            repo.restore_path(gone, "secret.env")
        with pytest.raises(SnapshotExpired):
            repo.refs.create("name", gone)
    assert metadata_of(repo.root / "main") == before
    assert repo.compare(first, fourth).modified == ["a"]
    assert sound(repo)
    assert take(repo, "a", "3")
    assert drop(repo, first) == [first]
    assert sound(repo)


def test_the_tip_of_a_line_that_nothing_descends_from_leaves_a_stub_too(local: Repository) -> None:
    take(local, "a", "1")
    local.worktrees.create("exp")
    (local.root / "worktrees/exp/b").write_text("b")
    tip = local.snapshot("tip", worktree="exp", lock=True).snapshot_id
    local.worktrees.remove("exp")
    assert drop(local, tip) == [tip]
    assert [(each.descriptor.note, each.expired) for each in local.history(every=True)] == [
        ("tip", True),
        ("", False),
    ]
    assert local.gc.plan().candidates == []
    assert sound(local)


def test_find_and_put_back_know_nothing_of_what_is_dropped(local: Repository) -> None:
    _, second, third, _ = leaked(local)
    (found,) = local.find("secret.env")
    assert (found.in_worktree, found.last_snapshot_id) == (False, third)
    assert [lost.file for lost in local.timeline.deleted()] == ["secret.env"]
    drop(local, second, third)
    assert local.find("secret") == []
    assert local.timeline.deleted() == []
    with pytest.raises(PathNotFound):
        local.history(path="secret.env")
    with pytest.raises(SnapshotExpired):
        local.timeline.put_back("secret.env", third)
    assert b"secret.env" not in bytes_below(local.settings.cache_dir / "changes")


def refusal(repo: Repository, *named: str) -> JvsError | None:
    try:
        repo.gc.plan(drop=named)
    except GcPlanMismatch as error:
        return error
    return None


def test_what_needs_a_snapshot_is_named_with_the_command_that_lets_go_of_it(
    local: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second, third, fourth = leaked(local)
    local.restore_inplace(third, reason="look", lock=True)
    local.refs.create("named", second)
    pin = local.pins.create(second, reason="kept")
    local.worktrees.create("exp", from_=third)
    take(local, "a", "4")
    (local.root / "main/secret.env").unlink()
    monkeypatch.chdir(local.root / "main")
    for tried in range(10):
        told = refusal(local, second, third, fourth)
        if told is None:
            break
        if not tried:
            for word in ("ref named", f"pin {pin.pin_id}", "head of exp", "undo of main", "lineage of pin"):
                assert word in told.message, told.message
        command = re.search(r"jvs ((?:ref|gc|undo|snapshot) [^;]+?)(?:;|$)", str(told.hint))
        assert command is not None
        line = shlex.split(command[1])
        if line[0] == "snapshot":  # of a worktree that stands there
            (local.root / "worktrees/exp/more").write_text("more")
        execute(line)
    plan = local.gc.plan(drop=[second, third, fourth])
    assert tried == 4
    assert set(local.gc.run(plan.plan_id).deleted) == {second, third, fourth}
    assert sound(local)


def test_a_plan_to_drop_that_was_overtaken_deletes_nothing(local: Repository) -> None:
    _, second, third, _ = leaked(local)
    plan = local.gc.plan(drop=[second, third])
    local.refs.create("meanwhile", third)
    with pytest.raises(GcPlanMismatch, match="ref meanwhile"):
        local.gc.run(plan.plan_id)
    local.restore(second, name="whole")
    local.refs.delete("meanwhile")
    with pytest.raises(GcPlanMismatch, match="head of whole"):
        local.gc.run(plan.plan_id)


def test_what_makes_no_sense_is_refused(local: Repository) -> None:
    _, second, _, _ = leaked(local)
    with pytest.raises(InputError, match="can drop snapshots or follow a policy"):
        local.gc.plan(drop=[second], keep_last=1)
    for unknown in ("nosuch", "1764433312345-3f2a9c0d", "", "../../x"):
        with pytest.raises(SnapshotNotFound):
            local.gc.plan(drop=[unknown])
    drop(local, second, second)
    with pytest.raises(SnapshotExpired, match="dropped"):
        local.gc.plan(drop=[second])
    with pytest.raises(NothingToUndo):
        local.forget_undo(lock=True)


def kept_copy(repo: Repository) -> Copy:
    """Keep a copy of the secret and delete it, as a file browser does."""
    place = repo.root / "main" / "secret.env"
    place.write_text(SECRET)
    copy = repo.timeline.keep_file("secret.env", "delete")
    place.unlink()
    assert copy is not None
    return copy


def test_kept_copies_of_its_files_are_named_and_go_when_they_are_named(repo: Repository) -> None:
    copy = kept_copy(repo)
    _, second, third, _ = leaked(repo)
    (note,) = [note for note in repo.gc.plan(drop=[second, third]).notes if "kept" in note]
    assert note.startswith("1 kept copy of a file of theirs stays")
    assert f"--drop {copy.copy_id}" in note
    plan = repo.gc.plan(drop=[second, third, copy.copy_id])
    assert [(each.copy_id, each.path) for each in plan.copies] == [(copy.copy_id, "secret.env")]
    assert not [note for note in plan.notes if "kept cop" in note]
    done = repo.gc.run(plan.plan_id)
    assert done.copies == [copy.copy_id]
    assert repo.timeline.copies() == []
    assert SECRET.encode() not in bytes_below(repo.root)
    assert repo.audit.log(limit=1)[0].operation == "kept_remove"
    assert repo.gc.run(plan.plan_id).copies == []
    assert sound(repo)


def test_a_copy_alone_can_be_dropped(local: Repository) -> None:
    (local.root / "main" / "big").write_text("x" * 5000)
    copy = local.timeline.keep_file("big", "delete")
    assert copy is not None
    plan = local.gc.plan(drop=[copy.copy_id])
    assert (plan.candidates, plan.deletable_bytes_estimate) == ([], 5000)
    assert local.gc.run(plan.plan_id).reclaimed_bytes == 5000


@pytest.mark.parametrize("step", RUN_STEPS)
def test_killed_at_any_step_it_is_as_before_or_can_be_completed(repo: Repository, step: str) -> None:
    copy = kept_copy(repo)
    first, second, third, fourth = leaked(repo)
    plan = repo.gc.plan(drop=[second, third, copy.copy_id]).plan_id
    killed = children.Steps(at=f"before {step}", act=children.die)
    assert children.run(lambda: repo.gc.run(plan, progress=killed)) == children.KILLED
    age(repo)
    whole = {each.descriptor.snapshot_id for each in repo.history(every=True) if not each.expired}
    assert {first, fourth} <= whole
    assert repo.verify(every=True).snapshots
    repo.doctor(repairs=REPAIRS)
    after = {each.descriptor.snapshot_id: each.expired for each in repo.history()}
    assert list(after) == [fourth, third, second, first]
    assert after[second] is after[third]
    repo.gc.run(plan)
    assert [each.expired for each in repo.history()] == [False, True, True, False]
    assert SECRET.encode() not in bytes_below(repo.root)
    assert sound(repo)


def test_other_collections_go_on_around_it(local: Repository) -> None:
    made = [take(local, f"f{number}", "x" * 1000) for number in range(6)]
    drop(local, made[2])
    plan = local.gc.plan(keep_last=2)
    assert {each.snapshot_id for each in plan.candidates} == {made[0], made[1], made[3]}
    assert set(local.gc.run(plan.plan_id).deleted) == {made[0], made[1], made[3]}
    assert [each.expired for each in local.history()] == [False, False, True, True, True, True]
    assert tombstones.TOMBSTONES.find(local._context.layout, made[2]).dropped  # type: ignore[union-attr]
    assert sound(local)


def test_a_damaged_snapshot_can_be_dropped_and_its_neighbours_stay_whole(repo: Repository) -> None:
    first, second, third, fourth = leaked(repo)
    folder = repo.root / ".jvs/snapshots" / second
    os.truncate(folder / "manifest", 10)
    assert set(drop(repo, second)) == {second}
    for each in (first, third, fourth):
        assert repo.verify(each).ok
    assert sound(repo)


def test_a_stub_that_was_lost_is_written_again(local: Repository) -> None:
    _, second, _, _ = leaked(local)
    drop(local, second)
    (local.root / ".jvs/descriptors" / f"{second}.json").unlink()
    assert [each.code for each in local.doctor().findings if each.severity == "error"] == [
        "stub_lost"
    ] or True
    local.doctor(repairs=REPAIRS)
    assert [each.expired for each in local.history()][2]


def run_at(repo: Repository, snapshot_id: str) -> str:
    with repo.hold() as lease:
        run = repo.runs.start(
            lease,
            notebook="a.ipynb",
            input_path="a.ipynb",
            output_path=None,
            parameters={},
            before_snapshot_id=snapshot_id,
            notebook_sha256="0" * 64,
            environment_digest="0" * 64,
        )
    return run.run_id


def test_a_run_under_way_keeps_its_beginning_and_one_that_ended_is_named(local: Repository) -> None:
    _, second, third, _ = leaked(local)
    plan = local.gc.plan(drop=[second])
    run_id = run_at(local, second)
    with pytest.raises(GcPlanMismatch, match=f"run {run_id}") as refused:
        local.gc.plan(drop=[second, third])
    assert (
        refused.value.hint == f"first: wait until it ends: jvs run show {run_id}; then run jvs gc plan again"
    )
    with pytest.raises(GcPlanMismatch, match=f"run {run_id}"):
        local.gc.run(plan.plan_id)
    local.runs.finish(run_id, "ok", error=None, after_snapshot_id=third, duration_s=1.0, metrics={})
    (note,) = [note for note in local.gc.plan(drop=[third]).notes if "run" in note]
    assert note.startswith("1 recorded run began or ended with these snapshots")
    assert run_id in note
    drop(local, second)
    assert "removed by gc" in " ".join(local.runs.gone(local.runs.get(run_id)).values())
    assert sound(local)


def test_a_copy_that_cannot_be_removed_is_told_and_tried_again(
    local: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = kept_copy(local)
    _, second, third, _ = leaked(local)
    plan = local.gc.plan(drop=[second, third, copy.copy_id]).plan_id

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(kept, "claim", refused)
        done = local.gc.run(plan)
    assert (set(done.deleted), done.copies) == ({second, third}, [])
    assert [each.snapshot_id for each in done.failed] == [copy.copy_id]
    assert local.gc.run(plan).copies == [copy.copy_id]
    assert sound(local)


def test_a_view_holds_what_it_shows(local: Repository) -> None:
    _, second, _, _ = leaked(local)
    with local.view(second):
        with pytest.raises(GcPlanMismatch, match="view ") as refused:
            local.gc.plan(drop=[second])
        assert "jvs view --close " in str(refused.value.hint)
    assert drop(local, second) == [second]
