from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import JvsError, Progress, Repository
from jvs_core.control.lock import lock
from jvs_core.control.lock.lease import Lease
from jvs_core.errors import (
    AlreadyExists,
    EngineFailed,
    FencingMismatch,
    LockConflict,
    LockNotHeld,
    UnsavedChanges,
)
from jvs_core.payload.engines import subvolume
from jvs_core.settings import LeaseConfig, RepositoryConfig, from_environment, render_config
from tests.crash import children
from tests.support.filesystems import bound
from tests.support.marks import on
from tests.support.passing import LetPass, outlast
from tests.support.payloads import build_hostile
from tests.support.users import SOMEBODY

pytestmark = pytest.mark.in_turn

LEASE_MS = 1000


def at(point: str, act: Callable[[], object]) -> children.Steps:
    def once() -> None:
        act()

    return children.Steps(at=point, act=once)


def killed(work: Callable[[Progress], object], point: str, act: Callable[[], object]) -> None:
    def act_and_die() -> None:
        act()
        children.die()

    assert children.run(lambda: work(at(point, act_and_die))) == children.KILLED


def made(root: Path, lease_ms: int = LEASE_MS) -> Repository:
    repo = Repository.init(root)
    config = RepositoryConfig(
        lease=LeaseConfig(duration_ms=lease_ms, renew_interval_ms=200, max_clock_skew_ms=0, steal_grace_ms=0)
    )
    (repo.root / ".jvs" / "config.toml").write_text(render_config(config))
    repo = Repository.open(root)
    (repo.root / "main" / "data").mkdir()
    (repo.root / "main" / "data" / "a.csv").write_text("1,2\n")
    (repo.root / "main" / "notes.txt").write_text("notes")
    repo.snapshot("one", lock=True)
    repo.worktrees.create("exp")
    return repo


def folder(repo: Repository) -> Path:
    return repo.root / "worktrees" / "exp"


def another(repo: Repository) -> Repository:
    return Repository.open(repo.root, settings=replace(from_environment(), session="another"))


def require_untouched(repo: Repository) -> None:
    assert os.listdir(repo.root / "worktrees") == ["exp"]
    assert os.listdir(repo.root / ".jvs" / "intents") == []
    assert repo.locks.status("exp").state == "free"
    assert repo.doctor(strict=True).healthy


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    return made(tmp_path / "repo")


@pytest.fixture
def repo(workdir: Path) -> Repository:
    return made(workdir / "repo")


@pytest.mark.parametrize("force", [False, True])
def test_the_lock_is_held_for_as_long_as_removing_lasts(
    tmp_path: Path, let_pass: LetPass, force: bool
) -> None:
    local = made(tmp_path / "repo", lease_ms=30_000)
    refused: list[str] = []

    def try_to_lock() -> None:
        outlast(local, let_pass, 20, "exp")
        with suppress(LockConflict):
            another(local).locks.acquire("exp")
            return
        refused.append("refused")

    progress = at("after hide" if force else "before scan", try_to_lock)
    local.worktrees.remove("exp", force=force, progress=progress)
    assert refused
    assert local.worktrees.names() == ["main"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("point", ["before hide", "after hide"])
def test_who_got_the_lock_meanwhile_keeps_the_worktree(
    local: Repository, let_pass: LetPass, monkeypatch: pytest.MonkeyPatch, force: bool, point: str
) -> None:
    def asleep(*_: object) -> Lease:
        raise LockNotHeld("as after a suspend")

    def take() -> None:
        let_pass(1.5 * LEASE_MS / 1000)
        another(local).locks.acquire("exp")

    monkeypatch.setattr(lock, "renew", asleep)
    with pytest.raises(FencingMismatch, match="taken over"):
        local.worktrees.remove("exp", force=force, progress=at(point, take))
    assert (folder(local) / "notes.txt").read_text() == "notes"
    assert os.listdir(local.root / ".jvs" / "intents") == []
    another(local).snapshot("goes on", worktree="exp")


def test_an_edit_made_after_the_look_is_found(repo: Repository) -> None:
    edit = at("before hide", lambda: (folder(repo) / "notes.txt").write_text("precious"))
    with pytest.raises(UnsavedChanges, match=r"notes\.txt"):
        repo.worktrees.remove("exp", progress=edit)
    assert (folder(repo) / "notes.txt").read_text() == "precious"
    require_untouched(repo)
    repo.worktrees.remove("exp", force=True)
    assert os.listdir(repo.root / "worktrees") == []


def test_a_removal_that_fails_or_is_interrupted_puts_the_worktree_back(local: Repository) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    for point in ("before hide", "after hide", "before unregister"):
        with pytest.raises(KeyboardInterrupt):
            local.worktrees.remove("exp", progress=at(point, interrupt))
        assert (folder(local) / "notes.txt").read_text() == "notes"
        require_untouched(local)


def test_what_cannot_be_looked_at_again_is_put_back(local: Repository) -> None:
    def break_the_head() -> None:
        (local.root / ".jvs" / "descriptors").rename(local.root / "descriptors")

    with pytest.raises(JvsError):
        local.worktrees.remove("exp", progress=at("after hide", break_the_head))
    (local.root / "descriptors").rename(local.root / ".jvs" / "descriptors")
    require_untouched(local)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.setxattr(path / "notes.txt", "user.label", b"precious"),
        lambda path: os.setxattr(path / "data", "user.label", b"precious"),
        lambda path: os.chown(path / "notes.txt", 5, -1),
        lambda path: os.chown(path / "notes.txt", -1, 5),
        lambda path: os.link(path / "notes.txt", path / "data" / "link"),
    ],
    ids=["attribute", "attribute of a folder", "owner", "group", "hard link"],
)
@on("xfs", "juicefs")
def test_a_change_of_attributes_alone_keeps_a_worktree(
    repo: Repository, change: Callable[[Path], None]
) -> None:
    change(folder(repo))
    with pytest.raises(UnsavedChanges):
        repo.worktrees.remove("exp")
    require_untouched(repo)
    repo.snapshot("kept", worktree="exp", lock=True)
    repo.worktrees.remove("exp")


def test_a_change_of_attributes_alone_is_not_shown_as_one(local: Repository) -> None:
    os.setxattr(folder(local) / "notes.txt", "user.label", b"precious")
    assert local.status("exp").clean


@pytest.mark.on_each
def test_a_worktree_as_it_was_made_is_removed_whatever_it_holds(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    build_hostile(repo.root / "main")
    repo.snapshot("hostile", lock=True)
    repo.worktrees.create("exp")
    repo.worktrees.remove("exp")
    assert os.listdir(repo.root / "worktrees") == []


@on("xfs")
def test_a_worktree_given_to_somebody_as_a_whole_is_removed(repo: Repository) -> None:
    for each in (folder(repo), *folder(repo).rglob("*")):
        os.chown(each, SOMEBODY, SOMEBODY)
    repo.worktrees.remove("exp")
    assert repo.worktrees.names() == ["main"]


def test_a_sandbox_that_fails_keeps_attributes_too(local: Repository) -> None:
    def fail() -> None:
        with local.sandbox() as box:
            os.setxattr(box.path / "notes.txt", "user.label", b"precious")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [item.descriptor.note for item in local.history(every=True)] == ["sandbox, failed", "one"]


@pytest.mark.parametrize("point", ["after hide", "before unregister"])
def test_killed_before_its_decision_nothing_is_deleted(repo: Repository, point: str) -> None:
    def edit() -> None:
        [hidden] = (repo.root / "worktrees").iterdir()
        (hidden / "notes.txt").write_text("precious")

    killed(lambda progress: repo.worktrees.remove("exp", progress=progress), point, edit)
    report = repo.doctor(repairs=["clean_tmp"], strict=True)
    assert [found.code for found in report.findings if found.severity != "info"] == ["W_INTENT_ABANDONED"]
    assert repo.doctor(repairs=["clean_intents", "clean_tmp"], strict=True).healthy
    assert (folder(repo) / "notes.txt").read_text() == "precious"
    assert os.listdir(repo.root / "worktrees") == ["exp"]


@pytest.mark.parametrize("force", [False, True])
def test_removing_again_after_a_kill_looks_again(local: Repository, let_pass: LetPass, force: bool) -> None:
    def edit() -> None:
        [hidden] = (local.root / "worktrees").iterdir()
        (hidden / "notes.txt").write_text("precious")

    killed(lambda progress: local.worktrees.remove("exp", progress=progress), "after hide", edit)
    let_pass(1.2 * LEASE_MS / 1000)
    if force:
        local.worktrees.remove("exp", force=True)
        assert os.listdir(local.root / "worktrees") == []
        assert local.doctor(strict=True).healthy
    else:
        with pytest.raises(UnsavedChanges):
            local.worktrees.remove("exp")
        assert (folder(local) / "notes.txt").read_text() == "precious"
        require_untouched(local)


def test_renaming_after_a_killed_removal_finds_the_folder(local: Repository, let_pass: LetPass) -> None:
    killed(
        lambda progress: local.worktrees.remove("exp", force=True, progress=progress),
        "after hide",
        lambda: None,
    )
    let_pass(1.2 * LEASE_MS / 1000)
    local.worktrees.rename("exp", "other")
    assert (local.worktrees.path("other") / "notes.txt").read_text() == "notes"
    assert local.doctor(strict=True).healthy


def test_a_folder_in_the_place_of_a_hidden_worktree_is_left_and_so_is_that(
    local: Repository, let_pass: LetPass
) -> None:
    killed(lambda progress: local.worktrees.remove("exp", progress=progress), "after hide", lambda: None)
    [hidden] = (local.root / "worktrees").iterdir()
    folder(local).mkdir()
    (folder(local) / "new").write_text("new")
    let_pass(1.2 * LEASE_MS / 1000)
    report = local.doctor(repairs=["clean_intents", "clean_tmp"])
    assert [found.code for found in report.findings if found.severity != "info"] == ["W_INTENT_ABANDONED"]
    with pytest.raises(AlreadyExists, match="another folder"):
        local.worktrees.remove("exp", force=True)
    assert (hidden / "notes.txt").read_text() == "notes"
    folder(local).rename(local.root.parent / "aside")
    assert local.doctor(repairs=["clean_intents", "clean_tmp"], strict=True).healthy
    assert (folder(local) / "notes.txt").read_text() == "notes"


def test_killed_after_its_decision_the_rest_is_deleted(local: Repository) -> None:
    killed(lambda progress: local.worktrees.remove("exp", progress=progress), "before delete", lambda: None)
    assert local.worktrees.names() == ["main"]
    repairs = ["clean_intents", "clean_tmp", "clean_locks"]
    assert local.doctor(repairs=repairs, strict=True).findings == []
    assert os.listdir(local.root / "worktrees") == []


def test_a_sandbox_killed_while_it_is_removed_is_saved_and_removed(
    local: Repository, let_pass: LetPass
) -> None:
    def edit() -> None:
        [hidden] = (local.root / "worktrees").glob(".sandbox-*")
        (hidden / "late.txt").write_text("precious")

    def work(progress: Progress) -> None:
        with local.sandbox(progress=progress):
            pass

    killed(work, "after hide", edit)
    let_pass(1.2 * LEASE_MS / 1000)
    assert local.doctor(repairs=["clean_intents", "clean_tmp"], strict=True).healthy
    saved = local.history(every=True)[0].descriptor
    assert saved.note == "sandbox, interrupted"
    with local.open_file(saved.snapshot_id, "late.txt") as file:
        assert file.read() == b"precious"
    assert local.worktrees.names() == ["main", "exp"]


@pytest.mark.parametrize("force", [False, True])
def test_a_worktree_with_a_mount_inside_is_not_removed(repo: Repository, force: bool) -> None:
    foreign = repo.root.parent / "foreign"
    (foreign / "deep").mkdir(parents=True)
    (foreign / "deep" / "data").write_text("foreign")
    inside = folder(repo) / "data" / "sub folder"
    inside.mkdir()
    repo.snapshot("with a mount point", worktree="exp", lock=True)
    with bound(foreign, inside):
        with pytest.raises(EngineFailed, match=r"something is mounted at .*sub folder") as refused:
            repo.worktrees.remove("exp", force=force)
        assert refused.value.hint == f"umount {inside}"
        assert (inside / "deep" / "data").read_text() == "foreign"
        require_untouched(repo)
    repo.worktrees.remove("exp")
    assert (foreign / "deep" / "data").read_text() == "foreign"


@on("ext4")
def test_what_is_mounted_while_a_worktree_is_looked_at_is_not_touched(repo: Repository) -> None:
    foreign = repo.root.parent / "foreign"
    foreign.mkdir()
    (foreign / "data").write_text("foreign")
    with ExitStack() as undo:
        mount = at("before hide", lambda: undo.enter_context(bound(foreign, folder(repo) / "data")))
        with pytest.raises(EngineFailed, match="something is mounted"):
            repo.worktrees.remove("exp", force=True, progress=mount)
        assert (foreign / "data").read_text() == "foreign"
        require_untouched(repo)


@on("ext4", "btrfs", "juicefs")
def test_a_sandbox_and_a_leftover_with_a_mount_inside_stay(repo: Repository) -> None:
    foreign = repo.root.parent / "foreign"
    foreign.mkdir()
    (foreign / "data").write_text("foreign")
    with ExitStack() as undo:
        with pytest.raises(EngineFailed, match=r"stays: .*something is mounted"), repo.sandbox() as box:
            undo.enter_context(bound(foreign, box.path / "data"))
        assert (box.path / "data" / "data").read_text() == "foreign"
    leftover = repo.root / "worktrees" / ".gone.12345678.tmp"
    (leftover / "data").mkdir(parents=True)
    with bound(foreign, leftover / "data"):
        with pytest.raises(EngineFailed, match="something is mounted"):
            repo.doctor(repairs=["clean_tmp"])
        assert (foreign / "data").read_text() == "foreign"
    repo.doctor(repairs=["clean_tmp"])
    assert not leftover.exists()
    assert (foreign / "data").read_text() == "foreign"


@on("btrfs")
def test_subvolumes_in_a_worktree_go_with_it_and_those_in_a_mount_stay(repo: Repository) -> None:
    foreign = repo.root.parent / "foreign"
    foreign.mkdir()
    subvolume.create(foreign / "theirs")
    subvolume.create(folder(repo) / "mine")
    (folder(repo) / "mine" / "file").write_text("mine")
    (folder(repo) / "mine" / "mounted").mkdir()
    with pytest.raises(UnsavedChanges, match="mine/file"):
        repo.worktrees.remove("exp")
    with bound(foreign, folder(repo) / "mine" / "mounted"):
        with pytest.raises(EngineFailed, match="something is mounted"):
            repo.worktrees.remove("exp", force=True)
        assert subvolume.is_subvolume(foreign / "theirs")
    subvolume.snapshot(folder(repo) / "mine", folder(repo) / "data" / "locked", read_only=True)
    repo.worktrees.remove("exp", force=True)
    assert os.listdir(repo.root / "worktrees") == []
    assert subvolume.is_subvolume(foreign / "theirs")
