"""A quota on XFS: all of a home is of its user's project from the first file on; limits are xfs_quota's to set."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import JvsError, Repository
from jvs_jupyter.hub import xfs_quota
from jvs_jupyter.hub.command import ask
from jvs_jupyter.hub.homes import make_home, reset_home
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.quota import Quota
from jvs_jupyter.quotas import used_and_limit
from tests.jupyter.hub.conftest import make_team
from tests.jupyter.hub.test_homes_of_users import ANN, BOB, HERS, PERSON, TEAM
from tests.support.filesystems import FileSystem, loop_filesystem
from tests.support.machine import Machine, machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")


@pytest.fixture
def place(xfs: FileSystem, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an XFS of the test's own, without prjquota, with a folder for homes."""
    with loop_filesystem(xfs.kind) as own:
        (own.mount / "homes").mkdir(mode=0o711)
        monkeypatch.setenv("JVS_OWNERS_DIR", str(own.mount / "owners"))
        yield own.mount


@pytest.fixture
def there(place: Path) -> Iterator[Machine]:
    """Return a machine with Ann and Bob."""
    with machine(place, (ANN, BOB), team=TEAM) as made:
        yield made


@pytest.fixture
def templates(place: Path) -> Repository:
    """Return root's repository of templates."""
    return make_team(place, engine=None)


@pytest.fixture
def home(there: Machine, place: Path, templates: Repository) -> Path:
    """Return Ann's home, with a snapshot of hers."""
    made = there.run(lambda: make_home(place / "homes", templates, PERSON, template=None, owner=HERS))
    (made / "main" / "mine").mkdir()
    os.chown(made / "main" / "mine", ANN.uid, ANN.uid)
    there.run(ask, made, "snapshot", "mine", "--lock", owner=HERS)
    return made


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which an ``xfs_quota`` of the test's own notes what it is told."""
    said = tmp_path / "said"
    program = tmp_path / "bin" / "xfs_quota"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {said}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return said


def projects(folder: Path) -> set[int | None]:
    """Return the projects of all folders of a home."""
    return {xfs_quota.project(Path(here)) for here, _, _ in os.walk(folder)}


def files_project(file: Path) -> str:
    done = subprocess.run(
        ["xfs_io", "-r", "-c", "lsproj", str(file)], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_all_of_a_home_is_of_its_users_project(
    there: Machine, place: Path, templates: Repository, home: Path
) -> None:
    assert projects(home) == {ANN.uid}
    assert files_project(home / "main" / "notes.txt") == f"projid = {ANN.uid}"
    assert xfs_quota.project(place / "homes") is None
    assert there.run(ask, home, "verify", "--all")
    there.run(lambda: reset_home(place / "homes", templates, PERSON, home, template=None, owner=HERS))
    assert projects(home) == {ANN.uid}
    assert used_and_limit(home) is None


def test_a_file_system_without_project_quotas_refuses_in_words(home: Path) -> None:
    """As it is mounted here, on any kernel; also on one that has no quotas for XFS."""
    with pytest.raises(JvsError, match="cannot set limits") as refused:
        Quota(gib=1).apply(home, HERS)
    assert "prjquota" in str(refused.value.hint)


def test_limits_are_set_by_number(tool: Path, place: Path, home: Path) -> None:
    Quota(gib=2, files=1000).apply(home, HERS)
    Quota().apply(home, HERS)
    assert tool.read_text().split("|")[:-1] == [
        *("-x", "-c", f"limit -p bhard={2 << 30} ihard=1000 {ANN.uid}", str(place)),
        *("-x", "-c", f"limit -p bhard=0 ihard=0 {ANN.uid}", str(place)),
    ]


def test_a_home_of_another_project_is_told_before_anything_is_set(
    tool: Path, place: Path, templates: Repository, home: Path
) -> None:
    xfs_quota.join(home, 7)  # as its owner may
    with pytest.raises(JvsError, match=f"does not belong to the project {ANN.uid}"):
        Quota(gib=1).apply(home, HERS)
    listed = make_home(place / "homes", templates, Person("bob"), template=None, owner=None)
    with pytest.raises(JvsError, match="does not belong to the project"):
        Quota(gib=1).apply(listed, HERS)
    assert not tool.exists()


def test_without_the_tool_it_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as bare:
        bare.setattr(xfs_quota, "_TOOLS", "")
        bare.setenv("PATH", "")
        with pytest.raises(JvsError, match="the program xfs_quota"):
            Quota(gib=1).apply(home, HERS)
