"""Walls between people: what another system user can reach, and what the mode of a shared repository allows."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import jvs_core
from jvs_core import Repository
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.ownership import Owner, give
from jvs_jupyter.hub.provision import provide
from jvs_jupyter.hub.seat import Refused, Seat
from tests.jupyter.hub.conftest import make_team
from tests.support.users import as_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")

GROUP = 23400
ANN, BOB = Owner(23401, GROUP), Owner(23402, GROUP)


@pytest.fixture
def shared(tmp_path: Path) -> Repository:
    """Return a repository that the group works in, in a place that everybody can reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    os.chown(tmp_path, 0, GROUP)
    tmp_path.chmod(0o2775)
    return make_team(tmp_path, shared=True)


def reachable() -> bool:
    """Return whether another user can run this interpreter and read JVS."""
    places = (Path(sys.executable), Path(sys.base_prefix), Path(jvs_core.__file__))
    real = [folder for place in places for folder in (*place.resolve().parents, *place.absolute().parents)]
    return all(folder.stat().st_mode & 0o001 for folder in real)


def test_each_owns_a_worktree_that_the_other_cannot_enter(shared: Repository, tmp_path: Path) -> None:
    mine = provide(shared, Person("ann"), template="template-1", owner=ANN)
    yours = provide(shared, Person("bob"), template="template-1", owner=BOB)
    assert mine.path is not None
    assert yours.path is not None
    assert {path.stat().st_uid for path in [mine.path, *mine.path.rglob("*")]} == {ANN.uid}
    home = tmp_path / "ann"
    home.mkdir()
    os.chown(home, ANN.uid, GROUP)
    with as_user(ANN.uid, GROUP):
        (mine.path / "notes.txt").write_text("ann's")
        with pytest.raises(PermissionError):
            list(yours.path.iterdir())
        with pytest.raises(PermissionError):
            (yours.path / "notes.txt").write_text("ann's")
        with pytest.raises(PermissionError):
            (shared.root / "main" / "notes.txt").write_text("ann's")
        own = replace(shared.settings, user="ann", session="s", state_dir=home, cache_dir=home / "cache")
        made = Repository(shared.root, worktree=str(mine.worktree), settings=own).snapshot("mine", lock=True)
    assert made.worktree == mine.worktree
    with as_user(BOB.uid, GROUP), pytest.raises(PermissionError):
        (Path(shared.show(made.snapshot_id).path) / "notes.txt").read_text()
    assert provide(shared, Person("ann"), template="template-1", owner=ANN).action == "exists"


@pytest.mark.skipif(not reachable(), reason="other users cannot run this interpreter")
def test_a_lock_is_taken_with_the_rights_of_the_user(shared: Repository, tmp_path: Path) -> None:
    provided = provide(shared, Person("ann"), template="template-1", owner=ANN)
    assert provided.worktree is not None
    seat = Seat(Person("ann"), shared.root, tmp_path / "seats", ANN, (GROUP,))
    seat.prepare()
    taken = asyncio.run(seat.take(provided.worktree))
    assert taken["holder_id"].startswith("ann@")
    assert asyncio.run(seat.give_back(provided.worktree))
    assert (seat.folder.stat().st_uid, seat.folder.stat().st_mode & 0o777) == (ANN.uid, 0o700)
    trap = seat.folder / "sessions"
    shutil.rmtree(trap)
    target = tmp_path / "roots-own"
    target.mkdir(mode=0o700)
    trap.symlink_to(target)
    with pytest.raises(Refused):
        asyncio.run(seat.take(provided.worktree))
    assert list(target.iterdir()) == []


def test_links_are_given_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("root's")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    give(folder, ANN)
    assert outside.stat().st_uid == 0
    assert (folder / "link").lstat().st_uid == ANN.uid
    assert folder.stat().st_mode & 0o777 == 0o700
