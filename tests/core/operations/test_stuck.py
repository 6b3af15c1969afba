"""Removing what one immutable file, or one folder of another user, holds on to: it ends, names that, and can go on then."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed
from tests.support.filesystems import memory_at
from tests.support.marks import on
from tests.support.users import as_user

_GET_FLAGS, _SET_FLAGS, _BITS = 0x80086601, 0x40086602, {"i": 0x10, "a": 0x20}
RUNTIME = ("clean_tmp", "clean_locks", "clean_intents", "finish_restore")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="flags, mounts and other users need root")
pytestmark = needs_root
flags = pytest.mark.parametrize(("flag", "word"), [("i", "immutable"), ("a", "append-only")])


@pytest.fixture
def repo(workdir: Path) -> Iterator[Repository]:
    made = Repository.init(workdir / "repo")
    main = made.root / "main"
    (main / "folder").mkdir()
    for text in ("one", "two"):
        (main / "folder" / "file").write_text(text)
        (main / "other").write_text("other")
        made.snapshot(text, lock=True)
    yield made
    subprocess.run(["chattr", "-R", "-i", "-a", workdir], check=False, capture_output=True)


@contextmanager
def fixed(path: Path, flag: str) -> Iterator[None]:
    """Set a flag of ``chattr`` for the block, wherever the block moves ``path``."""
    fd = os.open(path, os.O_RDONLY)
    try:
        (was,) = struct.unpack("l", fcntl.ioctl(fd, _GET_FLAGS, bytes(8)))
        fcntl.ioctl(fd, _SET_FLAGS, struct.pack("l", was | _BITS[flag]))
        yield
    finally:
        fcntl.ioctl(fd, _SET_FLAGS, struct.pack("l", was))
        os.close(fd)


def is_sound(repo: Repository) -> bool:
    return repo.verify(every=True).ok and repo.doctor(strict=True).healthy


@flags
@pytest.mark.parametrize("path", ["folder/file", "folder"])
@on("xfs", "ext4")
def test_what_keeps_a_removed_worktree_from_being_deleted_is_named(
    repo: Repository, path: str, flag: str, word: str
) -> None:
    repo.worktrees.create("work")
    with fixed(repo.worktrees.path("work") / path, flag):
        with pytest.raises(
            EngineFailed,
            match=rf"is removed, but part of its folder could not be deleted: .*folder.* it is {word}",
        ) as raised:
            repo.worktrees.remove("work")
        assert f"chattr -{flag} " in str(raised.value.hint)
        assert "jvs doctor --repair-runtime" in str(raised.value.hint)
        assert [each.name for each in repo.worktrees.all()] == ["main"]
        repo.worktrees.create("work")
        repo.worktrees.remove("work")
        with pytest.raises(EngineFailed, match=rf"folder.* it is {word}"):
            repo.doctor(repairs=RUNTIME)
    repo.doctor(repairs=RUNTIME)
    assert is_sound(repo)
    assert os.listdir(repo.root / "worktrees") == []


@flags
@pytest.mark.parametrize("act", ["remove", "rename"])
@on("xfs")
def test_a_worktree_that_is_immutable_itself_stays_as_it_is(
    repo: Repository, act: str, flag: str, word: str
) -> None:
    repo.worktrees.create("work")
    place = repo.worktrees.path("work")
    acts: dict[str, Callable[[], object]] = {
        "remove": lambda: repo.worktrees.remove("work", force=True),
        "rename": lambda: repo.worktrees.rename("work", "other"),
    }
    with fixed(place, flag):
        with pytest.raises(EngineFailed, match=rf"work cannot be renamed or removed: it is {word}") as raised:
            acts[act]()
        assert raised.value.hint == f"chattr -{flag} {place}"
        assert (place / "folder" / "file").read_text() == "two"
        assert is_sound(repo)
    acts[act]()
    assert is_sound(repo)


@flags
@pytest.mark.parametrize("path", ["payload/folder/file", "payload/folder", ""])
@on("xfs", "ext4")
def test_gc_says_what_it_could_not_delete_and_does_the_rest_later(
    repo: Repository, path: str, flag: str, word: str
) -> None:
    first = repo.history()[-1].descriptor.snapshot_id
    plan = repo.gc.plan(keep_last=1).plan_id
    with fixed(repo.root / ".jvs" / "snapshots" / first / path, flag):
        done = repo.gc.run(plan)
        assert (done.deleted, [failure.snapshot_id for failure in done.failed]) == ([], [first])
        assert f"it is {word} (chattr -{flag} " in done.failed[0].error
        assert repo.verify(every=True).ok
    assert repo.gc.run(plan).deleted == [first]
    assert is_sound(repo)


@flags
@on("xfs")
def test_a_restore_brings_what_is_fixed_in_the_snapshot(repo: Repository, flag: str, word: str) -> None:
    head = repo.history()[0].descriptor.snapshot_id
    with fixed(repo.root / ".jvs" / "snapshots" / head / "payload" / "folder" / "file", flag):
        made = repo.restore(head, name="aside")
        assert (Path(made.path) / "folder" / "file").read_text() == "two"
        repo.worktrees.remove("aside")
        (repo.root / "main" / "other").write_text(word)
        repo.snapshot("three", lock=True)
    assert is_sound(repo)


@flags
@on("xfs")
def test_a_sandbox_with_something_fixed_is_snapshotted_and_does_not_claim_to_stay(
    repo: Repository, flag: str, word: str
) -> None:
    def work() -> None:
        with repo.sandbox("HEAD") as box:
            (box.path / "result").write_text("result")
            subprocess.run(["chattr", f"+{flag}", box.path / "result"], check=True)

    with pytest.raises(EngineFailed, match=rf"is removed, but .*result cannot be removed: it is {word}"):
        work()
    assert [each.name for each in repo.worktrees.all()] == ["main"]
    newest = repo.history(every=True)[0].descriptor
    assert "result" in [entry.path for entry in repo.ls(newest.snapshot_id)]
    subprocess.run(["chattr", "-R", f"-{flag}", repo.root / "worktrees"], check=True)
    repo.doctor(repairs=RUNTIME)
    assert is_sound(repo)
    assert os.listdir(repo.root / "worktrees") == []


@on("xfs")
def test_a_folder_of_another_user_is_named(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workdir.chmod(0o777)
    for name in ("JVS_STATE_DIR", "JVS_CACHE_DIR", "JVS_CONFIG_DIR"):
        monkeypatch.setenv(name, str(workdir / name))
    with as_user():
        repo = Repository.init(workdir / "mine")
        (repo.root / "main" / "file").write_text("mine")
        repo.snapshot("one", lock=True)
        repo.worktrees.create("work")
    foreign = repo.root / "worktrees" / "work" / "cache"
    foreign.mkdir()
    (foreign / "kept").write_text("root's")
    with as_user():
        with pytest.raises(EngineFailed, match=r"cache.* it belongs to another user") as raised:
            repo.worktrees.remove("work", force=True)
        assert "ask its owner, or root" in str(raised.value.hint)
        assert [each.name for each in repo.worktrees.all()] == ["main"]
    subprocess.run(["chown", "-R", "12345", repo.root / "worktrees"], check=True)
    with as_user():
        repo.doctor(repairs=RUNTIME)
        assert is_sound(repo)
    assert os.listdir(repo.root / "worktrees") == []


@on("xfs", "btrfs")
def test_what_a_restore_in_place_changes_in_a_mount_is_said_before_and_after(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "data").mkdir()
    with_data = repo.snapshot("an empty folder", lock=True).snapshot_id
    with memory_at(main / "data"):
        (main / "data" / "mounted").write_text("mounted")
        said = "changed on the file system that is mounted at data: data/mounted"
        assert said in repo.restore_inplace(with_data, reason="try", dry_run=True).degraded
        assert (main / "data" / "mounted").exists()
        done = repo.restore_inplace(with_data, reason="back", lock=True)
        assert said in done.degraded
        assert not (main / "data" / "mounted").exists()
        repo.undo(lock=True)
        assert (main / "data" / "mounted").read_text() == "mounted"
    (main / "other").write_text("changed")
    assert repo.restore_inplace(with_data, reason="no mount", lock=True).degraded == ()
