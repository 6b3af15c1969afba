"""A repository inside a worktree: in no snapshot, replaced and removed by nobody, and named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import (
    ConsistencyUnavailable,
    EngineFailed,
    InputError,
    NotARepository,
    UnsavedChanges,
    UntrustedRepository,
)
from jvs_core.results import Finding
from tests.support.metadata import metadata_of

pytestmark = pytest.mark.in_turn


@pytest.fixture
def elsewhere(workdir: Path) -> Path:
    """A repository with one snapshot, to be moved or copied into worktrees."""
    made = Repository.init(workdir / "elsewhere", engine="copy")
    (made.root / "main" / "code.py").write_text("code")
    made.snapshot("the inner one", lock=True)
    return made.root


@pytest.fixture
def repo(workdir: Path, elsewhere: Path) -> Repository:
    """A repository with one snapshot of a plain worktree, and since then another repository as ``tool`` in that."""
    repo = Repository.init(workdir / "repo")
    (main(repo) / "notes.txt").write_text("notes")
    repo.snapshot("plain", lock=True)
    shutil.move(elsewhere, main(repo) / "tool")  # btrfs renames nothing into a subvolume
    return repo


def main(repo: Repository) -> Path:
    return repo.root / "main"


def inner(repo: Repository) -> Path:
    return main(repo) / "tool"


def is_whole(root: Path) -> bool:
    """Say whether the inner repository, its worktree perhaps restored from the outer one, has all of its history."""
    found = Repository(root)
    assert [item.descriptor.note for item in found.history()] == ["the inner one"]
    return found.verify(every=True).ok


def inside(repo: Repository) -> list[Finding]:
    return [finding for finding in repo.doctor().findings if finding.code == "W_REPOSITORY_INSIDE"]


def test_its_files_are_kept_and_its_history_is_left_out_and_named(repo: Repository) -> None:
    taken = repo.snapshot("with a tool", lock=True)
    assert [line for line in taken.degraded if "left out" in line] == [
        "1 repository left out, with their history: tool/.jvs"
    ]
    assert {entry.path for entry in repo.ls("HEAD", recursive=True)} == {
        "notes.txt", "tool", "tool/main", "tool/main/code.py", "tool/worktrees",
    }  # fmt: skip
    assert repo.status().clean
    assert is_whole(inner(repo))
    assert repo.verify(every=True).ok


def test_what_was_restored_is_no_repository(repo: Repository) -> None:
    repo.snapshot("with a tool", lock=True)
    made = Path(repo.restore("HEAD", name="back").path)
    assert (made / "tool/main/code.py").read_text() == "code"
    assert Repository.open(made / "tool/main").root == repo.root
    assert Repository.open(inner(repo) / "main").root == inner(repo)


def test_init_from_a_folder_takes_over_no_repository(workdir: Path, elsewhere: Path) -> None:
    repo = Repository.init(workdir / "mine", from_=elsewhere)
    assert any(line.endswith(": .jvs") for line in repo.initialized().degraded)
    assert sorted(os.listdir(main(repo))) == ["main", "worktrees"]
    assert Repository.open(main(repo) / "main").root == repo.root
    assert inside(repo) == []
    assert is_whole(elsewhere)


def test_an_in_place_restore_and_its_undo_keep_it(repo: Repository) -> None:
    before = metadata_of(inner(repo) / ".jvs")
    taken = repo.snapshot("with a tool", lock=True)
    done = repo.restore_inplace("HEAD~1", reason="test", lock=True)
    assert not any(".jvs" in path for path in (*done.added, *done.modified, *done.removed))
    assert not (inner(repo) / "main").exists()
    assert metadata_of(inner(repo) / ".jvs") == before
    repo.undo(reason="back", lock=True)
    assert repo.history()[0].descriptor.snapshot_id == taken.snapshot_id
    assert repo.status().clean
    assert metadata_of(inner(repo) / ".jvs") == before
    assert is_whole(inner(repo))


def test_nothing_is_changed_where_it_stands_in_the_way(repo: Repository) -> None:
    shutil.move(inner(repo), main(repo).parent.parent / "away")
    (main(repo) / "tool").write_text("a file")
    (main(repo) / "d").mkdir()
    (main(repo) / "d/.jvs").write_text("a file")
    repo.snapshot("files", lock=True)
    (main(repo) / "tool").unlink()
    shutil.move(main(repo).parent.parent / "away", inner(repo))
    before = metadata_of(main(repo))
    with pytest.raises(EngineFailed, match=r"tool/\.jvs"):
        repo.restore_inplace("HEAD", reason="test", lock=True)
    assert metadata_of(main(repo)) == before
    shutil.move(inner(repo), main(repo).parent.parent / "away")
    (main(repo) / "d/.jvs").unlink()
    (main(repo) / "d/.jvs").mkdir()
    with pytest.raises(EngineFailed, match=r"d/\.jvs"):
        repo.restore_inplace("HEAD", reason="test", lock=True)
    assert (main(repo) / "d/.jvs").is_dir()
    assert repo.doctor().healthy


def test_a_folder_that_holds_one_is_not_replaced(repo: Repository) -> None:
    taken = repo.snapshot("with a tool", lock=True).snapshot_id
    (inner(repo) / "main/code.py").write_text("changed")
    before = metadata_of(inner(repo) / ".jvs")
    with pytest.raises(ConsistencyUnavailable, match=r"tool/\.jvs"):
        repo.restore_path(taken, "tool", inplace=True, reason="test", lock=True)
    for place in ("tool/.jvs", "tool/.jvs/descriptors", "tool/.jvs/new/folder"):
        for force in (False, True):
            with pytest.raises(InputError, match="repository inside"):
                repo.restore_path(taken, "tool/main", to=place, inplace=force, reason="test", lock=True)
    with pytest.raises(ConsistencyUnavailable, match=r"tool/\.jvs"):
        repo.restore_path(taken, "notes.txt", to="tool/.jvs", inplace=True, reason="test", lock=True)
    assert metadata_of(inner(repo) / ".jvs") == before
    assert sorted(os.listdir(inner(repo))) == [".jvs", "main", "worktrees"]
    assert (inner(repo) / "main/code.py").read_text() == "changed"
    repo.restore_path(taken, "tool/main/code.py", inplace=True, reason="test", lock=True)
    assert (inner(repo) / "main/code.py").read_text() == "code"
    assert is_whole(inner(repo))


def test_a_restored_folder_is_not_called_as_a_repository(repo: Repository) -> None:
    (main(repo) / "planted").mkdir()
    repo.snapshot("a folder", lock=True)
    with pytest.raises(InputError, match="repository inside"):
        repo.restore_path("HEAD", "planted", to="d/.jvs")
    assert not (main(repo) / "d").exists()


def test_a_worktree_that_holds_one_is_removed_by_force_only(
    repo: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    made = Path(repo.restore("HEAD", name="w").path)
    shutil.move(inner(repo), made / "tool")
    repo.snapshot("with a tool", worktree="w", lock=True)
    with pytest.raises(UnsavedChanges, match=r"tool/\.jvs"):
        repo.worktrees.remove("w")
    assert is_whole(made / "tool")
    repo.worktrees.remove("w", force=True)
    assert (
        "worktree 'w' contains a repository that no snapshot holds; JVS removes it too: tool/.jvs"
        in caplog.text
    )
    assert not made.exists()
    assert repo.doctor(strict=True).healthy


def test_a_sandbox_in_which_one_was_made_stays(repo: Repository, elsewhere: Path) -> None:
    with pytest.raises(UnsavedChanges, match=r"stays: .*tool/\.jvs"), repo.sandbox("HEAD") as box:
        shutil.move(inner(repo), box.path / "tool")
    assert is_whole(box.path / "tool")
    assert box.snapshot_id is not None


def test_the_worktree_of_a_run_in_which_one_was_made_stays(repo: Repository) -> None:
    with (
        pytest.raises(UnsavedChanges, match=r"stays: .*tool/\.jvs"),
        repo.worktrees.isolated_run("run", from_="HEAD") as made,
    ):
        shutil.move(inner(repo), made.path / "tool")
    assert is_whole(made.path / "tool")


def test_doctor_names_it(repo: Repository) -> None:
    repo.worktrees.create("w")
    (repo.root / "worktrees/w/.jvs").mkdir()
    found = {finding.target: finding for finding in inside(repo)}
    assert set(found) == {"main", "w"}
    assert "tool/.jvs" in found["main"].message
    assert "out of the worktree" in found["main"].action
    assert repo.doctor().healthy
    shutil.move(inner(repo), repo.root.parent / "away")
    (repo.root / "worktrees/w/.jvs").rmdir()
    assert repo.doctor(strict=True).findings == []


def test_none_is_made_inside_another(repo: Repository) -> None:
    repo.worktrees.create("w")
    (main(repo) / "link").symlink_to(repo.root / ".jvs")
    for place in (
        "main",
        "main/tool",
        "main/tool/main",
        "main/link",
        "worktrees",
        "worktrees/w",
        ".jvs",
        ".jvs/refs",
    ):
        before = sorted(os.listdir(repo.root / place))
        with pytest.raises(InputError, match="inside the repository") as refused:
            Repository.init(repo.root / place / "new")
        assert refused.value.hint is not None
        assert sorted(os.listdir(repo.root / place)) == before
    Repository.init(repo.root.parent / "beside")


def test_a_link_is_no_repository(repo: Repository) -> None:
    (main(repo) / "d").mkdir()
    (main(repo) / "d/.jvs").symlink_to(inner(repo) / ".jvs")
    assert Repository.open(main(repo) / "d").root == repo.root
    outside = repo.root.parent / "outside"
    outside.mkdir()
    with pytest.raises(NotARepository):
        Repository.open(outside)
    (outside / ".jvs").symlink_to(inner(repo) / ".jvs")
    with pytest.raises(UntrustedRepository, match="symbolic link"):
        Repository.open(outside)
    repo.snapshot("a link", lock=True)
    made = Path(repo.restore("HEAD", name="back").path)
    assert (made / "d/.jvs").is_symlink()
    assert Repository.open(made / "d").root == repo.root
