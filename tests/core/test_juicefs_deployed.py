"""JuiceFS as it is deployed: metadata in Redis, objects in an S3 store, hosts that share nothing else."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.payload.engines.juicefs_clone import LATE_FILES
from tests.support.filesystems import juicefs_volume

pytestmark = pytest.mark.realfs
_PATIENCE_S = 60.0


def story(here: Path, there: Path) -> None:
    """Work in turn through two mounts of one volume; each finds what the other did."""
    one = Repository.init(here / "repo")
    main = one.root / "main"
    (main / "data").mkdir()
    for number in range(20):
        (main / "data" / f"{number}.csv").write_text(f"day,sales\n{number},10\n")
    first = one.snapshot("first", lock=True)
    assert first.engine == "juicefs-clone"
    two = Repository(there / "repo")
    assert [item.descriptor.snapshot_id for item in two.history()] == [first.snapshot_id]
    changed = two.root / "main" / "data" / "3.csv"
    changed.write_text("day,sales\n3,99\n")
    assert two.snapshot("second", lock=True).parent_snapshot_id == first.snapshot_id
    made = one.restore(first.snapshot_id, name="before")
    assert (Path(made.path) / "data" / "3.csv").read_text() == "day,sales\n3,10\n"
    two.restore_inplace(first.snapshot_id, reason="test", lock=True)
    assert one.status().clean
    one.undo(lock=True)
    assert two.status().clean
    assert changed.read_text() == "day,sales\n3,99\n"
    assert all(repository.verify(every=True).ok for repository in (one, two))


def test_two_hosts_with_redis(two_clients: tuple[Path, Path]) -> None:
    story(*two_clients)


def test_a_mount_that_remembers_what_was_not_there() -> None:
    with juicefs_volume(clients=1, mount=["--negative-entry-cache=60s"]) as volume:
        repository = Repository.init(volume.mount / "repo")
        (repository.root / "main" / "file").write_text("one")
        taken = repository.snapshot("first", lock=True)
        assert taken.engine == "juicefs-clone"
        made = repository.restore(taken.snapshot_id, name="back")
        assert (Path(made.path) / "file").read_text() == "one"
        for number in range(
            LATE_FILES + 1
        ):  # so many that the clone which was begun is given up, and another is made
            (repository.root / "main" / str(number)).touch()
        assert repository.snapshot("second", lock=True).files == LATE_FILES + 2
        assert repository.verify(every=True).ok


def test_objects_in_an_s3_store(s3: str) -> None:
    with juicefs_volume(metadata="redis", bucket=s3) as volume:
        assert volume.second_mount is not None
        story(volume.mount, volume.second_mount)


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    """Run an S3 store on this machine for a test and yield the address of its bucket."""
    server = shutil.which("moto_server", path=str(Path(sys.executable).parent))
    assert server is not None
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "s3.log").open("wb") as log:
        process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/jvs-objects"
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "s3.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()
