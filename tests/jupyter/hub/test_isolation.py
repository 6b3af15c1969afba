"""Walls between people: what another system user can reach, and what the mode of a shared repository allows."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import AlreadyExists, Repository
from jvs_jupyter.hub import lifecycle
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.ownership import Owner, hand_over
from jvs_jupyter.hub.provision import by_name, provide
from jvs_jupyter.hub.user_session import UserSession
from tests.jupyter.hub.conftest import make_team, open_folder
from tests.jupyter.hub.hub import EXAMPLE
from tests.support.machine import Machine, SystemUser, machine
from tests.support.users import as_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")

GUIDE = EXAMPLE.with_name("jupyterhub.md")
GROUP = 23400
ANN, BOB = Owner(23401, GROUP), Owner(23402, GROUP)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that everybody can reach and the group may write to."""
    with open_folder() as folder:
        monkeypatch.setenv("JVS_OWNERS_DIR", str(folder / "owners"))
        os.chown(folder, 0, GROUP)
        folder.chmod(0o2775)
        yield folder


@pytest.fixture
def there(place: Path) -> Iterator[Machine]:
    """Return a machine with Ann and Bob, who can run JVS and reach ``place``."""
    with machine(place, (SystemUser("ann", ANN.uid), SystemUser("bob", BOB.uid)), team=GROUP) as made:
        yield made


@pytest.fixture
def shared(place: Path) -> Repository:
    """Return a repository that the group works in."""
    return make_team(place, shared=True)


def test_each_owns_a_worktree_that_the_other_cannot_enter(
    shared: Repository, place: Path, there: Machine
) -> None:
    mine = there.run(provide, shared, Person("ann"), template="template-1", owner=ANN)
    yours = there.run(provide, shared, Person("bob"), template="template-1", owner=BOB)
    assert mine.path is not None
    assert yours.path is not None
    assert {path.stat().st_uid for path in [mine.path, *mine.path.rglob("*")]} == {ANN.uid}
    home = place / "ann"
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
    assert there.run(provide, shared, Person("ann"), template="template-1", owner=ANN).action == "exists"


def test_a_lock_is_taken_with_the_rights_of_the_user(shared: Repository, place: Path, there: Machine) -> None:
    provided = there.run(provide, shared, Person("ann"), template="template-1", owner=ANN)
    assert provided.worktree is not None
    worktree = provided.worktree
    session = UserSession(Person("ann"), shared.root, place / "private", ANN, (GROUP,))
    session.prepare()
    taken = there.run(lambda: asyncio.run(session.take(worktree)))
    assert taken["holder_id"].startswith("ann@")
    assert there.run(lambda: asyncio.run(session.give_back(worktree)))
    assert (session.folder.stat().st_uid, session.folder.stat().st_mode & 0o777) == (ANN.uid, 0o700)
    trap = session.folder / "sessions"
    shutil.rmtree(trap)
    target = place / "roots-own"
    target.mkdir(mode=0o700)
    trap.symlink_to(target)
    with pytest.raises(Refused):
        there.run(lambda: asyncio.run(session.take(worktree)))
    assert list(target.iterdir()) == []


HELD = """
import ctypes, json, os, stat
dies_with = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(dies_with), 0, 0, 0)
print(json.dumps({
    "uid": os.getuid(),
    "session": os.getsid(0) == os.getpid(),
    "terminal": open("/proc/self/stat").read().rpartition(")")[2].split()[4],
    "pipes": [stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in (0, 1, 2)],
    "fds": [fd for fd in range(3, 100) if os.path.exists(f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}") != "/proc/self/stat"],
    "folder": os.getcwd(),
    "dies_with": dies_with.value,
}))
"""


def test_a_command_of_a_user_holds_nothing_of_the_hub_s(
    shared: Repository, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = UserSession(Person("ann"), shared.root, place / "private", ANN, (GROUP,))
    monkeypatch.setattr("jvs_jupyter.hub.user_session.words", lambda *_, **__: [sys.executable, "-c", HELD])
    home = place / "home-of-ann"
    home.mkdir()
    os.chown(home, ANN.uid, GROUP)
    secret = os.open(home, os.O_RDONLY)
    os.set_inheritable(secret, True)
    with machine(place, (SystemUser("ann", ANN.uid),), team=GROUP) as with_ann:
        found = with_ann.run(lambda: asyncio.run(session.run("main")))
    os.close(secret)
    assert found == {
        "uid": ANN.uid,
        "session": True,
        "terminal": "0",
        "pipes": [False, True, True],
        "fds": [],
        "folder": "/",
        "dies_with": signal.SIGKILL,
    }


def test_a_folder_for_the_lock_that_was_not_given_yet_is_given(tmp_path: Path) -> None:
    session = UserSession(Person("ann"), tmp_path / "team", tmp_path / "private", ANN, (GROUP,))
    session.folder.mkdir(parents=True)
    (tmp_path / "private").chmod(0o700)
    session.prepare()
    assert (session.folder.stat().st_uid, session.folder.stat().st_mode & 0o777) == (ANN.uid, 0o700)
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o711


def test_who_is_reset_owns_the_fresh_worktree_too(shared: Repository, there: Machine) -> None:
    mine = there.run(provide, shared, Person("ann"), template="template-1", owner=ANN)
    assert mine.path is not None
    (mine.path / "mine.txt").write_text("mine")
    done = there.run(
        lifecycle.reset, shared, Person("ann"), by_name(shared)["ann", ""], template="template-1"
    )
    assert done.kept_as is not None
    old = shared.worktrees.path(done.kept_as)
    for folder in (mine.path, old):
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (ANN.uid, 0o700)
    assert not (mine.path / "mine.txt").exists()


def test_root_gives_nothing_but_an_empty_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("root's")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    with pytest.raises(AlreadyExists, match="contains something"):
        hand_over(folder, ANN)
    assert outside.stat().st_uid == folder.stat().st_uid == (folder / "link").lstat().st_uid == 0
    (folder / "link").unlink()
    hand_over(folder, ANN)
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (ANN.uid, 0o700)
    (tmp_path / "way").symlink_to(folder)
    with pytest.raises(OSError, match="way"):
        hand_over(tmp_path / "way", ANN)


def test_a_folder_that_somebody_else_put_in_its_place_is_not_given(
    shared: Repository, there: Machine
) -> None:
    mine = there.run(provide, shared, Person("ann"), template="template-1", owner=ANN)
    assert mine.path is not None
    shared.snapshot("second edition", lock=True)
    with as_user(BOB.uid, GROUP):
        for place in (mine.path, shared.root / "worktrees", shared.root / ".jvs", shared.root / "main"):
            with pytest.raises(PermissionError):
                place.rename(place.with_name("stolen"))
    mine.path.rename(mine.path.with_name("stolen"))
    mine.path.mkdir()
    (mine.path / "trap.py").touch()
    os.chown(mine.path, BOB.uid, GROUP)
    with pytest.raises(AlreadyExists, match="belongs to uid"):
        there.run(provide, shared, Person("ann"), template="template-1", owner=ANN)
    assert (mine.path / "trap.py").stat().st_uid == 0


def test_what_members_can_do_to_each_other_is_what_the_guide_says(
    shared: Repository, place: Path, there: Machine
) -> None:
    """Each row of its table: the first four that a colleague cannot do, the last four that they can; others can nothing."""
    rows = [
        line for line in GUIDE.read_text().splitlines() if line.endswith("| no |") or "closed to them" in line
    ]
    assert ["**yes**" in row for row in rows] == [False] * 4 + [True] * 4
    mine = there.run(provide, shared, Person("ann"), template="template-1", owner=ANN)
    folder, worktree = mine.path, mine.worktree
    assert folder is not None
    assert worktree is not None
    for owner, name in ((ANN, "ann"), (BOB, "bob")):
        (place / name).mkdir(mode=0o700)
        os.chown(place / name, owner.uid, GROUP)

    def opened(name: str) -> Repository:
        who = replace(
            shared.settings, user=name, session=name, state_dir=place / name, cache_dir=place / name / "c"
        )
        return Repository(shared.root, worktree=worktree, settings=who)

    with as_user(ANN.uid, GROUP):
        taken = opened("ann").snapshot("secret plan", lock=True).snapshot_id
    control, snapshot = shared.root / ".jvs", shared.root / ".jvs" / "snapshots" / taken
    with as_user(BOB.uid, GROUP):
        for impossible in (
            lambda: list(folder.iterdir()),
            (folder / "new").touch,
            lambda: folder.rename(folder.with_name("stolen")),
            (snapshot / "payload" / "notes.txt").read_text,
            lambda: (shared.root / "main" / "notes.txt").write_text("bob's"),
        ):
            with pytest.raises(PermissionError):
                impossible()
        assert "secret plan" in (control / "descriptors" / f"{taken}.json").read_text()
        assert "secret plan" in (control / "audit" / "audit.jsonl").read_text()
        team = opened("bob")
        team.locks.acquire(worktree)
        team.locks.release(worktree)
        team.refs.delete("template-1")
        team.refs.create("template-1", taken)
        snapshot.rename(snapshot.with_name("stolen"))
        snapshot.with_name("stolen").rename(snapshot)
        with (control / "audit" / "audit.jsonl").open("ab"):
            pass
    place.chmod(0o2750)
    with as_user(), pytest.raises(PermissionError):
        list(shared.root.iterdir())
