"""A user whose quota is used up, on a real hub: starts, looks, drops snapshots, deletes, and has the lock again by itself."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jvs_jupyter.quotas import used_and_limit
from tests.conftest import Mounts
from tests.jupyter.hub.conftest import need_proxy
from tests.jupyter.hub.hub import Hub, running
from tests.jupyter.hub.kernel import kernel
from tests.jupyter.hub.test_real_users import ANN, BOB, CID, TEAM, set_up
from tests.support.filesystems import FileSystem, count_quotas, juicefs_volume, loop_filesystem
from tests.support.machine import machine

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="servers of other users need root"),
]

USER = CID.name
GIB = 1 << 30

QUOTA = """
from pathlib import Path

c.JvsSpawnerMixin.jvs_quota_gib = lambda spawner: int(Path({quota!r}).read_text())
c.JvsSpawnerMixin.jvs_quota_metadata = {metadata!r}
"""

FILL = """
import os
def fill():
    os.mkdir("small")
    large = os.open("large.bin", os.O_CREAT | os.O_WRONLY)
    step = 256 << 20
    at = 0
    while step >= 4096:
        try:
            os.posix_fallocate(large, at, step)
            at += step
        except OSError:
            step //= 2
    os.close(large)
    for number in range(100_000):
        try:
            with open(f"small/{number}", "wb") as file:
                file.write(os.urandom(2000))
                if number % 400 == 0:
                    os.fsync(file.fileno())
        except OSError as error:
            return type(error).__name__, error.errno
print(fill())
"""


@dataclass
class Full:
    """A hub whose users have a quota, which ``quota`` says in GiB, on one of the file systems."""

    hub: Hub
    quota: Path

    @property
    def home(self) -> Path:
        """The user's home."""
        (found,) = (path for path in self.hub.own.iterdir() if path.name.startswith("own-cid-"))
        return found

    def report(self) -> dict[str, Any]:
        """Return the user's row of what an admin sees."""
        (row,) = self.hub_command("report")
        assert isinstance(row, dict)
        return row

    def hub_command(self, *words: str) -> Any:
        """Run ``jvs hub`` as root on the machine."""
        assert self.hub.machine is not None
        command = [sys.executable, "-m", "jvs_core.cli", "--json", "--repo", str(self.hub.templates), "hub"]
        done = self.hub.machine.run(
            subprocess.run,
            [*command, words[0], "--homes", str(self.hub.own), *words[1:]],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "JVS_OWNERS_DIR": str(self.hub.owners)},
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return json.loads(done.stdout)


@contextlib.contextmanager
def with_quotas(kind: str) -> Iterator[FileSystem]:
    """Yield a file system of the test's own whose quotas are switched on."""
    if kind == "juicefs":
        with juicefs_volume(clients=1, heartbeat_s=1) as made:
            yield made
        return
    with loop_filesystem(kind, size=4 * GIB) as made:
        count_quotas(made)
        yield made


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.further) for kind in ("btrfs", "juicefs")])
def full(request: pytest.FixtureRequest, mounts: Mounts) -> Iterator[Full]:
    """Return a hub on it, set up as the guide says."""
    need_proxy()
    mounts.get(request.param)
    with with_quotas(request.param) as made:
        place = made.mount / "place"
        place.mkdir(mode=0o755)
        quota = place / "quota"
        quota.write_text("1")
        with machine(place, (ANN, BOB, CID), team=TEAM) as with_users:
            with_users.run(set_up, place)
            metadata = f"sqlite3://{made.meta}" if made.meta else ""
            more = QUOTA.format(quota=str(quota), metadata=metadata)
            hub = Hub(place / "srv" / "jvs", machine=with_users, home=place / "srv" / "hub", more=more)
            with running(hub) as started:
                started.add(USER)
                yield Full(started, quota)


def test_who_is_full_starts_looks_drops_and_deletes_and_more_counts_at_the_next_start(full: Full) -> None:
    hub = full.hub
    hub.spawn(USER)
    hub.until(lambda: used_and_limit(full.home / "main") is not None, "the quota is known")
    for note in ("one", "two"):
        (full.home / "main" / "data.bin").write_bytes(os.urandom(1 << 20))
        os.chown(full.home / "main" / "data.bin", CID.uid, CID.uid)
        operation = hub.done(USER, hub.jvs(USER, "POST", "snapshots", {"path": "", "note": note}))
        assert operation["state"] == "done", operation
    with kernel(hub, USER) as run:
        assert run(FILL) == "('OSError', 122)"
    hub.leave(USER)
    row = full.report()
    assert row["quota_bytes"] == GIB
    assert row["quota_used_bytes"] > 0.99 * GIB
    assert row["left_bytes"] < 0.01 * GIB

    hub.spawn(USER)
    assert f"JVS: {USER} starts without the lock of its worktree" in hub.log()
    workspace = hub.jvs(USER, "GET", "workspace?path=")
    assert workspace["head_snapshot_id"]
    with kernel(hub, USER) as run:
        told = json.loads(run("import os; print(os.environ['JVS_WITHOUT_LOCK'])"))
        assert told["code"] == "E_NO_SPACE"
        assert "data.bin" in run("print(os.listdir())")
        asked = hub.jvs(USER, "POST", "snapshots", {"path": "", "note": "more"})
        refused = hub.done(USER, asked)
        assert refused["state"] == "failed", refused
        (dropped,) = full.hub_command("gc", "--keep-last", "1")
        assert dropped["snapshots"] >= 1, dropped
        run("import shutil; os.remove('large.bin'); shutil.rmtree('small')")
        assert run("print(os.path.exists('large.bin'), os.path.exists('small'))") == "False False"
    hub.until(lambda: hub.jvs(USER, "GET", "workspace?path=")["lock"]["mine"], "the server has its lock")
    done = hub.done(USER, hub.jvs(USER, "POST", "snapshots", {"path": "", "note": "room again"}))
    assert done["state"] == "done", done

    full.quota.write_text("2")
    hub.leave(USER)
    hub.spawn(USER)
    hub.until(lambda: (used_and_limit(full.home / "main") or (0, 0))[1] == 2 * GIB, "more is known")
    with kernel(hub, USER) as run:
        assert run("import os; print(os.environ.get('JVS_WITHOUT_LOCK'))") == "None"
    full.hub_command("verify")
    full.hub_command("doctor")
