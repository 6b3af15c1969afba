"""A directory quota of JuiceFS: set on a worktree, and used up while one is made."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jupyterhub.spawner import SpawnException

from jvs_core import JvsError
from jvs_jupyter.hub import JvsSpawnerMixin
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.provision import provide
from jvs_jupyter.hub.quota import Quota
from jvs_jupyter.quotas import left, used_and_limit
from tests.jupyter.hub.conftest import make_team
from tests.support.filesystems import FileSystem, juicefs_volume


@pytest.fixture
def attentive(juicefs: FileSystem) -> Iterator[FileSystem]:
    """Return a volume whose client hears of a quota within a second; without one this is skipped."""
    with juicefs_volume(clients=1, heartbeat_s=1) as volume:
        yield volume


def test_a_quota_stops_a_user_and_one_that_is_used_up_stops_a_spawn(
    attentive: FileSystem, make_workdir: Callable[[FileSystem], Path]
) -> None:
    metadata = f"sqlite3://{attentive.meta}"
    team = make_team(make_workdir(attentive), engine=None)
    provided = provide(team, Person("ann"), template="template-1")
    assert provided.path is not None
    Quota(metadata=metadata, files=20).apply(provided.path)
    assert refused_at(provided.path) == errno.EDQUOT

    Quota(metadata=metadata, files=1).apply(team.root)  # less than there is
    deadline = time.monotonic() + 120
    number = 0
    while True:
        try:
            provide(team, Person(f"user{number}"), template="template-1")
        except JvsError as failure:
            code = failure.code
            break
        number += 1
        assert time.monotonic() < deadline, "the client never heard of the quota"
        time.sleep(0.2)
    assert code == "E_NO_SPACE"
    assert f"user{number}" not in "".join(team.worktrees.names())

    async def spawn() -> None:
        async def work() -> None:
            provide(team, Person("late"), template="template-1")

        await JvsSpawnerMixin()._jvs_guarded(work())

    with pytest.raises(SpawnException) as page:
        asyncio.run(spawn())
    assert page.value.status_code == 507
    Quota(metadata=metadata, files=1_000_000).apply(team.root)


def test_a_user_of_juicefs_sees_what_a_quota_leaves(
    attentive: FileSystem, make_workdir: Callable[[FileSystem], Path]
) -> None:
    folder = make_workdir(attentive)
    (folder / "main").mkdir()
    assert used_and_limit(folder / "main") is None
    quota = Quota(gib=1, metadata=f"sqlite3://{attentive.meta}")
    quota.apply(folder)
    deadline = time.monotonic() + 120
    while used_and_limit(folder / "main") is None:
        assert time.monotonic() < deadline, "the client never heard of the quota"
        time.sleep(0.2)
    (folder / "main" / "large").write_bytes(b"x" * (8 << 20))
    while (seen := used_and_limit(folder / "main") or (0, 0))[0] < 8 << 20:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
    assert seen[1] == 1 << 30
    assert left(folder / "main") == seen[1] - seen[0]
    replace(quota, gib=2).apply(folder)
    while (used_and_limit(folder / "main") or (0, 0))[1] != 2 << 30:
        assert time.monotonic() < deadline, "the client never heard of more"
        time.sleep(0.2)
    replace(quota, gib=0).apply(folder)
    while used_and_limit(folder / "main") is not None:
        assert time.monotonic() < deadline, "the client never heard of the end"
        time.sleep(0.2)


def test_a_file_system_without_quotas_is_named(juicefs: FileSystem, tmp_path: Path, ext4: FileSystem) -> None:
    with pytest.raises(JvsError, match="needs the address of its metadata engine"):
        Quota(gib=1).apply(juicefs.mount)
    with pytest.raises(JvsError, match="is on ext4"):
        Quota(gib=1).apply(ext4.mount / "lost+found")
    assert used_and_limit(tmp_path / "nothing") is None
    assert used_and_limit(ext4.mount) is None
    assert left(tmp_path / "nothing") is None


def refused_at(folder: Path) -> int | None:
    """Write small files until the file system refuses, and return why."""
    deadline = time.monotonic() + 120
    number = 0
    while time.monotonic() < deadline:
        try:
            (folder / f"{number}.txt").write_text("x")
        except OSError as error:
            return error.errno
        number += 1
        time.sleep(0.2)
    return None
