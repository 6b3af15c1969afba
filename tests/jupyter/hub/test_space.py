"""A full file system is no dead end: the server starts without its lock, and takes it when there is room again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jvs_core import JvsError, Repository
from jvs_jupyter.hub.homes import find_home
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.spawner_mixin import JvsSpawnerMixin
from tests.jupyter.hub.conftest import make_team
from tests.support.filesystems import memory_at

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root")

ANN = Person("ann", "", "7@2026-01-01")


class Plain:
    """As much of a spawner as a spawn needs."""

    name = ""
    notebook_dir = ""
    user = SimpleNamespace(name="ann")
    log = logging.getLogger("spawner")

    def get_env(self) -> dict[str, str]:
        """Return an environment with a variable of somebody else's."""
        return {"OTHER": "1"}

    async def run_pre_spawn_hook(self) -> None:
        """Do nothing more."""

    async def run_post_stop_hook(self) -> None:
        """Do nothing more."""


class Spawner(JvsSpawnerMixin, Plain):
    """A spawner of Ann's server."""

    def jvs_person(self) -> Person:
        return ANN


@pytest.fixture
def spawner(tmp_path: Path) -> Iterator[Spawner]:
    """Return a spawner whose homes lie on a small file system."""
    homes = tmp_path / "homes"
    homes.mkdir()
    with memory_at(homes):
        made = Spawner()
        made.jvs_repository = str(make_team(tmp_path, engine=None).root)
        made.jvs_homes = str(homes)
        made.jvs_state_dir = str(tmp_path / "state")
        yield made


@contextlib.contextmanager
def full(folder: Path) -> Iterator[Path]:
    """Fill the file system to the last byte; the file that does it is yielded."""
    filler = os.open(folder / "filler", os.O_CREAT | os.O_WRONLY)
    try:
        with contextlib.suppress(OSError):
            while True:
                os.write(filler, b"x" * 4096)
    finally:
        os.close(filler)
    yield folder / "filler"
    (folder / "filler").unlink(missing_ok=True)


def spawned(spawner: Any) -> None:
    """Do what the hub does before the server starts."""
    asyncio.run(spawner.run_pre_spawn_hook())


def test_a_server_starts_without_space_and_has_its_lock_when_there_is_some(
    spawner: Spawner, caplog: pytest.LogCaptureFixture
) -> None:
    spawned(spawner)
    homes = Path(spawner.jvs_homes)
    home = find_home(homes, ANN)
    assert home is not None
    asyncio.run(spawner.run_post_stop_hook())
    repo = Repository.open(home)
    with full(home / "main") as filler:
        spawner.notebook_dir = ""
        spawned(spawner)
        assert spawner.notebook_dir == str(home / "main")
        assert "starts without the lock" in caplog.text
        told = json.loads(spawner.get_env()["JVS_WITHOUT_LOCK"])
        assert (told["code"], set(told)) == ("E_NO_SPACE", {"code", "message", "hint"})
        assert repo.locks.status("main").state == "free"
        filler.unlink()
    caplog.clear()
    spawned(spawner)
    assert repo.locks.status("main").state == "held"
    assert "without the lock" not in caplog.text
    assert "JVS_WITHOUT_LOCK" not in spawner.get_env()
    assert spawner.get_env()["OTHER"] == "1"


def test_snapshots_can_be_dropped_where_there_is_no_space_left(spawner: Spawner) -> None:
    spawned(spawner)
    homes = Path(spawner.jvs_homes)
    asyncio.run(spawner.run_post_stop_hook())
    home = find_home(homes, ANN)
    assert home is not None
    repo = Repository.open(home)
    for number in range(3):
        (home / "main" / "big").write_bytes(os.urandom(1 << 19))
        repo.snapshot(str(number), lock=True)
    (home / "main" / "big").unlink()
    with full(home / "main"):
        with pytest.raises(JvsError) as refused:
            repo.snapshot("more", lock=True)
        assert refused.value.code == "E_NO_SPACE"
        done = repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
        assert len(done.deleted) == 2
        assert done.reclaimed_bytes > 1 << 19
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy
    assert (home / ".jvs" / "gc" / "reserve").stat().st_size == 1 << 20
