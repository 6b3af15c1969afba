"""What cannot be changed is found before anything is; what fails half way is taken back, or said."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed, NoSpace
from jvs_core.payload.inplace.guarded import Guarded
from jvs_core.progress import Silent
from jvs_core.settings import Settings
from tests.support.marks import on
from tests.support.metadata import metadata_of
from tests.support.users import SOMEBODY, as_user

pytestmark = pytest.mark.in_turn

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="flags, mounts and other users need root")
NAMES = ("a", "b", "c", "d/e", "d/f")


def main(repo: Repository) -> Path:
    return repo.root / "main"


def write(repo: Repository, text: str) -> None:
    (main(repo) / "d").mkdir(exist_ok=True)
    for name in NAMES:
        (main(repo) / name).write_text(text)


def contents(repo: Repository) -> set[str]:
    return {(main(repo) / name).read_text() for name in NAMES}


@pytest.fixture
def repo(workdir: Path) -> Repository:
    """A repository with the snapshots ``one`` and ``two``, of which the worktree holds the second."""
    repo = Repository.init(workdir / "repo")
    write(repo, "one")
    repo.snapshot("one", lock=True)
    write(repo, "two")
    (main(repo) / "extra").write_text("extra")
    repo.snapshot("two", lock=True)
    return repo


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Return a folder that other users can reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def flagged(path: Path, flag: str) -> Iterator[None]:
    """Set a flag with ``chattr`` for the time of the block."""
    subprocess.run(["chattr", f"+{flag}", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{flag}", path], check=True)


@needs_root
@on("xfs", "btrfs", "ext4")
@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("name", ["d/e", "d", "extra"])
def test_what_chattr_holds_is_named_before_anything_changes(repo: Repository, flag: str, name: str) -> None:
    with flagged(main(repo) / name, flag):
        before, history = metadata_of(main(repo)), len(repo.history(every=True))
        with pytest.raises(EngineFailed, match=f"changed nothing.* {name} ") as raised:
            repo.restore_inplace("HEAD~1", reason="test", lock=True)
        assert raised.value.hint == f"chattr -{flag} {name}; then run the command again"
        assert metadata_of(main(repo)) == before
        assert len(repo.history(every=True)) == history
        if name != "extra":
            with pytest.raises(EngineFailed, match="changed nothing"):
                repo.restore_path("HEAD~1", "d", inplace=True, reason="test", lock=True)
        assert metadata_of(main(repo)) == before
        assert repo.status().unfinished is None
        repo.snapshot("it goes on", lock=True)
    repo.restore_inplace("HEAD~2", reason="test", lock=True)
    assert contents(repo) == {"one"}


@needs_root
@on("xfs", "btrfs", "ext4")
def test_what_is_held_and_need_not_change_is_in_nobodys_way(repo: Repository) -> None:
    (main(repo) / "held").write_text("held")
    repo.snapshot("held", lock=True)
    write(repo, "three")
    with flagged(main(repo) / "held", "i"):
        repo.restore_inplace("HEAD", reason="test", lock=True)
        assert contents(repo) == {"two"}
        repo.undo(lock=True)
        assert contents(repo) == {"three"}


@needs_root
@on("xfs", "btrfs", "ext4")
def test_undo_looks_first_as_well(repo: Repository) -> None:
    repo.restore_inplace("HEAD~1", reason="test", lock=True)
    with flagged(main(repo) / "c", "i"):
        with pytest.raises(EngineFailed, match="changed nothing"):
            repo.undo(lock=True)
        assert contents(repo) == {"one"}
    repo.undo(lock=True)
    assert contents(repo) == {"two"}


@needs_root
@on("xfs", "btrfs", "ext4")
def test_the_list_of_names_is_bounded(repo: Repository) -> None:
    many = [main(repo) / f"many{number}" for number in range(15)]
    for path in many:
        path.write_text("")
    repo.snapshot("many", lock=True)
    with flagged(many[0], "i"):
        for path in many[1:]:
            subprocess.run(["chattr", "+i", path], check=True)
        try:
            with pytest.raises(EngineFailed, match="and 5 more") as raised:
                repo.restore_inplace("HEAD~1", reason="test", lock=True)
        finally:
            for path in many[1:]:
                subprocess.run(["chattr", "-i", path], check=True)
    assert len(raised.value.facts["paths"]) == 15


@needs_root
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_mount_point_that_is_to_go_is_named(repo: Repository, kind: str) -> None:
    point = main(repo) / "point"
    point.mkdir() if kind == "folder" else point.write_text("under")
    repo.snapshot("point", lock=True)
    source = repo.root.parent / "source"
    source.mkdir() if kind == "folder" else source.write_text("over")
    subprocess.run(["mount", "--bind", source, point], check=True)
    try:
        before = metadata_of(main(repo))
        with pytest.raises(EngineFailed, match=r"changed nothing.*point \(a mount point\)") as raised:
            repo.restore_inplace("HEAD~1", reason="test", lock=True)
        assert "umount point" in (raised.value.hint or "")
        assert metadata_of(main(repo)) == before
    finally:
        subprocess.run(["umount", point], check=True)
    repo.restore_inplace("HEAD~1", reason="test", lock=True)
    assert not point.exists()


@needs_root
def test_a_read_only_mount_inside_is_named(repo: Repository) -> None:
    folder = main(repo) / "d"
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        with pytest.raises(EngineFailed, match=r"d \(on a read-only file system\)"):
            repo.restore_inplace("HEAD~1", reason="test", lock=True)
        assert contents(repo) == {"two"}
    finally:
        subprocess.run(["umount", folder], check=True)


@needs_root
@pytest.mark.parametrize(
    ("mode", "reason"),
    [(0o755, "d (not writable)"), (0o1777, "d/e (of another user, in a sticky folder)"), (0o777, "")],
)
def test_a_folder_of_another_user_is_named_unless_it_can_be_written(
    reachable: Path, mode: int, reason: str
) -> None:
    """The folder, and the files in it, belong to root; another user restores."""
    home = reachable / "home"
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    settings = Settings("somebody", "here", "default", None, home / "state", home / "cache", home / "config")
    with as_user():
        repo = Repository.init(home / "repo", settings=settings)
        write(repo, "one")
        (main(repo) / "d").chmod(mode)
        repo.snapshot("one", lock=True)
        write(repo, "two")
        repo.snapshot("two", lock=True)
    folder = main(repo) / "d"
    for path in (folder, *folder.iterdir()):
        os.chown(path, 0, 0)
    told = ""
    with as_user():
        try:
            repo.restore_inplace("HEAD~1", reason="test", lock=True)
        except EngineFailed as error:
            told = str(error)
    assert reason in told
    expected = {"two"} if reason else {"one"}
    assert {path.read_text() for path in (*folder.iterdir(), folder.parent / "a")} == expected


def failing(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """Let one kind of change fail from its second time on, ``times`` times."""
    function, count = getattr(Guarded, name), [0]

    def fail(*args: object, **kwargs: object) -> object:
        count[0] += 1
        if 1 <= count[0] <= times:
            raise OSError(28, "No space left on device")
        return function(*args, **kwargs)

    monkeypatch.setattr(Guarded, name, fail)


def test_a_failure_half_way_is_taken_back(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    before = metadata_of(main(repo))
    inodes = {name: os.stat(main(repo) / name).st_ino for name in NAMES}
    failing(monkeypatch, "remove", 1)
    with pytest.raises(NoSpace, match="took back"):
        repo.restore_inplace("HEAD~1", reason="test", lock=True)
    found = metadata_of(main(repo))
    assert {path: found[path] for path in before if path != b"d"} == {
        path: entry for path, entry in before.items() if path != b"d"
    }
    assert {name: os.stat(main(repo) / name).st_ino for name in NAMES} == inodes
    status = repo.status()
    assert (status.clean, status.unfinished) == (True, None)
    assert repo.doctor(strict=True).healthy
    repo.restore_inplace("HEAD~1", reason="test", lock=True)
    assert contents(repo) == {"one"}


class Broken(Silent):
    """A disk that fails once everything is in place, and from then on."""

    def started(self, step: str, total: int | None = None) -> None:
        if step == "settle":
            raise EngineFailed("main: Input/output error")


def test_what_cannot_be_taken_back_is_said_by_the_error_and_by_status(repo: Repository) -> None:
    with pytest.raises(EngineFailed, match="of 6 paths restored") as raised:
        repo.restore_inplace("HEAD~1", reason="test", lock=True, progress=Broken())
    assert "jvs doctor --repair finish_restore" in (raised.value.hint or "")
    said = repo.status().unfinished
    assert said is not None
    assert (said.operation, said.under_way, said.own, said.total) == ("restore", False, True, 6)
    assert repo.status().to_json()["unfinished"]["snapshot_id"] == said.snapshot_id
    repo.doctor(repairs=["finish_restore"])
    assert contents(repo) == {"one"}
    status = repo.status()
    assert (status.clean, status.unfinished) == (True, None)
    assert "unfinished" not in status.to_json()
    repo.undo(lock=True)
    assert contents(repo) == {"two"}


def test_status_says_it_in_words(repo: Repository) -> None:
    with pytest.raises(EngineFailed):
        repo.restore_inplace("HEAD~1", reason="test", lock=True, progress=Broken())
    ran = subprocess.run(
        [sys.executable, "-m", "jvs_core.cli", "status"],
        cwd=main(repo),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Unfinished: in-place restore to " in ran.stdout
    assert "of 6 paths restored" in ran.stdout
    assert "jvs doctor --repair finish_restore completes it" in ran.stdout
