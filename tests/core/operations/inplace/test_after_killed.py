"""What comes after a restore that was killed: it is completed first, whatever comes, and only by whom it concerns."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from jvs_core import Repository, files, renames
from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import journal, worktree
from jvs_core.model import Intent
from jvs_core.operations.inplace import completion, unfinished
from tests.crash import children

KILLED_AT = ["converge", "settle", "head"]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A repository with the snapshots ``one``, ``two`` and ``three``, the worktree at the last."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for text in ("one", "two", "three"):
        (repo.root / "main" / "d").mkdir(exist_ok=True)
        (repo.root / "main" / "note.txt").write_text(text)
        (repo.root / "main" / "d" / "in.txt").write_text(text)
        (repo.root / "main" / text).write_text(text)
        repo.snapshot(text, lock=True)
    return repo


def ids(repo: Repository) -> dict[str, str]:
    """Return the snapshots by their note."""
    return {item.descriptor.note: item.descriptor.snapshot_id for item in repo.history(every=True)}


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def here(repo: Repository) -> dict[str, str]:
    return content(repo.root / "main")


def of(repo: Repository, snapshot_id: str) -> dict[str, str]:
    return content(Path(repo.show(snapshot_id).path))


def kill_restore(repo: Repository, snapshot_id: str, step: str) -> None:
    """Have a restore into ``main`` killed before ``step``."""
    killed = children.Steps(at=f"before {step}", act=children.die)
    again = Repository.open(repo.root / "main")
    work = partial(again.restore_inplace, snapshot_id, reason="test", lock=True, progress=killed)
    assert children.run(work) == children.KILLED
    assert len(os.listdir(repo.root / ".jvs/intents")) == 1


def assert_sound(repo: Repository) -> None:
    assert os.listdir(repo.root / ".jvs/intents") == []
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy


@pytest.mark.parametrize("step", KILLED_AT)
def test_an_undo_takes_back_the_restore_that_was_killed(repo: Repository, step: str) -> None:
    known = ids(repo)
    kill_restore(repo, known["one"], step)
    repo.undo(lock=True)
    assert here(repo) == of(repo, known["three"])
    assert repo.status().head_snapshot_id == known["three"]
    assert_sound(repo)


@pytest.mark.parametrize("step", KILLED_AT)
def test_a_restore_follows_one_that_was_killed_and_both_can_be_undone(repo: Repository, step: str) -> None:
    known = ids(repo)
    kill_restore(repo, known["one"], step)
    repo.restore_inplace(known["two"], reason="test", lock=True)
    assert here(repo) == of(repo, known["two"])
    repo.undo(lock=True)
    assert here(repo) == of(repo, known["one"])
    assert repo.status().head_snapshot_id == known["one"]
    repo.undo(lock=True)
    assert here(repo) == of(repo, known["three"])
    assert repo.status().head_snapshot_id == known["three"]
    assert_sound(repo)


@pytest.mark.parametrize("step", KILLED_AT)
def test_a_path_is_restored_into_what_a_killed_restore_was_to_make(repo: Repository, step: str) -> None:
    known = ids(repo)
    kill_restore(repo, known["one"], step)
    repo.restore_path(known["two"], "d", inplace=True, reason="test", lock=True)
    assert here(repo) == {**of(repo, known["one"]), "d/in.txt": "two"}
    repo.undo(lock=True)
    assert here(repo) == of(repo, known["one"])
    assert_sound(repo)


def test_edits_made_after_the_kill_are_kept_before_an_undo(repo: Repository) -> None:
    known = ids(repo)
    kill_restore(repo, known["one"], "settle")
    (repo.root / "main" / "note.txt").write_text("precious")
    repo.undo(lock=True)
    assert here(repo) == of(repo, known["three"])
    saved = [of(repo, snapshot_id)["note.txt"] for snapshot_id in ids(repo).values()]
    assert "precious" in saved
    assert_sound(repo)


def test_a_restore_that_was_killed_after_its_head_moved_is_not_done_again(
    repo: Repository,
) -> None:
    known = ids(repo)
    number = worktree.get(Layout(repo.root), "main").head.number
    again = Repository.open(repo.root / "main")

    def killed_after_the_head() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("jvs_core.operations.context.Context.audit", lambda *_a, **_k: children.die())
            patch.setattr(completion, "pin", lambda *_a: None)
            again.restore_inplace(known["one"], reason="test", lock=True)

    assert children.run(killed_after_the_head) == children.KILLED
    (repo.root / "main" / "note.txt").write_text("later")
    repo.snapshot("later", lock=True)
    assert here(repo)["note.txt"] == "later"
    layout = Layout(repo.root)
    assert worktree.get(layout, "main").head.number == number + 2
    (logged,) = (record for record in log_file.tail(layout) if record.operation == "restore")
    assert (logged.details["recovered"], logged.details["head"]["number"]) == (True, number + 1)
    assert_sound(repo)


def test_a_killed_restore_into_another_worktree_is_left_to_it(repo: Repository) -> None:
    known = ids(repo)
    other = Path(repo.restore(known["two"], name="other").path)
    kill_restore(repo, known["one"], "converge")
    (other / "note.txt").write_text("mine")
    repo.snapshot("mine", worktree="other", lock=True)
    assert len(os.listdir(repo.root / ".jvs/intents")) == 1
    assert (other / "note.txt").read_text() == "mine"
    assert (repo.root / "main" / "note.txt").read_text() == "three"
    repo.undo(lock=True)
    assert_sound(repo)


def test_a_killed_restore_that_was_overtaken_is_given_up(repo: Repository) -> None:
    known = ids(repo)
    kill_restore(repo, known["one"], "converge")
    layout = Layout(repo.root)
    with critical.exclusive(layout.repository_lock):
        seen = worktree.get(layout, "main")
        head = worktree.move(
            layout, "main", seen, operation="snapshot", token=seen.head.fencing_token,
            snapshot_id=known["two"], undo=(),
        )  # fmt: skip
    repo.snapshot("after", lock=True)
    assert os.listdir(layout.intents) == []
    assert here(repo) == of(repo, known["three"])
    assert head.snapshot_id == repo.history()[1].descriptor.snapshot_id


def _intent(layout: Layout) -> Intent:
    ((intent,), _) = journal.pending(layout)
    return intent


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ({}, True),
        ({"operation": "undo"}, True),
        ({"operation": "snapshot"}, False),
        ({"fencing_token": 99}, False),
        ({"number": 0}, False),
        ({"number": 2}, False),
    ],
    ids=["its own", "of an undo", "a snapshot", "another lease", "the one it saw", "a later one"],
)
def test_which_head_a_killed_restore_moved(repo: Repository, changed: dict[str, object], moved: bool) -> None:
    kill_restore(repo, ids(repo)["one"], "head")
    layout = Layout(repo.root)
    intent, head = _intent(layout), worktree.get(layout, "main").head
    fields = {"operation": "restore", "fencing_token": intent.fencing_token, "number": 1, **changed}
    number = head.number + int(str(fields.pop("number")))
    assert unfinished.moved_by(head.changed(**fields, number=number), intent) is moved


def test_only_a_restore_whose_head_has_not_moved_is_to_be_completed(repo: Repository) -> None:
    kill_restore(repo, ids(repo)["one"], "head")
    layout = Layout(repo.root)
    intent = _intent(layout)
    seen = worktree.get(layout, "main").head
    own = "1700000000000-00000001"
    assert unfinished.stands(intent, seen)
    assert not unfinished.stands(intent, seen.changed(number=seen.number + 1))
    intent.details.update(own_snapshot=own)
    assert unfinished.stands(intent, seen.changed(number=seen.number + 1, snapshot_id=own))
    assert not unfinished.stands(intent, seen.changed(number=seen.number + 2, snapshot_id=own))
    assert not unfinished.stands(intent, seen.changed(number=seen.number + 1, snapshot_id=None))


@pytest.mark.parametrize("name", ["note.txt", "three"])
def test_a_save_that_a_killed_restore_took_out_is_in_a_snapshot(repo: Repository, name: str) -> None:
    """An editor's save comes after the look and before the file is taken out; the kill before the next look at it."""
    wanted, path = ids(repo)["one"], repo.root / "main" / name
    saved = {"exchange": renames.exchange, "rename_new": renames.rename_new}

    def save_take_and_die(
        take: str, folder: int, old: bytes | str, new: bytes | str, *, into: int | None = None
    ) -> object:
        if name.encode() in (old, new) and path.exists():
            path.with_name("editor.tmp").write_text("a save")
            path.with_name("editor.tmp").rename(path)
            saved[take](folder, old, new, into=into)
            children.die()
        return saved[take](folder, old, new, into=into)

    def work() -> None:
        for take in saved:
            setattr(renames, take, partial(save_take_and_die, take))
        Repository.open(repo.root / "main").restore_inplace(wanted, reason="test", lock=True)

    assert children.run(work) == children.KILLED
    repo.snapshot("after", lock=True)
    held = [text for each in ids(repo).values() for text in of(repo, each).values()]
    assert "a save" in [*held, *here(repo).values()]
    assert_sound(repo)


@pytest.mark.parametrize("name", ["note.txt", "d"])
def test_a_save_that_a_killed_restore_of_a_path_took_out_is_in_a_snapshot(
    repo: Repository, name: str
) -> None:
    wanted, path = ids(repo)["one"], repo.root / "main" / name
    saved = path / "in.txt" if path.is_dir() else path
    exchange = files.exchange

    def save_exchange_and_die(one: Path, other: Path) -> None:
        saved.with_name("editor.tmp").write_text("a save")
        saved.with_name("editor.tmp").rename(saved)
        exchange(one, other)
        children.die()

    def work() -> None:
        files.exchange = save_exchange_and_die
        again = Repository.open(repo.root / "main")
        again.restore_path(wanted, name, inplace=True, reason="test", lock=True)

    assert children.run(work) == children.KILLED
    repo.snapshot("after", lock=True)
    held = [text for each in ids(repo).values() for text in of(repo, each).values()]
    assert "a save" in [*held, *here(repo).values()]
    assert not [left for left in here(repo) if ".jvs-restore-" in left]
    assert_sound(repo)
