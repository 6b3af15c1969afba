"""What cannot be kept is said, by every operation that brings files somewhere, and stops none of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.support.filesystems import FileSystem
from tests.support.hostile import build_unsupported
from tests.support.users import SOMEBODY, as_user


def mine(root: Path) -> None:
    """Give everything below ``root``, and it, to the other user."""
    for folder, _, names in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)


@pytest.fixture
def theirs(
    xfs: FileSystem, make_workdir: Callable[[FileSystem], Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Return a repository of another user, who is then this process; its snapshot holds a file of root's."""
    folder = make_workdir(xfs)
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"JVS_{name}_DIR", str(folder / name))
    repo = Repository.init(folder / "repo")
    (repo.root / "main" / "data").mkdir()
    (repo.root / "main" / "data" / "notes.txt").write_text("notes")
    (repo.root / "main" / "data" / "roots.txt").write_text("root's")
    repo.snapshot("one", lock=True)
    repo.restore("HEAD")  # everything is imported while this process may read it
    roots = list(repo.root.rglob("roots.txt"))
    mine(folder)
    for path in roots:
        os.chown(path, 0, 0)
    with as_user():
        yield folder / "repo"


def test_a_restore_by_a_user_who_may_not_give_files_away_works_and_says_so(theirs: Path) -> None:
    repo = Repository.open(theirs)
    made = [
        repo.restore("HEAD", name="again"),
        repo.worktrees.create("another"),
        repo.restore_path("HEAD", "data", to="copy"),
        repo.restore_path("HEAD", "data/roots.txt", to="alone.txt"),
    ]
    for one in made:
        assert len(one.degraded) == 1, one
        assert "owner or group not kept on " in one.degraded[0]
        assert "degraded" not in one.to_json()
    assert (theirs / "worktrees" / "again" / "data" / "roots.txt").stat().st_uid == SOMEBODY


def test_an_in_place_restore_by_such_a_user_is_complete_and_says_so(theirs: Path) -> None:
    repo = Repository.open(theirs)
    (theirs / "main" / "data" / "roots.txt").unlink()
    (theirs / "main" / "data" / "notes.txt").write_text("changed")
    done = repo.restore_inplace("HEAD", reason="test", lock=True)
    assert (done.added, done.modified) == (["data/roots.txt"], ["data/notes.txt"])
    assert any("roots.txt" in line for line in done.degraded)
    assert repo.status().clean
    assert (theirs / "main" / "data" / "roots.txt").read_text() == "root's"


def test_what_fsck_found_is_no_part_of_a_workspace_and_stays(theirs: Path) -> None:
    lost = theirs / "main" / "lost+found"
    os.seteuid(0)
    lost.mkdir(mode=0o700)
    os.chown(lost, 0, 0)
    os.seteuid(SOMEBODY)
    repo = Repository.open(theirs)
    (theirs / "main" / "data" / "notes.txt").write_text("changed")
    taken = repo.snapshot("two", lock=True)
    assert [line for line in taken.degraded if "lost+found" in line] == [
        "folder that the file system itself uses left out: lost+found"
    ]
    assert "lost+found" not in {entry.path for entry in repo.ls("HEAD")}
    repo.restore_inplace("HEAD~1", reason="back", lock=True)
    assert lost.is_dir()
    assert repo.status().clean


def test_init_from_a_folder_names_what_it_left_out(tmp_path: Path) -> None:
    unsupported = build_unsupported(tmp_path / "source")
    repo = Repository.init(tmp_path / "repo", from_=tmp_path / "source", engine="copy")
    made = repo.initialized()
    assert sorted(line.rpartition(": ")[2] for line in made.degraded) == sorted(map(os.fsdecode, unsupported))
    assert "degraded" not in made.to_json()
    record = json.loads((repo.root / ".jvs/audit/audit.jsonl").read_text())
    assert record["details"]["degraded"] == list(made.degraded)


def test_a_path_comes_back_with_the_folders_that_are_gone(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    deep = repo.root / "main" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c.txt").write_text("c")
    deep.chmod(0o700)
    repo.snapshot("one", lock=True)
    (deep / "c.txt").unlink()
    deep.rmdir()
    deep.parent.rmdir()
    repo.restore_path("HEAD", "a/b/c.txt")
    assert ((deep / "c.txt").read_text(), deep.stat().st_mode & 0o777) == ("c", 0o700)
    assert repo.status().clean
    repo.restore_path("HEAD", "a/b/c.txt", to="new/place.txt")
    assert (repo.root / "main" / "new" / "place.txt").read_text() == "c"
