"""Keeping a history: when it looks, what pauses it, and that it goes on by itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from jvs_core import Repository, Settings, clock
from jvs_core.operations import compare, snapshot
from jvs_core.operations.context import Context
from jvs_core.operations.timeline.keeper import Keeper, Told
from tests.support.passing import LetPass


class Person:
    """Works in a worktree beside a keeper, on a clock that the test turns."""

    def __init__(self, repo: Repository, let_pass: LetPass) -> None:
        self.repo = repo
        self.main = repo.root / "main"
        self.now = 1000.0
        self.told: list[Told] = []
        self._let_pass = let_pass
        self.keeper = Keeper(repo._context, "main", self.told.append, lambda: self.now)

    def saves(self, text: str, name: str = "notes") -> None:
        (self.main / name).write_text(text)
        self.keeper.touched()

    def waits(self, seconds: float, *, blind: bool = False) -> None:
        """Let time pass, and the keeper act whenever it wants to."""
        end = self.now + seconds
        with self.repo.timeline.watch() as watch:
            while True:
                pause = max(self.keeper.next_in_s(), 0.001)
                if self.now + pause > end:
                    break
                self.now += pause
                self._let_pass(pause)
                self.keeper.step(None if blind else watch)
        self._let_pass(end - self.now)
        self.now = end

    def what(self) -> list[str]:
        return [told.what for told in self.told]


@pytest.fixture
def person(repo: Repository, let_pass: LetPass) -> Person:
    return Person(repo, let_pass)


def test_it_begins_with_what_changed_while_nobody_watched(person: Person) -> None:
    (person.main / "notes").write_text("before")
    person.waits(61)
    assert person.what() == ["snapshot"]
    (item,) = person.repo.history()
    assert (item.descriptor.kind, item.descriptor.tags) == ("auto", ())


def test_a_save_is_in_history_after_half_a_minute_and_nothing_else_is(person: Person) -> None:
    person.waits(400)
    person.saves("one")
    person.waits(29)
    assert person.repo.history() == []
    person.waits(2)
    assert person.what() == ["snapshot"]
    person.waits(4 * 3600)
    assert person.what() == ["snapshot"]


def test_caches_alone_make_no_snapshot(person: Person) -> None:
    person.saves("one")
    person.waits(400)
    (person.main / ".ipynb_checkpoints").mkdir()
    person.saves("x", ".ipynb_checkpoints/notes")
    person.waits(400)
    assert person.what() == ["snapshot"]


def test_a_lock_that_is_held_pauses_it_and_given_back_it_goes_on(person: Person, repo: Repository) -> None:
    other = Repository.open(repo.root, settings=replace(repo.settings, session="other"))
    other.locks.acquire(lease_ms=3_700_000)
    person.saves("one")
    person.waits(3600)
    assert person.what() == ["paused"]
    state = repo.timeline.state()
    assert (state.state, state.changed, state.runs) == ("paused", 1, True)
    assert state.reason is not None
    assert state.reason["code"] == "E_LOCK_CONFLICT"
    other.locks.release()
    person.waits(61)
    assert person.what() == ["paused", "resumed", "snapshot"]
    assert repo.timeline.state().state == "saved"


def fails(monkeypatch: pytest.MonkeyPatch, error: OSError) -> Callable[[], None]:
    """Let every look fail; the returned function lets it work again."""
    real = compare.differs

    def broken(*_args: Any) -> bool:
        raise error

    monkeypatch.setattr(compare, "differs", broken)
    return lambda: monkeypatch.setattr(compare, "differs", real)


@pytest.mark.parametrize(
    ("number", "code"),
    [(28, "E_NO_SPACE"), (107, "E_ENGINE_FAILED"), (5, "E_ENGINE_FAILED"), (116, "E_ENGINE_FAILED")],
)
def test_a_fault_pauses_it_and_is_over_by_itself(
    person: Person, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    mend = fails(monkeypatch, OSError(number, os.strerror(number)))
    person.saves("one")
    person.waits(1000)
    assert person.what() == ["paused"]
    assert code in person.told[0].message
    mend()
    person.waits(61)
    assert person.what() == ["paused", "resumed", "snapshot"]


def test_a_file_system_that_is_gone_comes_back(person: Person, repo: Repository, tmp_path: Path) -> None:
    person.saves("one")
    root = repo.root
    root.rename(tmp_path / "unmounted")
    step = person.keeper.step
    person.now += 60
    step(None)
    assert person.what() == ["paused"]
    (tmp_path / "unmounted").rename(root)
    person.waits(61)
    assert person.what() == ["paused", "resumed", "snapshot"]
    assert person.keeper.must_watch_anew


def set_back(hours: int) -> AbstractContextManager[object]:
    now_ms = clock.now_ms

    def earlier() -> int:
        return now_ms() - hours * 3_600_000

    return mock.patch.object(clock, "now_ms", earlier)


def test_a_clock_that_was_set_back_pauses_it_for_an_hour_at_most(person: Person) -> None:
    person.saves("one")
    person.waits(61)
    (first,) = [item.descriptor.snapshot_id for item in person.repo.history()]
    with set_back(hours=24):
        person.saves("two")
        person.waits(3000)
        assert person.what() == ["snapshot", "paused"]
        assert "E_CLOCK_SKEW_EXCEEDED" in person.told[-1].message
        person.waits(1000)
    assert person.what() == ["snapshot", "paused", "resumed", "snapshot"]
    second, _ = [item.descriptor for item in person.repo.history()]
    assert second.parent_snapshot_id == first
    assert second.snapshot_id < first


def test_a_clock_that_is_right_again_ends_the_pause(person: Person) -> None:
    person.saves("one")
    person.waits(61)
    with set_back(hours=1):
        person.saves("two")
        person.waits(600)
    person.waits(100)
    assert person.what() == ["snapshot", "paused", "resumed", "snapshot"]


def test_without_events_it_looks_once_in_a_while(person: Person) -> None:
    person.waits(61, blind=True)
    (person.main / "notes").write_text("nobody said so")
    person.waits(100, blind=True)
    assert person.what() == []
    person.waits(300, blind=True)
    assert person.what() == ["snapshot"]


def test_looks_that_take_long_become_rare(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def slow(*_args: Any, **_more: Any) -> None:
        looked.append(person.now)
        person.now += 20

    monkeypatch.setattr(snapshot, "take_if_changed", slow)
    person.waits(4 * 3600, blind=True)
    assert 12 <= len(looked) <= 15


def test_off_is_heeded_while_it_runs_and_on_again(person: Person, repo: Repository) -> None:
    repo.timeline.switch(False)
    person.waits(61)
    person.saves("one")
    person.waits(1000)
    assert person.what() == ["off"]
    assert repo.timeline.state().state == "off"
    repo.timeline.switch(True)
    person.waits(100)
    assert person.what() == ["off", "on", "snapshot"]


def test_a_damaged_configuration_pauses_it(person: Person, repo: Repository) -> None:
    config = repo.root / ".jvs" / "config.toml"
    sound = config.read_text()
    config.write_text("[timeline]\nkeep = ['x']\n")
    person.saves("one")
    person.waits(100)
    assert person.what() == ["paused"]
    config.write_text(sound)
    person.waits(100)
    assert person.what() == ["paused", "resumed", "snapshot"]


def test_it_thins_out_by_itself(person: Person, repo: Repository) -> None:
    (repo.root / ".jvs" / "config.toml").write_text('[timeline]\nkeep = ["1h:all", "rest:1w"]\n')
    for number in range(4):
        person.saves(str(number))
        person.waits(400)
    person.waits(3 * 3600)
    assert len([item for item in repo.history() if not item.expired]) <= 2
    assert repo.doctor(strict=True).healthy


def test_what_it_said_goes_with_it(person: Person, repo: Repository) -> None:
    person.saves("one")
    person.keeper.announce()
    (said,) = (repo.settings.state_dir / "timeline" / repo.repo_id).iterdir()
    assert repo.timeline.state().next_at is not None
    person.keeper.end()
    assert not said.exists()
    state = repo.timeline.state()
    assert (state.state, state.runs, state.next_at) == ("changed", False, None)


def test_what_a_dead_process_said_is_not_believed(person: Person, repo: Repository) -> None:
    person.waits(61)
    folder = repo.settings.state_dir / "timeline" / repo.repo_id
    (said,) = folder.iterdir()
    text = said.read_text()
    (folder / said.name.replace(f".{os.getpid()}.", ".999999.")).write_text(
        text.replace(f'"pid":{os.getpid()}', '"pid":999999')
    )
    (folder / f"{person.keeper.worktree_id}.x.json").write_text("{")
    said.unlink()
    assert not repo.timeline.state().runs
    person.keeper.end()
    assert list(folder.iterdir()) == []


def test_a_worktree_that_is_removed_is_waited_for(person: Person, repo: Repository) -> None:
    person.saves("one")
    shutil.rmtree(person.main)
    for _ in range(3):
        person.now += 60
        person.keeper.step(None)
    assert person.what() == ["paused"]


def test_a_context_is_opened_anew_for_each_look(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    real = Context.open

    def counted(layout: Any, settings: Settings) -> Context:
        opened.append(layout.root)
        return real(layout, settings)

    monkeypatch.setattr(Context, "open", counted)
    person.waits(3600)
    assert 55 <= len(opened) <= 65
