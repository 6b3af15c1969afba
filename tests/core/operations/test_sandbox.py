from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jvs_core import JvsError, Repository
from jvs_core.errors import NoSpace, SnapshotNotFound, UnsavedChanges
from jvs_core.operations import snapshot

pytestmark = pytest.mark.in_turn

KILLED = """
import os, sys
from jvs_core import Repository

with Repository.open(sys.argv[1]).sandbox("baseline") as box:
    (box.path / "made.txt").write_text("worth keeping")
    os._exit(9)
"""


@pytest.fixture
def repo(workdir: Path) -> Repository:
    repo = Repository.init(workdir / "repo")
    (repo.root / "main" / "data").mkdir()
    for number in range(20):
        (repo.root / "main" / "data" / f"{number}.txt").write_text(str(number))
    repo.snapshot("base", lock=True)
    repo.refs.create("baseline", "HEAD")
    return repo


def worktrees(repo: Repository) -> list[str]:
    return [info.name for info in repo.worktrees.all()]


def notes(repo: Repository) -> list[str]:
    return [item.descriptor.note for item in repo.history(every=True)]


@pytest.mark.on_each
def test_a_sandbox_leaves_its_snapshot_and_nothing_else(repo: Repository) -> None:
    with repo.sandbox("baseline", note="tried", tags=["trial"]) as box:
        assert worktrees(repo) == ["main", box.worktree]
        assert repo.locks.status(box.worktree).state == "held"
        (box.path / "data" / "0.txt").write_text("changed")
    assert worktrees(repo) == ["main"]
    assert not box.path.exists()
    assert box.snapshot_id is not None
    kept = repo.show(box.snapshot_id).descriptor
    assert (kept.note, kept.tags, kept.parent_snapshot_id) == (
        "tried",
        ("trial", "sandbox"),
        box.base_snapshot_id,
    )
    with repo.open_file(box.snapshot_id, "data/0.txt") as file:
        assert file.read() == b"changed"
    assert (repo.root / "main" / "data" / "0.txt").read_text() == "0"
    assert repo.doctor(strict=True).findings == []


def test_a_sandbox_stays_where_asked(repo: Repository) -> None:
    with repo.sandbox() as box:
        box.keep = True
    assert worktrees(repo) == ["main", box.worktree]
    assert repo.locks.status(box.worktree).state == "free"


def test_work_that_fails_is_kept_too_when_it_changed_anything(repo: Repository) -> None:
    def fail(text: str | None) -> None:
        with repo.sandbox() as box:
            if text:
                (box.path / "half.txt").write_text(text)
            raise ZeroDivisionError

    for text in ("half", None):
        with pytest.raises(ZeroDivisionError):
            fail(text)
    assert notes(repo) == ["sandbox, failed", "base"]
    assert worktrees(repo) == ["main"]


def test_a_sandbox_that_cannot_be_saved_stays_and_says_why(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> object:
        raise NoSpace("no space")

    def work() -> None:
        with repo.sandbox() as box:
            (box.path / "made.txt").write_text("worth keeping")
            monkeypatch.setattr(snapshot, "take", full)

    with pytest.raises(NoSpace):
        work()
    _, name = worktrees(repo)
    assert (repo.worktrees.path(name) / "made.txt").read_text() == "worth keeping"
    assert repo.locks.status(name).state == "free"


def test_a_sandbox_that_is_still_written_to_stays(repo: Repository) -> None:
    class WritesAfterTheSnapshot:
        box: Path

        def started(self, step: str, total: int | None = None) -> None: ...
        def advanced(self, amount: int = 1) -> None: ...
        def finished(self, step: str) -> None:
            if step == "audit" and hasattr(self, "box"):
                (self.box / "late.txt").write_text("late")

    writer = WritesAfterTheSnapshot()
    with pytest.raises(UnsavedChanges, match="stays"), repo.sandbox(progress=writer) as box:
        writer.box = box.path
    assert (box.path / "late.txt").read_text() == "late"


def test_a_sandbox_from_nowhere_is_refused(repo: Repository) -> None:
    with pytest.raises(SnapshotNotFound):
        repo.sandbox("nowhere")
    assert worktrees(repo) == ["main"]


@pytest.mark.slow
def test_many_sandboxes_at_once_do_not_see_each_other(local: Repository) -> None:
    failures: list[str] = []

    def work(number: int) -> None:
        try:
            with local.sandbox("baseline", note=str(number)) as box:
                seen = sorted(path.name for path in box.path.iterdir())
                (box.path / f"made-{number}.txt").write_text(str(number))
                if seen != ["data"]:
                    failures.append(f"{number} saw {seen}")
        except JvsError as error:
            failures.append(f"{error.code}: {error.message}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert worktrees(local) == ["main"]
    made = {item.descriptor.note: item.descriptor.snapshot_id for item in local.history(every=True)}
    assert sorted(made) == sorted([*map(str, range(50)), "base"])
    assert [entry.path for entry in local.ls(made["7"]) if entry.type == "file"] == ["made-7.txt"]
    assert local.verify(every=True).ok
    assert local.doctor(strict=True).findings == []


def test_a_killed_sandbox_is_found_saved_and_removed(repo: Repository) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, repo.root], check=False).returncode == 9
    assert [found.repair for found in repo.doctor(strict=True).findings if found.severity == "warning"] == [
        "clean_intents"
    ]
    report = repo.doctor(repairs=["clean_intents"], strict=True)
    assert report.healthy
    assert worktrees(repo) == ["main"]
    saved = repo.history(every=True)[0].descriptor
    assert saved.note == "sandbox, interrupted"
    with repo.open_file(saved.snapshot_id, "made.txt") as file:
        assert file.read() == b"worth keeping"


def test_a_killed_isolated_run_is_found_saved_and_removed(repo: Repository) -> None:
    killed = KILLED.replace('sandbox("baseline")', 'worktrees.isolated_run("run-1", from_="baseline")')
    assert "isolated_run" in killed
    assert subprocess.run([sys.executable, "-c", killed, repo.root], check=False).returncode == 9
    found = [finding for finding in repo.doctor(strict=True).findings if finding.severity == "warning"]
    assert [(finding.code, finding.repair) for finding in found] == [("W_INTENT_ABANDONED", "clean_intents")]
    assert repo.doctor(repairs=["clean_intents"], strict=True).healthy
    assert worktrees(repo) == ["main"]
    saved = repo.history(every=True)[0].descriptor
    assert (saved.note, saved.tags) == ("isolated run, interrupted", ("run",))
    with repo.open_file(saved.snapshot_id, "made.txt") as file:
        assert file.read() == b"worth keeping"


def test_an_isolated_run_takes_its_worktree_away_unless_it_stays(local: Repository) -> None:
    with local.worktrees.isolated_run("run-1", from_="baseline") as made:
        assert worktrees(local) == ["main", "run-1"]
        (made.path / "made.txt").write_text("made")
    assert worktrees(local) == ["main"]
    with local.worktrees.isolated_run("run-2", from_="baseline") as made:
        made.keep = True
    assert worktrees(local) == ["main", "run-2"]
    assert local.doctor(strict=True).findings == []


def test_what_cannot_be_removed_yet_is_found_again(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-c", KILLED, repo.root], check=False)
    name = worktrees(repo)[1]
    monkeypatch.setenv("JVS_SESSION", "another")
    other = Repository.open(repo.root)
    assert other.locks.status(name).state == "held"
    report = other.doctor(repairs=["clean_intents"])
    assert [finding.code for finding in report.findings if finding.repair] == ["W_INTENT_ABANDONED"]
    assert (other.worktrees.path(name) / "made.txt").read_text() == "worth keeping"


def test_a_killed_sandbox_that_is_removed_by_hand_is_forgotten(repo: Repository) -> None:
    subprocess.run([sys.executable, "-c", KILLED, repo.root], check=False)
    name = worktrees(repo)[1]
    repo.locks.release(name)
    repo.worktrees.remove(name, force=True)
    assert repo.doctor(strict=True).findings == []


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo")
    (repo.root / "main" / "data").mkdir()
    repo.snapshot("base", lock=True)
    repo.refs.create("baseline", "HEAD")
    return repo
