"""A repository in a lower layer of overlayfs, as in a container's image: folders there are renamed by no call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed
from tests.support.filesystems import Unavailable, lay, layered
from tests.support.marks import on
from tests.support.metadata import metadata_of

DYING = """
import os, sys
from jvs_core import Repository, piecemeal, renames
left = int(sys.argv[2])
def dying(real):
    def act(*arguments, **options):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return real(*arguments, **options)
    return act
piecemeal.renames = type("Dying", (), {"rename_new": staticmethod(dying(renames.rename_new))})
repo = Repository(sys.argv[1])
"""
ACTS = {
    "gc": "repo.gc.run(sys.argv[3])",
    "rename": "repo.worktrees.rename('work', 'renamed')",
    "removal": "repo.worktrees.remove('work')",
}
RUNTIME = ("clean_tmp", "clean_locks", "clean_intents", "finish_restore")


@pytest.fixture
def repo(workdir: Path) -> Iterator[Repository]:
    """A repository with three snapshots and a worktree, all of it in the lower layer."""
    with layered(workdir) as (lower, union):
        made = Repository.init(lower / "repo")
        main = made.root / "main"
        for text in ("one", "two", "three"):
            (main / "folder" / "inner").mkdir(parents=True, exist_ok=True)
            (main / "folder" / "inner" / "file").write_text(text)
            (main / "constant").write_text("constant")
            made.snapshot(text, lock=True)
        made.worktrees.create("work")
        try:
            lay(union)
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield Repository(union / "repo")


def let_leases_end(repo: Repository) -> None:
    """Remove the leases of processes that are gone, instead of waiting for half a minute."""
    for folder in (repo.root / ".jvs" / "locks").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)


@on("xfs", "ext4")
def test_names_of_one_file_are_so_under_the_new_name(workdir: Path) -> None:
    with layered(workdir) as (lower, union):
        made = Repository.init(lower / "repo")
        main = made.root / "main"
        (main / "folder").mkdir()
        (main / "one").write_text("content")
        os.link(main / "one", main / "two")
        os.link(main / "one", main / "folder/three")
        taken = made.snapshot("linked", lock=True)
        made.restore(taken.snapshot_id, name="work")
        try:
            lay(union)
        except Unavailable as reason:
            pytest.skip(str(reason))
        repo = Repository(union / "repo")
        before = metadata_of(repo.worktrees.path("work"))
        repo.worktrees.rename("work", "renamed")
        assert metadata_of(repo.worktrees.path("renamed")) == before
        assert repo.status("renamed").clean


def is_sound(repo: Repository) -> bool:
    return repo.verify(every=True).ok and repo.doctor(strict=True).healthy


@on("xfs", "ext4")
def test_worktrees_are_renamed_and_removed(repo: Repository) -> None:
    before = metadata_of(repo.worktrees.path("work"))
    repo.worktrees.rename("work", "renamed")
    assert metadata_of(repo.worktrees.path("renamed")) == before
    repo.worktrees.remove("renamed")
    assert [each.name for each in repo.worktrees.all()] == ["main"]
    assert is_sound(repo)


@on("xfs")
def test_gc_removes_what_it_planned(repo: Repository) -> None:
    first, second, third = reversed([item.descriptor.snapshot_id for item in repo.history()])
    done = repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    assert (sorted(done.deleted), done.failed) == ([first, second], [])
    assert [item.expired for item in repo.history() if item.descriptor.snapshot_id == third] == [False]
    assert is_sound(repo)


@on("xfs")
def test_work_goes_on_as_everywhere_else(repo: Repository) -> None:
    first = [item.descriptor.snapshot_id for item in repo.history()][-1]
    file = repo.root / "main" / "folder" / "inner" / "file"
    repo.restore_inplace(first, reason="back", lock=True)
    assert file.read_text() == "one"
    repo.undo(lock=True)
    assert file.read_text() == "three"
    repo.snapshot("four", lock=True)
    repo.restore(first, name="aside")
    assert is_sound(repo)


@on("xfs")
def test_a_folder_that_cannot_be_exchanged_is_named_and_stays(repo: Repository) -> None:
    first = [item.descriptor.snapshot_id for item in repo.history()][-1]
    with pytest.raises(EngineFailed, match="lower layer of overlayfs") as caught:
        repo.restore_path(first, "folder", inplace=True, reason="back", lock=True)
    assert "--to" in str(caught.value.hint)
    assert (repo.root / "main" / "folder" / "inner" / "file").read_text() == "three"
    repo.doctor(repairs=RUNTIME)
    assert is_sound(repo)


@pytest.mark.parametrize("number", [0, 2, 3, 5])
@pytest.mark.parametrize("act", ACTS)
@on("xfs")
def test_a_crash_before_any_piece_is_mended_and_the_command_works_then(
    repo: Repository, act: str, number: int
) -> None:
    plan = repo.gc.plan(keep_last=1).plan_id if act == "gc" else ""
    words = [sys.executable, "-c", DYING + ACTS[act], str(repo.root), str(number), plan]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 9, ended.stderr
    let_leases_end(repo)
    repo.doctor(repairs=RUNTIME)
    assert is_sound(repo), repo.doctor(strict=True).findings
    assert [(item.descriptor.note, item.expired) for item in repo.history()] == [
        (note, False) for note in ("three", "two", "one")
    ]
    if (act, number) == ("removal", 5):  # the record was gone by then
        assert [each.name for each in repo.worktrees.all()] == ["main"]
        assert os.listdir(repo.root / ".jvs" / "worktrees") == ["main"]
        return
    name = "renamed" if act == "rename" else "work"
    assert (repo.worktrees.path(name) / "folder" / "inner" / "file").read_text() == "three"
    if act == "rename":
        repo.worktrees.rename(name, "work")
    elif act == "removal":
        repo.worktrees.remove(name)
    else:
        assert len(repo.gc.run(plan).deleted) == 2
    assert is_sound(repo)
