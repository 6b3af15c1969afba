"""Cloning as somebody who may read the source only, and on every file system as a user who is not root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.core.operations.moving.test_clone import fill, ids, require_sound
from tests.support.others import needs_root
from tests.support.users import SOMEBODY, as_user

pytestmark = [needs_root, pytest.mark.in_turn]


@pytest.fixture
def own(workdir: Path) -> Path:
    folder = workdir / "own"
    folder.mkdir()
    os.chown(folder, SOMEBODY, SOMEBODY)
    workdir.chmod(0o755)
    return folder


def test_a_source_that_is_read_only_is_cloned_and_what_is_lost_is_named(
    workdir: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = fill(workdir / "repo")
    (repo.root / "main" / "data" / "1.csv").chmod(0o644)
    repo.snapshot("readable", lock=True)
    before = {path: os.lstat(path).st_ctime_ns for path in repo.root.rglob("*")}
    at_home(own, monkeypatch)
    with as_user():
        made = Repository.clone(repo.root, own / "clone", only=[ids(repo)[0]])
        assert made.refused == []
        assert any("read-only for you" in line for line in made.degraded)
        assert any("owner or group not kept" in line for line in made.degraded)
        clone = Repository.open(own / "clone")
        found = clone.verify(every=True)
        assert found.ok
        assert clone.status().clean
        (clone.root / "main" / "new").write_text("new")
        clone.snapshot("work goes on", lock=True)
        assert clone.verify(every=True).ok
    assert {path: os.lstat(path).st_ctime_ns for path in repo.root.rglob("*")} == before


def test_a_user_clones_what_is_their_own(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(own, monkeypatch)
    with as_user():
        repo = fill(own / "repo")
        assert Repository.clone(repo.root, own / "clone").refused == []
        require_sound(Repository.open(own / "clone"))
        moved = Repository.clone(repo.root, own / "moved", same_id=True)
        assert moved.degraded == ()
        require_sound(Repository.open(own / "moved"))


def at_home(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the user's state lie in their own folder."""
    for name in ("state", "cache", "config"):
        monkeypatch.setenv(f"JVS_{name.upper()}_DIR", str(own / f".{name}"))
