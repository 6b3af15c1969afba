"""Several processes do what one does: all of it once, with the failures of whichever fails, and none stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from jvs_core.errors import EngineFailed, NoSpace
from jvs_core.payload import manifest
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.changes.reading import read
from jvs_core.payload.copy.captured import Capture, CaptureRequest, PreviousSnapshot
from jvs_core.payload.engines import plain_copy
from jvs_core.payload.manifest.lines import encode
from jvs_core.payload.tree.walk import scan
from jvs_core.payload.work import helpers, pool
from tests.core.payload.jobs import Echo, Squares
from tests.support.metadata import metadata_of

ROOT = Path(__file__).parents[3]
BATCHES = [list(range(start, start + 10)) for start in range(0, 1000, 10)]


def children() -> set[int]:
    """Return the workers that this process started and that still run or wait to be buried."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread or process that ends meanwhile
            for pid in (task / "children").read_text().split():
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                if b"worker" in line or not line:
                    found.add(int(pid))
    return found


@pytest.fixture(autouse=True)
def none_stays() -> Iterator[None]:
    """Make sure that a test leaves no process behind."""
    before = children()
    yield
    assert children() <= before


def squared(job: Squares, *, count: int, here: bool = True) -> tuple[list[int], set[int]]:
    """Run the job; return the squares, sorted, and the processes that worked."""
    found: list[int] = []
    workers = set()

    def done(batch: list[int], answer: tuple[int, list[int]]) -> None:
        assert answer[1] == [number**2 for number in batch]
        found.extend(answer[1])
        workers.add(answer[0])

    pool.run(job, iter(BATCHES), count=count, done=done, here=here)
    return sorted(found), workers


@pytest.mark.parametrize(("count", "here"), [(1, True), (1, False), (3, True), (3, False)])
def test_every_batch_is_done_once(count: int, here: bool) -> None:
    found, workers = squared(Squares(), count=count, here=here)
    assert found == [number**2 for number in range(1000)]
    assert workers == {os.getpid()} if count == 1 else workers
    if count > 1 and not here:
        assert os.getpid() not in workers


@pytest.mark.parametrize("here", [True, False])
def test_a_failure_is_raised_as_it_was_raised_there(here: bool) -> None:
    with pytest.raises(NoSpace) as raised:
        squared(Squares(fail_at=500), count=3, here=here)
    assert raised.value.facts == {"path": "here"}


def test_a_process_that_is_killed_is_an_error_and_no_result() -> None:
    with pytest.raises(EngineFailed, match="ended early"):
        squared(Squares(kill_at=500, caller=os.getpid()), count=3, here=False)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_work_of_a_dead_process_goes_no_further(tmp_path: Path, number: signal.Signals) -> None:
    program = f"pool.run(Lingers({str(tmp_path)!r}), iter([0]), count=2, done=print, here=False)"
    imports = "from jvs_core.payload.work import pool; from tests.core.payload.jobs import Lingers"
    parent = subprocess.Popen([sys.executable, "-c", f"{imports}; {program}"], cwd=ROOT)
    while not (pids := [int(path.name) for path in tmp_path.iterdir()]):
        assert parent.poll() is None
        time.sleep(0.01)
    parent.send_signal(number)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_without_another_process_the_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise BlockingIOError

    monkeypatch.setattr(helpers, "spawn", refused)
    assert squared(Squares(), count=3, here=False)[1] == {os.getpid()}


def test_those_that_wait_are_taken_and_the_others_end() -> None:
    with pool.standby(10**6, here=False) as waiting:
        begun = [process.pid for process in waiting]
        pool.run(
            Squares(), iter(BATCHES), count=len(begun), done=lambda *_: None, waiting=waiting, here=False
        )
        assert not waiting
    with pool.standby(10**6) as unused:
        pass
    assert all(process.returncode is not None for process in unused)


def test_those_that_are_kept_do_the_next_work_too() -> None:
    workers: list[int] = []

    def done(batch: list[int], answer: tuple[int, list[int]]) -> None:
        workers.append(answer[0])

    with pool.standby(10**6, here=False) as waiting:
        begun = {process.pid for process in waiting}
        for _ in range(3):
            pool.run(Squares(), BATCHES, count=len(begun), done=done, waiting=waiting, here=False, keep=True)
            assert {process.pid for process in waiting} == begun
    assert set(workers) <= begun
    assert len(workers) == 3 * len(BATCHES)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pipe", [1 << 20, 4096])
def test_batches_and_answers_that_no_pipe_holds_come_through(
    monkeypatch: pytest.MonkeyPatch, pipe: int
) -> None:
    monkeypatch.setattr(helpers, "_PIPE_BYTES", pipe)
    batches = [bytes([number]) * size for number, size in enumerate([3 << 20, 700_000, 10, 50_000] * 8)]
    found: list[bytes] = []
    pool.run(Echo(), batches, count=2, done=lambda batch, answer: found.append(answer[1]), here=False)
    assert sorted(found) == sorted(batches)


def test_a_snapshot_made_by_several_is_that_made_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    for number in range(300):
        path = tree / f"d{number % 5}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(100))
    (tree / "d0" / "again").hardlink_to(tree / "d1" / "f1")
    (tree / "link").symlink_to("d0")
    os.mkfifo(tree / "pipe")

    def captured(name: str, previous: tuple[str, Capture] | None) -> Capture:
        lines = encode(previous[1].entries) if previous else []
        before = (
            PreviousSnapshot(tmp_path / previous[0], len(lines), lambda: iter(lines)) if previous else None
        )
        index = StatIndex(tmp_path / f"index-{name[:4]}")
        return plain_copy.ENGINE.capture(CaptureRequest(tree, tmp_path / name, index, before))

    first = captured("one-1", None)
    monkeypatch.setattr(pool, "WORTH_FILES", 2)
    again = captured("many1", None)
    assert list(again.entries) == list(first.entries)
    (tree / "d2" / "f2").write_text("changed")
    monkeypatch.setattr(pool, "WORTH_FILES", 10**9)
    second = captured("one-2", ("one-1", first))
    monkeypatch.setattr(pool, "WORTH_FILES", 2)
    later = captured("many2", ("many1", again))
    assert list(later.entries) == list(second.entries)
    assert manifest.root_hash(later.entries) == manifest.root_hash(second.entries)
    for one, many in (("one-1", "many1"), ("one-2", "many2")):
        assert metadata_of(tmp_path / one) == metadata_of(tmp_path / many)
    assert (tmp_path / "many2" / "d3" / "f3").stat().st_nlink == 2
    found = scan(tree)
    positions = [position for position, entry in enumerate(found.entries) if entry.kind == "f"]
    assert [digests and digests.sha256 for digests in read(found, positions)] == [
        second.entries[position].sha256 for position in positions
    ]
