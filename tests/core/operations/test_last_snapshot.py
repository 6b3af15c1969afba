"""What a worktree that is removed by force holds is in a last snapshot, or the worktree stays."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from jvs_core import Progress, Repository
from jvs_core.errors import LockNotHeld, NoSpace, UnsavedChanges, UnsupportedFile
from jvs_core.operations import publish
from jvs_core.payload.engines import subvolume
from jvs_core.progress import SILENT
from tests.crash import children
from tests.crash.worlds import REPAIRS
from tests.support import damage
from tests.support.metadata import but_times, metadata_of
from tests.support.passing import LetPass

pytestmark = pytest.mark.in_turn


def made(root: Path) -> Repository:
    repo = Repository.init(root)
    (repo.root / "main" / "data").write_text("data")
    repo.snapshot("one", lock=True)
    repo.worktrees.create("exp")
    return repo


@pytest.fixture
def repo(workdir: Path) -> Repository:
    return made(workdir / "repo")


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    return made(tmp_path / "repo")


def folder(repo: Repository) -> Path:
    return repo.root / "worktrees" / "exp"


def edit(repo: Repository) -> None:
    (folder(repo) / "result.txt").write_text("a week of work")
    (folder(repo) / "data").unlink()


def test_it_comes_back_from_its_last_snapshot(repo: Repository) -> None:
    edit(repo)
    before = but_times(metadata_of(folder(repo), holes=False))
    done = repo.worktrees.remove("exp", force=True)
    assert done.last_snapshot_id is not None
    shown = repo.show(done.last_snapshot_id).descriptor
    assert (shown.note, shown.tags, shown.worktree) == (
        "before worktree exp was removed",
        ("pre-remove",),
        "exp",
    )
    assert os.listdir(repo.root / "worktrees") == []
    back = repo.restore(done.last_snapshot_id, name="back")
    assert but_times(metadata_of(Path(back.path), holes=False)) == before
    assert repo.doctor(strict=True).healthy
    assert repo.verify(every=True).ok


def test_gc_keeps_it_for_as_long_as_its_pin_and_it_can_be_dropped(local: Repository) -> None:
    edit(local)
    last = str(local.worktrees.remove("exp", force=True).last_snapshot_id)
    assert local.gc.plan().candidates == []
    assert local.gc.plan(keep_last=1).candidates == []
    (pin,) = local.pins.all()
    assert (pin.snapshot_id, pin.lineage, pin.expires_at is not None) == (last, False, True)
    local.pins.delete(pin.pin_id)
    assert [each.snapshot_id for each in local.gc.plan().candidates] == [last]


def test_where_nothing_changed_none_is_taken(local: Repository) -> None:
    assert local.worktrees.remove("exp", force=True).last_snapshot_id is None
    assert len(local.history(every=True)) == 1
    local.worktrees.create("exp")
    edit(local)
    assert local.worktrees.remove("exp", force=True, keep_last=False).last_snapshot_id is None
    assert len(local.history(every=True)) == 1


def test_an_empty_worktree_with_files_has_one_too(local: Repository) -> None:
    local.worktrees.create("new", empty=True)
    (local.root / "worktrees/new/a").write_text("a")
    last = local.worktrees.remove("new", force=True).last_snapshot_id
    assert last is not None
    assert local.show(last).descriptor.parent_snapshot_id is None


def test_without_space_for_it_the_worktree_stays(local: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise NoSpace("the disk is full", hint="free some")

    edit(local)
    monkeypatch.setattr(publish, "publish", full)
    with pytest.raises(NoSpace, match="'exp' stays") as refused:
        local.worktrees.remove("exp", force=True)
    assert "free some; or delete what nobody needs in" in str(refused.value.hint)
    assert (folder(local) / "result.txt").read_text() == "a week of work"
    assert local.doctor(strict=True).healthy


def test_a_file_that_cannot_be_kept_keeps_the_worktree(local: Repository) -> None:
    edit(local)
    hidden = folder(local) / "loop"
    hidden.mkdir()
    (hidden / "x").write_bytes(b"x")
    with pytest.MonkeyPatch.context() as patch:

        def unreadable(*_: object, **__: object) -> None:
            raise UnsupportedFile("loop/x cannot be read")

        patch.setattr(publish, "publish", unreadable)
        with pytest.raises(UnsupportedFile, match="loop/x"):
            local.worktrees.remove("exp", force=True)
    assert (hidden / "x").exists()


def test_what_no_snapshot_can_hold_is_named(local: Repository, caplog: pytest.LogCaptureFixture) -> None:
    (folder(local) / "new").write_text("new")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder(local) / "sock"))
    local.worktrees.remove("exp", force=True)
    assert any("'exp'" in said and "sock" in said for said in caplog.messages), caplog.messages


def test_what_changes_after_it_keeps_the_worktree(repo: Repository) -> None:
    edit(repo)

    def write() -> None:
        (folder(repo) / "late").write_text("late")

    late = children.Steps(at="before hide", act=write)
    with pytest.raises(UnsavedChanges, match="after its last snapshot: late"):
        repo.worktrees.remove("exp", force=True, progress=late)
    assert (folder(repo) / "late").read_text() == "late"
    assert repo.worktrees.remove("exp", force=True).last_snapshot_id is not None
    assert repo.doctor(strict=True).healthy


def test_a_damaged_head_is_not_relied_on(repo: Repository) -> None:
    file = damage.payload_file(repo, "HEAD", "data")
    if subvolume.is_subvolume(file.parent):
        subvolume.set_read_only(file.parent, False)
    damage.overwrite(file, "rotten")
    last = repo.worktrees.remove("exp", force=True).last_snapshot_id
    assert last is not None
    assert repo.verify(last).ok
    with repo.open_file(last, "data") as kept:
        assert kept.read() == b"data"


STEPS = (
    *("check", "intent", "clone", "manifest", "settle", "descriptor", "ready", "fence", "publish", "catalog"),
    *("head", "audit", "hide", "unregister", "delete"),
)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost(repo: Repository, let_pass: LetPass, step: str) -> None:
    edit(repo)

    def work(progress: Progress = SILENT) -> None:
        repo.worktrees.remove("exp", force=True, progress=progress)

    died = children.Steps(at=f"before {step}", act=children.die)
    assert children.run(lambda: work(died)) == children.KILLED
    if step in ("hide", "unregister"):
        let_pass(40)  # the dead process locked everybody out
    report = repo.doctor(repairs=REPAIRS, strict=True)
    assert [found for found in report.findings if found.severity != "info"] == []
    if "exp" in repo.worktrees.names():
        assert (folder(repo) / "result.txt").read_text() == "a week of work"
        with suppress(LockNotHeld):
            repo.locks.release("exp")  # the dead process's lease is this session's
        work()
    (last,) = [each.descriptor for each in repo.history(every=True) if "pre-remove" in each.descriptor.tags][
        :1
    ]
    with repo.open_file(last.snapshot_id, "result.txt") as file:
        assert file.read() == b"a week of work"
    assert repo.verify(every=True).ok
