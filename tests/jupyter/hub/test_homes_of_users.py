"""Homes of real users: root makes an empty folder, and all that is in it is made, read and removed as its user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import AlreadyExists, Repository
from jvs_jupyter.hub import all_homes, homes
from jvs_jupyter.hub.command import Refused, ask
from jvs_jupyter.hub.homes import find_home, make_home, remove
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.service import reading
from tests.jupyter.hub.conftest import make_team, open_folder
from tests.support.machine import Machine, SystemUser, machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")

ANN, BOB = SystemUser("ann", 23401), SystemUser("bob", 23402)
TEAM = 23400
PERSON = Person("ann", "", "7@2026-01-01")
HERS = Owner(ANN.uid, ANN.uid)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that everybody can pass to, with an empty one for homes."""
    with open_folder() as folder:
        (folder / "homes").mkdir(mode=0o711)
        monkeypatch.setenv("JVS_OWNERS_DIR", str(folder / "owners"))
        yield folder


@pytest.fixture
def there(place: Path) -> Iterator[Machine]:
    """Return a machine with Ann and Bob."""
    with machine(place, (ANN, BOB), team=TEAM) as made:
        yield made


@pytest.fixture
def templates(place: Path) -> Repository:
    """Return root's repository of templates, which everybody can read."""
    return make_team(place, engine=None)


def made_for(there: Machine, place: Path, templates: Repository, person: Person = PERSON) -> Path:
    """Make a home as the hub does."""
    return there.run(
        lambda: make_home(place / "homes", templates, person, template=None, owner=Owner.named(person.user))
    )


def owners(folder: Path) -> set[int]:
    """Return the users that own a folder and what is in it."""
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_all_of_a_home_is_made_by_its_user(
    there: Machine, place: Path, templates: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_args: Any, **_how: Any) -> None:
        raise AssertionError("root gives away or opens by path")

    for name in ("chown", "lchown", "chmod"):
        monkeypatch.setattr(os, name, forbidden)
    made = made_for(there, place, templates)
    monkeypatch.undo()
    assert owners(made) == {ANN.uid}
    assert made.stat().st_mode & 0o777 == 0o700
    assert (made / "main" / "data" / "a.csv").read_text() == "a,b\n1,2\n"
    record = json.loads(next((place / "homes" / ".people").iterdir()).read_text())
    head = templates.show("HEAD").descriptor
    assert record["template"] == {
        "snapshot_id": head.snapshot_id,
        "payload_root_hash": head.payload_root_hash.value,
    }
    assert sorted(path.name for path in (place / "homes").iterdir()) == [".people", made.name]


def test_a_template_that_users_cannot_read_is_told_and_leaves_nothing(
    there: Machine, place: Path, templates: Repository
) -> None:
    templates.root.chmod(0o700)
    with pytest.raises(Refused) as refused:
        made_for(there, place, templates)
    assert "read" in str(refused.value.hint)
    assert list((place / "homes").iterdir()) == []


def test_what_is_not_the_templates_content_is_no_home(
    there: Machine, place: Path, templates: Repository
) -> None:
    payload = Path(templates.show("HEAD").path)
    (payload / "notes.txt").chmod(0o644)
    (payload / "notes.txt").write_text("evil")
    with pytest.raises(Refused, match="differs from the snapshot of the template"):
        made_for(there, place, templates)
    assert list((place / "homes").iterdir()) == []


def test_what_was_roots_own_is_never_given_and_a_reset_makes_it_the_users(
    there: Machine, place: Path, templates: Repository
) -> None:
    listed = make_home(place / "homes", templates, Person("ann"), template=None, owner=None)
    (listed / "main" / "mine.txt").write_text("by hand")
    with pytest.raises(AlreadyExists) as refused:
        made_for(there, place, templates)
    assert "jvs hub reset" in str(refused.value.hint)
    (done,) = there.run(
        lambda: list(
            all_homes.reset(place / "homes", templates, [Person("ann")], template=None, dry_run=False)
        )
    )
    assert done.action == "reset", done
    assert owners(listed) == {ANN.uid}
    assert owners(place / "homes" / str(done.kept_as)) == {0}
    assert (place / "homes" / str(done.kept_as) / "main" / "mine.txt").read_text() == "by hand"
    assert made_for(there, place, templates) == place / "homes" / worktree_name(PERSON)


def test_a_link_in_the_place_of_what_was_made_is_no_home(place: Path) -> None:
    target = place / "homes" / "ann-0"
    site = place / "homes" / ".ann-0.site"
    site.mkdir()
    (site / target.name).symlink_to(place)
    with pytest.raises(AlreadyExists):
        homes._appear(site, target, HERS)
    assert not os.path.lexists(target)


def test_a_home_is_removed_as_its_user_whatever_is_in_it(place: Path, there: Machine) -> None:
    outside = place / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    gone = place / "homes" / "gone"
    (gone / "closed" / "inner").mkdir(parents=True)
    (gone / "closed" / "inner" / "file").touch()
    (gone / "link").symlink_to(outside)
    (gone / "closed" / "inner").chmod(0)
    (gone / "closed").chmod(0o500)
    for path in (gone, *gone.rglob("*")):
        os.chown(path, ANN.uid, ANN.uid, follow_symlinks=False)
    there.run(remove, gone)
    assert not gone.exists()
    assert (outside / "kept").exists()


def test_a_hostile_home_stops_nothing_for_anybody_else(
    there: Machine, place: Path, templates: Repository
) -> None:
    """Records that no command can read, links out of the home, an endless record: each is its own home's alone."""
    hers = made_for(there, place, templates)
    his = made_for(there, place, templates, Person("bob", "", "8@2026-01-01"))
    config = his / ".jvs" / "worktrees" / "main" / "config.json"
    for hostile in (b"[" * 200_000, b'{"labels": 7}', b"\x00"):
        config.unlink()
        config.write_bytes(hostile)
        for command in ("list", "report"):
            answer = jvs_hub(there, templates, command, "--homes", str(place / "homes"))
            assert [row["user"] for row in answer] == ["ann"], (command, hostile[:9])
    done = jvs_hub(there, templates, "provision", "--homes", str(place / "homes"), "--user", "ann")
    assert [one["action"] for one in done] == ["exists"]
    assert there.run(ask, hers, "worktree", "list")[0]["name"] == "main"
    assert find_home(place / "homes", Person("bob", "", "8@2026-01-01")) == his


def jvs_hub(there: Machine, repository: Repository, *arguments: str) -> Any:
    """Run ``jvs hub`` as root on the machine and return its JSON."""
    done = there.run(
        subprocess.run,
        [sys.executable, "-m", "jvs_core.cli", "--json", "--repo", str(repository.root), "hub", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_log_of_a_home_names_who_asked(there: Machine, place: Path, templates: Repository) -> None:
    asked = Repository(templates.root, settings=replace(templates.settings, user="head teacher"))
    made = made_for(there, place, asked)
    log = there.run(ask, made, "audit", "log")
    assert log[-1]["actor"].startswith("head teacher@")


def test_what_a_reset_put_aside_is_found_under_the_name_that_a_home_has_now(
    there: Machine, place: Path, templates: Repository
) -> None:
    home = made_for(there, place, templates)
    his = made_for(there, place, templates, Person("bob", "", "8@2026-01-01"))
    (home / "main" / "mine.txt").write_text("mine")
    (done,) = there.run(
        lambda: list(
            all_homes.reset(place / "homes", templates, [Person("ann")], template=None, dry_run=False)
        )
    )
    renamed = home.with_name(worktree_name(Person("ann")))
    os.rename(home, renamed)
    assert reading.aside(place / "homes", renamed.name) == [done.kept_as]
    assert reading.aside(place / "homes", his.name) == []
