from __future__ import annotations

import re
from pathlib import Path

import pytest

from jvs_core import Repository, clock
from jvs_core.control.names import check_worktree_name
from jvs_core.errors import SnapshotNotFound


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("TZ", "UTC")
    found = Repository.init(tmp_path / "repo", engine="copy")
    moment = clock.parse("2026-11-28T17:27:12.000Z")
    monkeypatch.setattr(clock, "now_ms", lambda: moment)
    return found


@pytest.mark.parametrize(
    ("note", "name"),
    [
        ("explored", "explored"),
        ("Explored!\nand more", "explored"),
        ("Größe: two  columns", "grosse-two-columns"),
        ("日本", "back"),
        ("", "back"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 500, "a" * 40),
        ("one two three four five six seven eight nine", "one-two-three-four-five-six-seven-eight"),
        ("-rf", "rf"),
    ],
)
def test_it_is_the_note_and_the_time(repo: Repository, note: str, name: str) -> None:
    made = repo.snapshot(note, lock=True).snapshot_id
    found = repo.suggest_name(made)
    assert found == f"{name}-nov28-1727"
    assert check_worktree_name(found) == found


def test_a_name_that_is_taken_is_counted_on(repo: Repository) -> None:
    made = repo.snapshot("explored", lock=True).snapshot_id
    for name in ("explored-nov28-1727", "explored-nov28-1727-2", "explored-nov28-1727-3"):
        assert repo.restore(made, name=repo.suggest_name("HEAD")).worktree == name
    repo.annotate(made, note="what I kept")
    assert repo.suggest_name(made) == "what-i-kept-nov28-1727"
    with pytest.raises(SnapshotNotFound):
        repo.suggest_name("nosuch")


def test_what_is_not_asked_for_keeps_its_name(repo: Repository) -> None:
    made = repo.snapshot("explored", lock=True).snapshot_id
    name = repo.restore(made).worktree
    assert re.fullmatch(rf"restore-{made[:8]}-\d{{8}}-\d{{6}}-[0-9a-f]{{4}}", name)
