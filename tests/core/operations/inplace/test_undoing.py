"""Undo and redo: one action each, and nothing that was done since goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import NothingToUndo
from jvs_core.model import Descriptor
from tests.crash import children


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "d").mkdir()
    return repo


def write(repo: Repository, text: str, name: str = "a.txt") -> None:
    (repo.root / "main" / name).write_text(text)


def here(repo: Repository) -> dict[str, str]:
    top = repo.root / "main"
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


def take(repo: Repository, text: str) -> Descriptor:
    write(repo, text)
    return repo.snapshot(text, lock=True)


def back_to(repo: Repository, snapshot_id: str) -> None:
    repo.restore_inplace(snapshot_id, reason="test", lock=True)


def head(repo: Repository) -> str | None:
    return repo.status().head_snapshot_id


def test_redo_goes_forward_again_step_by_step(repo: Repository) -> None:
    one, two, three = (take(repo, text) for text in ("one", "two", "three"))
    back_to(repo, two.snapshot_id)
    back_to(repo, one.snapshot_id)
    seen = []
    for go in (repo.undo, repo.undo, repo.redo, repo.redo, repo.undo):
        go(lock=True)
        seen.append((here(repo)["a.txt"], head(repo)))
    assert [text for text, _ in seen] == ["two", "three", "two", "one", "two"]
    made = {"one": one, "two": two, "three": three}
    assert all(at == made[text].snapshot_id for text, at in seen)
    assert [record.operation for record in repo.audit.log(3)] == ["undo", "redo", "redo"]
    assert repo.doctor(strict=True).healthy


def test_what_was_edited_before_the_restore_comes_back_and_goes_again(repo: Repository) -> None:
    one = take(repo, "one")
    two = take(repo, "two")
    write(repo, "unsaved")
    back_to(repo, one.snapshot_id)
    repo.undo(lock=True)
    assert (here(repo), head(repo)) == ({"a.txt": "unsaved"}, two.snapshot_id)
    repo.redo(lock=True)
    assert (here(repo), head(repo)) == ({"a.txt": "one"}, one.snapshot_id)
    repo.undo(lock=True)
    assert (here(repo), head(repo)) == ({"a.txt": "unsaved"}, two.snapshot_id)


@pytest.mark.parametrize("saved", [False, True], ids=["not saved", "in a snapshot"])
def test_work_done_since_is_not_taken_back_unasked_and_is_kept_when_asked(
    repo: Repository, saved: bool
) -> None:
    one = take(repo, "one")
    two = take(repo, "two")
    back_to(repo, one.snapshot_id)
    write(repo, "an hour of work", "work.txt")
    if saved:
        repo.snapshot("work", lock=True)
    before = here(repo)
    for dry_run in (True, False):
        with pytest.raises(NothingToUndo) as refused:
            repo.undo(lock=True, dry_run=dry_run)
        assert ("work.txt" in refused.value.message) is not saved
        assert two.snapshot_id in (refused.value.hint or "")
    assert here(repo) == before
    done = repo.undo(force=True, lock=True)
    assert (here(repo), head(repo)) == ({"a.txt": "two"}, two.snapshot_id)
    with repo.open_file(done.pre_restore_snapshot_id or "", "work.txt") as kept:
        assert kept.read() == b"an hour of work"
    repo.redo(lock=True)
    assert here(repo) == before


def test_redo_does_not_take_back_later_work_either_and_ends_with_another_restore(repo: Repository) -> None:
    one = take(repo, "one")
    take(repo, "two")
    back_to(repo, one.snapshot_id)
    repo.undo(lock=True)
    write(repo, "work")
    with pytest.raises(NothingToUndo, match=r"a\.txt"):
        repo.redo(lock=True)
    back_to(repo, one.snapshot_id)
    with pytest.raises(NothingToUndo, match="no undo"):
        repo.redo(lock=True)


def test_caches_made_since_are_no_work(repo: Repository) -> None:
    one = take(repo, "one")
    take(repo, "two")
    back_to(repo, one.snapshot_id)
    (repo.root / "main" / "__pycache__").mkdir()
    write(repo, "made again", "__pycache__/a.pyc")
    repo.undo(lock=True)
    assert here(repo) == {"a.txt": "two"}


def test_the_restore_of_a_path_is_taken_back_and_gone_forward_to(repo: Repository) -> None:
    write(repo, "old", "d/b.txt")
    one = take(repo, "one")
    write(repo, "new", "d/b.txt")
    take(repo, "two")
    repo.restore_path(one.snapshot_id, "d", inplace=True, reason="test", lock=True)
    repo.undo(lock=True)
    assert here(repo) == {"a.txt": "two", "d/b.txt": "new"}
    repo.redo(lock=True)
    assert here(repo) == {"a.txt": "two", "d/b.txt": "old"}
    repo.undo(lock=True)
    repo.restore_path(one.snapshot_id, "d/b.txt", to="a.txt", inplace=True, reason="test", lock=True)
    write(repo, "later", "d/b.txt")
    with pytest.raises(NothingToUndo, match=r"d/b\.txt"):
        repo.undo(lock=True)


def test_gc_keeps_what_redo_goes_forward_to(repo: Repository) -> None:
    take(repo, "one")
    two = take(repo, "two")
    back_to(repo, repo.resolve("HEAD~1"))
    write(repo, "work")
    repo.undo(force=True, lock=True)
    assert repo.gc.run(repo.gc.plan().plan_id).deleted == []
    repo.redo(lock=True)
    assert here(repo) == {"a.txt": "work"}
    assert two.snapshot_id in {item.descriptor.snapshot_id for item in repo.history(every=True)}


@pytest.mark.parametrize("step", ["converge", "settle", "head"])
def test_a_killed_redo_is_completed_and_can_be_undone(repo: Repository, step: str) -> None:
    one = take(repo, "one")
    take(repo, "two")
    back_to(repo, one.snapshot_id)
    repo.undo(lock=True)

    def killed() -> None:
        again = Repository.open(repo.root / "main")
        again.redo(lock=True, progress=children.Steps(at=f"before {step}", act=children.die))

    assert children.run(killed) == children.KILLED
    repo.doctor(repairs=["finish_restore"])
    assert (here(repo), head(repo)) == ({"a.txt": "one"}, one.snapshot_id)
    repo.undo(lock=True)
    assert here(repo) == {"a.txt": "two"}
    assert repo.doctor(strict=True).healthy
