"""Adopting a folder as ``main``: by a rename, with a link in its place, or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jvs_core import Repository, files
from jvs_core.errors import AlreadyExists, EngineFailed, InputError, JvsError, PathNotFound
from jvs_core.progress import SILENT, Progress
from tests.crash import children
from tests.support.filesystems import bound, loop_filesystem
from tests.support.metadata import but_times, metadata_of

pytestmark = pytest.mark.in_turn


@pytest.fixture
def old(workdir: Path) -> Path:
    folder = workdir / "old"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("a,b\n")
    (folder / "notes.txt").write_text("notes")
    return folder


def adopt(folder: Path, progress: Progress = SILENT) -> Repository:
    return Repository.init(folder.parent / "mine", adopt=folder, progress=progress)


def require_untouched(folder: Path, inode: int) -> None:
    """Make sure that a folder is as it was, and nothing was made beside it."""
    assert not folder.is_symlink()
    assert folder.stat().st_ino == inode
    assert [name for name in os.listdir(folder.parent) if "mine" in name] == []


@pytest.mark.on_each
def test_the_folder_itself_becomes_main_and_its_path_goes_on_working(old: Path) -> None:
    before, inode = metadata_of(old), old.stat().st_ino
    with open(old / "notes.txt", "a") as kept_open:
        repo = adopt(old)
        kept_open.write(", more")
    main = repo.root / "main"
    assert main.stat().st_ino == inode
    assert os.readlink(old) == "mine/main"
    assert set(metadata_of(main)) == set(before)
    assert (old / "notes.txt").read_text() == "notes, more"
    assert Repository.open(old / "data").root == repo.root
    taken = repo.snapshot("all", lock=True)
    assert taken.files == 2
    (record,) = [record for record in repo.audit.log() if record.operation == "init"]
    assert record.details["adopted"] == str(old)
    report = repo.doctor(strict=True)
    assert (report.healthy, report.findings) == (True, [])


@pytest.mark.on_each
def test_killed_at_any_step_the_folder_is_where_it_was_and_the_same_command_completes_it(
    old: Path, workdir: Path
) -> None:
    seen = children.Steps()
    before = but_times(metadata_of(old))
    (workdir / "first").mkdir()
    old.rename(workdir / "first" / "old")
    adopt(workdir / "first" / "old", seen)
    assert seen.seen[-1] == "after adopt"
    for number, name in enumerate(seen.seen):
        place = workdir / str(number)
        (place / "old").mkdir(parents=True)
        for line in ("data", "notes.txt"):
            subprocess.run(
                ["cp", "-a", workdir / "first" / "mine" / "main" / line, place / "old"], check=True
            )
        killed = children.Steps(at=number, act=children.die)
        assert children.run(lambda: adopt(place / "old", killed)) == children.KILLED  # noqa: B023 - called at once
        assert set(metadata_of(place / "old" / ".")) == set(before), name
        if not (place / "old").is_symlink():
            for left in place.glob(".mine.*.tmp"):
                os.utime(left, (0, 0))
            adopt(place / "old")
        repo = Repository.open(place / "old")
        assert but_times(metadata_of(repo.root / "main")).keys() == before.keys()
        assert sorted(os.listdir(place)) == ["mine", "old"]
        assert repo.doctor(strict=True).healthy, name
        repo.snapshot("work goes on", lock=True)


def test_what_fails_at_the_last_step_leaves_nothing_behind(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inode = old.stat().st_ino

    def fail(one: Path, other: Path) -> None:
        raise OSError(22, "Invalid argument", str(one), None, str(other))

    with monkeypatch.context() as patch:
        patch.setattr(files, "exchange", fail)
        with pytest.raises(EngineFailed, match="in one step") as refused:
            adopt(old)
    assert "--from" in (refused.value.hint or "")
    require_untouched(old, inode)
    adopt(old)


def test_a_home_folder_and_what_holds_it_stay(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inode = old.stat().st_ino
    for home in (old, old / "data"):
        monkeypatch.setenv("HOME", str(home))
        with pytest.raises(InputError, match="home folder"):
            adopt(old)
    require_untouched(old, inode)


def test_a_folder_in_a_repository_or_that_is_one_stays(old: Path) -> None:
    inode = old.stat().st_ino
    repo = Repository.init(old.parent / "repo")
    inner = repo.root / "main" / "inner"
    inner.mkdir()
    for folder in (inner, repo.root, repo.root / "main", repo.root / ".jvs" / "refs"):
        with pytest.raises(InputError, match="repository"):
            Repository.init(old.parent / "mine", adopt=folder)
    require_untouched(old, inode)
    with pytest.raises(AlreadyExists):
        Repository.init(repo.root, adopt=old)


def test_what_is_none_or_would_lie_in_itself_is_refused(old: Path) -> None:
    inode = old.stat().st_ino
    with pytest.raises(PathNotFound):
        adopt(old.parent / "none")
    with pytest.raises(PathNotFound):
        Repository.init(old.parent / "mine", adopt=old / "notes.txt")
    with pytest.raises(InputError, match="inside it") as refused:
        Repository.init(old / "mine", adopt=old)
    assert "cd " in (refused.value.hint or "")
    with pytest.raises(InputError, match="not both"):
        Repository.init(old.parent / "mine", adopt=old, from_=old)
    require_untouched(old, inode)


def test_a_mount_point_and_another_file_system_are_refused(old: Path, tmp_path: Path) -> None:
    inode = old.stat().st_ino
    (old.parent / "mounted").mkdir()
    with bound(old, old.parent / "mounted"), pytest.raises(InputError, match="mount point"):
        adopt(old.parent / "mounted")
    with loop_filesystem("ext4") as other:
        (other.mount / "there").mkdir()
        with pytest.raises(InputError, match="different file systems"):
            Repository.init(old.parent / "mine", adopt=other.mount / "there")
    require_untouched(old, inode)


def test_a_read_only_folder_stays(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inode = old.stat().st_ino
    monkeypatch.setattr("os.access", lambda place, _mode: Path(place) != old.parent)
    with pytest.raises(EngineFailed, match="read-only"):
        adopt(old)
    require_untouched(old, inode)


def test_a_link_that_is_not_of_this_adoption_is_left_alone(old: Path) -> None:
    target = old.parent / "mine"
    target.mkdir()
    (target / "main").symlink_to("elsewhere")
    with pytest.raises(AlreadyExists):
        adopt(old)
    (target / "main").unlink()
    (target / "main").symlink_to("mine/main")
    with pytest.raises(JvsError):  # no repository is there
        adopt(old)
    assert (old / "notes.txt").read_text() == "notes"
    assert not old.is_symlink()
