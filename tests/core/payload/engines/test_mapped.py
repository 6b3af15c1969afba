"""Files that a program changes through a mapping: while a page waits to be written back, no time moves."""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from jvs_core.errors import ConsistencyUnavailable
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.engines import select
from jvs_core.payload.tree.content import hash_fd
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.walk import scan
from jvs_core.progress import Silent
from tests.core.payload.engines.conftest import PAIRS, Bench
from tests.core.payload.engines.test_contract import describes
from tests.support.filesystems import Unavailable, memory_at

PAGE = mmap.PAGESIZE
# The server of a FUSE file system hears of a store when the page is written back, a second late.
LOCAL = [pair for pair in PAIRS if pair[0] != "juicefs"]
local = pytest.mark.parametrize("pair", LOCAL, ids=["-on-".join(reversed(pair)) for pair in LOCAL])


def let_the_clock_tick() -> None:
    """Wait until what was done before is older than what is done now, by the kernel's clock."""
    time.sleep(0.03)


class Mapped:
    """A file of two pages in a worktree, with a store that waits to be written back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("w+b")
        self.file.write(b"A" * 2 * PAGE)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.memory = mmap.mmap(self.file.fileno(), 2 * PAGE)
        self.store(b"B")
        let_the_clock_tick()

    def store(self, letter: bytes) -> None:
        self.memory[:4] = letter * 4

    def digest(self) -> bytes:
        return sha256(self.path.read_bytes()).digest()


@contextmanager
def mapped(path: Path) -> Iterator[Mapped]:
    """Yield a mapped file; it is closed in the end."""
    file = Mapped(path)
    try:
        yield file
    finally:
        file.memory.close()
        file.file.close()


def look(bench: Bench, source: Path, *, with_attributes: bool = True) -> dict[bytes, Entry]:
    found = describe(source, bench.index(), clock_folder=bench.folder, with_attributes=with_attributes)
    return {entry.path: entry for entry in found.entries}


@local
@pytest.mark.parametrize("with_attributes", [True, False])
def test_a_store_after_a_look_is_seen_by_the_next(bench: Bench, with_attributes: bool) -> None:
    source = bench.worktree()
    with mapped(source / "a.bin") as file:
        for letter in (b"C", b"D", b"E"):
            seen = look(bench, source, with_attributes=with_attributes)[b"a.bin"]
            assert seen.sha256 == file.digest()
            file.store(letter)


@local
def test_a_store_after_a_look_is_in_the_capture_and_in_the_next(bench: Bench) -> None:
    source = bench.worktree()
    (source / "other.txt").write_text("other")
    with mapped(source / "a.bin") as file:
        look(bench, source)
        file.store(b"C")
        one = bench.capture(source)
        describes(one, bench.folder / "one")
        assert (bench.folder / "one" / "a.bin").read_bytes()[:4] == b"CCCC"
        file.store(b"D")
        two = bench.capture(source, "two", previous=bench.previous(one))
        describes(two, bench.folder / "two")
        assert (bench.folder / "two" / "a.bin").read_bytes()[:4] == b"DDDD"


class Storing(Silent):
    """Does something each time a step begins that reads or copies files."""

    def __init__(self, act: Callable[[bytes], None]) -> None:
        self.act, self.count = act, 0

    def started(self, step: str, total: int | None = None) -> None:
        if step in ("hash", "clone"):
            self.count += 1
            self.act(b"%c" % (96 + self.count))


@local
def test_a_program_that_goes_on_storing_is_refused_by_name(bench: Bench) -> None:
    source = bench.worktree()
    with mapped(source / "a.bin") as file, pytest.raises(ConsistencyUnavailable, match=r"a\.bin"):
        bench.capture(source, progress=Storing(file.store))


@local
def test_a_program_that_goes_on_storing_is_captured_as_it_was_and_named(bench: Bench) -> None:
    source = bench.worktree()
    with mapped(source / "a.bin") as file:
        capture = bench.capture(source, consistency="best_effort", progress=Storing(file.store))
        assert list(capture.changed_meanwhile) == [b"a.bin"]
        describes(capture, bench.folder / "one")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system that lies in memory."""
    try:
        with memory_at(tmp_path):
            yield tmp_path
    except Unavailable as reason:
        pytest.skip(str(reason))


def test_in_memory_every_look_reads_everything(memory: Path) -> None:
    bench = Bench(select.choose("copy", memory), memory, "tmpfs")
    source = bench.worktree()
    with mapped(source / "a.bin") as file:
        look(bench, source)
        file.store(b"C")
        assert look(bench, source)[b"a.bin"].sha256 == file.digest()
        assert not any(bench.index().recall(scan(source)).digests)


def test_in_memory_a_program_that_goes_on_storing_is_refused_by_name(memory: Path) -> None:
    bench = Bench(select.choose("copy", memory), memory, "tmpfs")
    source = bench.worktree()

    class Copying(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            if step == "clone":
                file.store(b"C" if file.memory[:1] == b"B" else b"B")

    with mapped(source / "a.bin") as file, pytest.raises(ConsistencyUnavailable, match=r"a\.bin"):
        bench.capture(source, progress=Copying())


@local
def test_a_file_on_a_mount_inside_is_never_remembered(bench: Bench) -> None:
    source = bench.worktree()
    (source / "inner").mkdir()
    (source / "a.txt").write_text("a")
    with memory_at(source / "inner"):
        (source / "inner" / "b.txt").write_text("b")
        let_the_clock_tick()
        look(bench, source)
        found = scan(source)
        digests = bench.index().recall(found).digests
        known = {e.path for e, d in zip(found.entries, digests, strict=True) if d is not None}
        assert known == {b"a.txt"}


def test_a_write_under_way_is_waited_for(loop_workdir: Path) -> None:
    size = 192 << 20
    path = loop_workdir / "large.bin"
    path.write_bytes(b"A" * size)
    new = b"B" * size
    with path.open("r+b") as file:
        before = os.fstat(file.fileno()).st_ctime_ns
        writer = threading.Thread(target=os.pwrite, args=(file.fileno(), new, 0))
        writer.start()
        while os.fstat(file.fileno()).st_ctime_ns == before:
            pass
        assert hash_fd(file.fileno(), size) == sha256(new).digest()
        writer.join()
