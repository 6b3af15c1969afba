"""Operations that others gave up for dead and that go on: they publish nothing, and say why."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository, Settings
from jvs_core.control.lock import critical
from jvs_core.errors import FencingMismatch
from tests.support.passing import LetPass
from tests.support.suspension import Stopped, silence, suspended

FILES = 300
Act = Callable[[Repository, str, Stopped], object]
OPERATIONS: dict[str, tuple[Act, str]] = {
    "snapshot": (lambda repo, one, stop: repo.snapshot("x", lock=True, progress=stop), "clone"),
    "restore": (lambda repo, one, stop: repo.restore(one, name="made", progress=stop), "settle"),
    "create": (lambda repo, one, stop: repo.worktrees.create("made", from_=one, progress=stop), "settle"),
    "path": (lambda repo, one, stop: repo.restore_path(one, "d", to="made", progress=stop), "settle"),
}


def settings(place: Path, session: str) -> Settings:
    return Settings("u", session, session, "copy", place / f"state-{session}", place / f"cache-{session}")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", settings=settings(tmp_path, "a"))
    (repo.root / "main/d").mkdir()
    for number in range(FILES):
        (repo.root / f"main/d/{number:03}").write_text(str(number))
    return repo


class Sleeper:
    """One operation, asleep at a step in a thread, that looks as if another machine had been silent for an hour."""

    def __init__(self, repo: Repository, name: str) -> None:
        act, step = OPERATIONS[name]
        one = repo.snapshot("one", lock=True).snapshot_id
        self.stop = Stopped(step)
        self.result: object = None
        self.thread = threading.Thread(
            target=self._work, args=(lambda: act(repo, one, self.stop),), daemon=True
        )
        self.thread.start()
        assert self.stop.there.wait(60)
        silence(repo)

    def _work(self, act: Callable[[], object]) -> None:
        try:
            self.result = act()
        except BaseException as error:  # noqa: BLE001 - the caller looks at whatever it is
            self.result = error

    def wake(self) -> None:
        self.stop.go.set()
        self.thread.join(60)


@pytest.mark.parametrize("name", OPERATIONS)
def test_who_was_given_up_for_dead_publishes_nothing_and_says_so(repo: Repository, name: str) -> None:
    sleeper = Sleeper(repo, name)
    other = Repository(repo.root, settings=settings(repo.root.parent, "b"))
    assert other.doctor(repairs=["clean_intents", "clean_tmp"]).repaired
    sleeper.wake()
    assert isinstance(sleeper.result, FencingMismatch), sleeper.result
    assert "treated it as dead" in sleeper.result.message
    assert os.listdir(repo.root / "main") == ["d"]
    assert os.listdir(repo.root / "worktrees") == os.listdir(repo.root / ".jvs/intents") == []
    assert len(os.listdir(repo.root / ".jvs/snapshots")) == 1


@pytest.mark.parametrize("by", ["lock", "doctor"])
def test_a_path_is_not_put_in_place_while_it_is_cleared_away(
    repo: Repository, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = Sleeper(repo, "path")
    other = Repository(repo.root, settings=settings(repo.root.parent, "b"))
    unlink, calls = os.unlink, []

    def wakes_it(path: Path, *, dir_fd: int | None = None) -> None:
        if threading.current_thread() is threading.main_thread():
            calls.append(path)
            if len(calls) == FILES // 2:
                sleeper.wake()
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", wakes_it)
    if by == "lock":
        other.snapshot("next", lock=True)
    else:
        assert other.doctor(repairs=["clean_intents"]).repaired
    assert len(calls) >= FILES
    assert isinstance(sleeper.result, FencingMismatch), sleeper.result
    assert os.listdir(repo.root / "main") == ["d"]
    assert os.listdir(repo.root / ".jvs/intents") == []


def test_a_worktree_that_another_made_under_the_name_meanwhile_stays(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, let_pass: LetPass
) -> None:
    repo.snapshot("one", lock=True)
    other = Repository(repo.root, settings=settings(repo.root.parent, "b"))
    monkeypatch.setattr(critical, "TRUSTED_MS", 500)

    def meanwhile() -> None:
        monkeypatch.undo()
        silence(repo)
        assert other.doctor(repairs=["clean_intents", "clean_tmp"]).repaired
        other.worktrees.create("made")
        let_pass(0.5)

    told = suspended(repo, lambda stop: repo.worktrees.create("made", progress=stop), "publish", meanwhile)
    assert isinstance(told, FencingMismatch), told
    assert [info.name for info in other.worktrees.all()] == ["main", "made"]
    assert other.verify(every=True).ok
    assert other.doctor(strict=True).healthy
