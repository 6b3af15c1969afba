from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.errors import LockNotHeld, NothingToUndo, PayloadHashMismatch
from jvs_core.payload.changes import describe
from jvs_core.payload.copy import captured
from jvs_core.payload.engines import btrfs_snapshot, subvolume
from jvs_core.payload.tree import walk
from jvs_core.progress import SILENT, Progress, Silent
from tests.crash import children
from tests.support.damage import overwrite
from tests.support.metadata import but_times, metadata_of
from tests.support.payloads import build_notebooks

pytestmark = pytest.mark.in_turn


@pytest.fixture
def repo(workdir: Path) -> Repository:
    repo = Repository.init(workdir / "repo")
    build_notebooks(main(repo))
    (main(repo) / "kept.txt").write_text("kept")
    (main(repo) / "changed.txt").write_text("old")
    (main(repo) / "gone").mkdir()
    (main(repo) / "gone" / "deep.txt").write_text("gone")
    return repo


def main(repo: Repository) -> Path:
    return repo.root / "main"


def change(repo: Repository) -> None:
    (main(repo) / "changed.txt").write_text("new content")
    (main(repo) / "gone" / "deep.txt").unlink()
    (main(repo) / "gone").rmdir()
    (main(repo) / "added").mkdir()
    (main(repo) / "added" / "link").symlink_to("nowhere")


def test_it_brings_back_everything_and_touches_only_what_differs(repo: Repository) -> None:
    repo.locks.acquire()
    first = repo.snapshot("one")
    before = but_times(metadata_of(main(repo)))
    inodes = {name: os.stat(main(repo) / name).st_ino for name in (".", "kept.txt")}
    change(repo)
    second = repo.snapshot("two")
    done = repo.restore_inplace(first.snapshot_id, reason="test")
    assert but_times(metadata_of(main(repo))) == before
    assert {name: os.stat(main(repo) / name).st_ino for name in inodes} == inodes
    assert (done.added, done.modified, done.removed) == (["gone/deep.txt"], ["changed.txt"], ["added/link"])
    assert done.pre_restore_snapshot_id == second.snapshot_id
    status = repo.status()
    assert (status.clean, status.head_snapshot_id) == (True, first.snapshot_id)


class Late(Silent):
    """Does something once a look has found the way."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act: Callable[[], object] | None = act

    def finished(self, step: str) -> None:
        if step == "compare" and self.act:
            act, self.act = self.act, None
            act()


def test_what_changes_after_the_look_is_saved_and_taken_back_as_well(repo: Repository) -> None:
    first = repo.snapshot("one", lock=True)
    before = but_times(metadata_of(main(repo)))
    change(repo)

    def more() -> None:
        (main(repo) / "late.txt").write_text("late")
        (main(repo) / "kept.txt").write_text("changed late")

    done = repo.restore_inplace(first.snapshot_id, reason="test", lock=True, progress=Late(more))
    assert but_times(metadata_of(main(repo))) == before
    assert "late.txt" in done.removed
    assert done.pre_restore_snapshot_id is not None
    for name, content in (("late.txt", b"late"), ("kept.txt", b"changed late")):
        with repo.open_file(done.pre_restore_snapshot_id, name) as saved:
            assert saved.read() == content


@pytest.mark.parametrize("damage", ["content", "missing", "swapped folder"])
def test_a_snapshot_damaged_where_it_is_needed_is_refused_before_anything_changes(
    repo: Repository, damage: str
) -> None:
    first = repo.snapshot("one", lock=True)
    change(repo)
    before = metadata_of(main(repo))
    payload = repo.root / ".jvs" / "snapshots" / first.snapshot_id / "payload"
    if first.engine == "btrfs-snapshot":
        subvolume.set_read_only(payload, False)
    if damage == "content":
        overwrite(payload / "changed.txt", "0ld")
    elif damage == "missing":
        (payload / "changed.txt").unlink()
    else:
        (payload / "gone").rename(payload / "elsewhere")
        (payload / "gone").symlink_to("elsewhere")
    history = len(repo.history(every=True))
    with pytest.raises(PayloadHashMismatch) as raised:
        repo.restore_inplace(first.snapshot_id, reason="test", lock=True)
    assert raised.value.hint == f"jvs verify {first.snapshot_id}"
    assert metadata_of(main(repo)) == before
    assert len(repo.history(every=True)) == history
    assert not os.listdir(repo.root / ".jvs" / "intents")


def times(repo: Repository) -> dict[str, int]:
    names = ("kept.txt", "changed.txt", "gone/deep.txt")
    return {name: os.lstat(main(repo) / name).st_mtime_ns for name in names}


def test_what_is_replaced_gets_the_time_of_now_and_nothing_else_does(repo: Repository) -> None:
    repo.locks.acquire()
    for name in times(repo):
        os.utime(main(repo) / name, ns=(10**18, 10**18))
    first = repo.snapshot("one")
    change(repo)
    os.utime(main(repo) / "kept.txt", ns=(10**18, 10**18 + 1))
    repo.snapshot("two")
    began = time.time_ns() - 10**9
    repo.restore_inplace(first.snapshot_id, reason="test")
    found = times(repo)
    assert found["kept.txt"] == 10**18 + 1
    assert min(found["changed.txt"], found["gone/deep.txt"]) > began
    assert repo.status().clean
    assert repo.compare(first.snapshot_id).modified == []
    began = time.time_ns()
    time.sleep(0.05)
    repo.undo()
    assert os.lstat(main(repo) / "changed.txt").st_mtime_ns > began
    assert os.lstat(main(repo) / "kept.txt").st_mtime_ns == 10**18 + 1
    assert repo.status().clean


@pytest.mark.parametrize("path", ["changed.txt", "."])
def test_a_path_that_is_replaced_gets_the_time_of_now_where_its_content_changes(
    repo: Repository, path: str
) -> None:
    repo.locks.acquire()
    (main(repo) / "sub").mkdir()
    for name in ("kept.txt", "changed.txt"):
        (main(repo) / name).rename(main(repo) / "sub" / name)
        os.utime(main(repo) / "sub" / name, ns=(10**18, 10**18))
    first = repo.snapshot("one")
    (main(repo) / "sub" / "changed.txt").write_text("other")
    os.utime(main(repo) / "sub" / "kept.txt", ns=(10**18, 10**18 + 1))
    began = time.time_ns() - 10**9
    repo.restore_path(first.snapshot_id, os.path.normpath(f"sub/{path}"), inplace=True, reason="test")
    assert (main(repo) / "sub" / "changed.txt").stat().st_mtime_ns > began
    assert (main(repo) / "sub" / "kept.txt").stat().st_mtime_ns == 10**18 + 1
    assert repo.compare(first.snapshot_id).modified == []


@pytest.mark.on_each
def test_it_walks_the_worktree_once(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = repo.snapshot("one", lock=True)
    change(repo)
    walks: list[Path] = []

    def counted(root: Path, progress: Progress = SILENT, **how: Any) -> walk.Scan:
        walks.append(root)
        return walk.scan(root, progress, **how)

    for module in (describe, captured, btrfs_snapshot):
        monkeypatch.setattr(module, "scan", counted)
    repo.restore_inplace(first.snapshot_id, reason="test", lock=True)
    # What juicefs clone made is compared with a walk of its own, so the steps are planned again.
    assert walks == [main(repo)] * (2 if first.engine == "juicefs-clone" else 1)


def test_it_takes_the_lock_for_itself_where_asked(repo: Repository) -> None:
    first = repo.snapshot("one", lock=True)
    change(repo)
    with pytest.raises(LockNotHeld):
        repo.restore_inplace(first.snapshot_id, reason="test")
    repo.restore_inplace(first.snapshot_id, reason="test", lock=True)
    assert (repo.status().clean, repo.locks.status().state) == (True, "free")
    repo.undo(lock=True)
    assert (main(repo) / "changed.txt").read_text() == "new content"
    repo.restore_path(first.snapshot_id, "changed.txt", inplace=True, reason="test", lock=True)
    assert (main(repo) / "changed.txt").read_text() == "old"
    assert repo.locks.status().state == "free"


@pytest.mark.on_each
def test_undo_brings_content_and_head_back_from_a_changed_worktree(repo: Repository) -> None:
    repo.locks.acquire()
    first = repo.snapshot("one")
    (main(repo) / "kept.txt").write_text("second")
    second = repo.snapshot("two")
    change(repo)
    before, status = but_times(metadata_of(main(repo))), repo.status()
    done = repo.restore_inplace(first.snapshot_id, reason="test")
    assert done.pre_restore_snapshot_id not in (first.snapshot_id, second.snapshot_id)
    assert repo.show(done.pre_restore_snapshot_id or "").descriptor.tags == ("pre-restore",)
    repo.undo()
    assert but_times(metadata_of(main(repo))) == before
    assert repo.status() == status
    assert repo.status().head_snapshot_id == second.snapshot_id
    with pytest.raises(NothingToUndo):
        repo.undo()


def test_without_the_lock_nothing_is_changed(repo: Repository) -> None:
    first = repo.snapshot("one", lock=True)
    change(repo)
    before = metadata_of(main(repo))
    with pytest.raises(LockNotHeld):
        repo.restore_inplace(first.snapshot_id, reason="test")
    assert metadata_of(main(repo)) == before


def test_a_dry_run_says_what_would_change_and_changes_nothing(repo: Repository) -> None:
    first = repo.snapshot("one", lock=True)
    change(repo)
    before, records = metadata_of(main(repo)), repo.verify().audit.records
    shown = repo.restore_inplace(first.snapshot_id, reason="test", dry_run=True)
    assert shown.modified == ["changed.txt"]
    assert (metadata_of(main(repo)), repo.verify().audit.records) == (before, records)


@pytest.mark.parametrize("step", ["scan", "intent", "compare", "converge", "settle", "head"])
def test_a_restore_killed_at_any_step_is_completed_by_the_next_snapshot(repo: Repository, step: str) -> None:
    repo.locks.acquire()
    first = repo.snapshot("one")
    wanted = but_times(metadata_of(main(repo)))
    change(repo)
    second = repo.snapshot("two")
    changed = but_times(metadata_of(main(repo)))
    killed = children.Steps(at=f"before {step}", act=children.die)
    again = Repository.open(main(repo))
    work = partial(again.restore_inplace, first.snapshot_id, reason="test", progress=killed)
    assert children.run(work) == children.KILLED
    (main(repo) / "later.txt").write_text("written after the crash")
    taken = repo.snapshot("after")
    completed = step not in ("scan", "compare", "intent")
    if completed:
        assert but_times(metadata_of(main(repo))) == wanted
        assert taken.parent_snapshot_id == first.snapshot_id
        saved = [
            item.descriptor for item in repo.history(every=True) if item.descriptor.tags == ("pre-restore",)
        ]
        assert len(saved) == 1
        with repo.open_file(saved[0].snapshot_id, "later.txt") as later:
            assert later.read() == b"written after the crash"
    else:
        assert {k: v for k, v in but_times(metadata_of(main(repo))).items() if k != b"later.txt"} == changed
        assert taken.parent_snapshot_id == second.snapshot_id
    assert not os.listdir(repo.root / ".jvs" / "intents")
    assert repo.verify(every=True).ok
