"""A repository for every user: made once, found again, moved with the name, put away whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import LockConflict, Repository
from jvs_jupyter.hub.homes import archive_home, find_home, make_home
from jvs_jupyter.hub.names import Person, worktree_name

ANN = Person("ann", "", "7@2026-01-01")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "homes").mkdir()
    return tmp_path / "homes"


def test_a_home_is_a_repository_of_its_own(team: Repository, folder: Path) -> None:
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    assert made == folder / worktree_name(ANN)
    home = Repository.open(made)
    assert home.repo_id != team.repo_id
    assert (made / "main" / "data" / "a.csv").read_text() == "a,b\n1,2\n"
    assert home.status().clean
    assert home.resolve("template") == home.history()[0].descriptor.snapshot_id
    assert home.worktrees.get("main").labels == ANN.labels
    (made / "main" / "mine.txt").write_text("mine")
    assert make_home(folder, team, ANN, template="template-1", owner=None) == made
    assert (made / "main" / "mine.txt").exists()
    assert [path.name for path in folder.iterdir()] == [made.name]


def test_a_home_follows_a_new_name_unless_its_server_runs(team: Repository, folder: Path) -> None:
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    anna = Person("anna", "", ANN.identity)
    server = Repository(made, settings=replace(team.settings, session="server"))
    server.locks.acquire("main")
    with pytest.raises(LockConflict, match="in use"):
        make_home(folder, team, anna, template="template-1", owner=None)
    server.locks.release("main")
    moved = make_home(folder, team, anna, template="template-1", owner=None)
    assert moved == folder / worktree_name(anna)
    assert not made.exists()
    assert find_home(folder, Person("ann", "", "8@2026-02-02")) is None


def test_a_home_is_put_away_whole(team: Repository, folder: Path) -> None:
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    kept = archive_home(folder, made)
    assert find_home(folder, ANN) is None
    assert Repository.open(kept).verify(every=True).ok
