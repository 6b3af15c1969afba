"""Whose rights an admin's action has: those of the home's owner, never root's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from jvs_jupyter.hub.homes import make_home
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.ownership import Owner
from tests.jupyter.hub.conftest import make_team, open_folder
from tests.jupyter.hub.service.conftest import Served
from tests.jupyter.hub.service.test_service import Serve
from tests.support.machine import SystemUser, machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="homes of other users need root")

UID = 23401


@dataclass(frozen=True)
class Ann:
    """The service on a machine with Ann, her home, and the snapshot that it began with."""

    served: Served
    home: Path
    taken: str
    place: Path


@pytest.fixture
def ann(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ann]:
    with open_folder() as place, machine(place, (SystemUser("ann", UID),), team=23400) as there:
        monkeypatch.setattr("jvs_jupyter.hub.service.child._THREADS", ThreadPoolExecutor(2))
        team = make_team(place)
        (place / "homes").mkdir(mode=0o711)
        home = there.run(
            make_home, place / "homes", team, Person("ann"), template=None, owner=Owner(UID, UID)
        )
        (taken,) = [path.name for path in (home / ".jvs" / "snapshots").iterdir() if path.name[0].isdigit()]
        yield Ann(there.run(serve, team.root, place / "homes"), home, taken, place)


def test_what_is_put_back_restored_and_pinned_is_its_users(ann: Ann) -> None:
    (ann.home / "main" / "notes.txt").unlink()
    form = {"name": "ann", "worktree": "main", "snapshot": ann.taken}
    assert ann.served.do("put-back", **form, path="notes.txt") == "notes.txt is back in main."
    assert ann.served.do("restore", **form).startswith("Restored beside")
    ann.served.do("pin", **form)
    beside = f"main-restored-{ann.taken[-8:]}"
    assert {path.lstat().st_uid for path in [ann.home, *ann.home.rglob("*")]} == {UID}
    assert ann.served.do("remove", name="ann", worktree=beside) == f"{beside} is removed; its snapshots stay."


def test_a_link_in_the_way_leads_nowhere_that_is_roots(ann: Ann) -> None:
    roots = ann.place / "roots"
    roots.mkdir(mode=0o700)
    os.rename(ann.home / "main" / "data", ann.home / "main" / "gone")
    os.symlink(roots, ann.home / "main" / "data")
    form = {"name": "ann", "worktree": "main", "snapshot": ann.taken}
    assert ann.served.do("put-back", **form, path="data/a.csv").startswith("!Nothing was changed: ")
    assert list(roots.iterdir()) == []
