"""One file out of a snapshot: what is read is what the manifest says, or an error."""

from __future__ import annotations

import errno
import io
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed, PathNotFound, PayloadHashMismatch, SnapshotExpired
from jvs_core.operations import stored
from jvs_core.payload.check import checked_file
from jvs_core.payload.check.checked_file import Digests
from jvs_core.payload.tree.content import hash_fd
from tests.support.damage import DAMAGES, overwrite, payload_file, rot, rot_below

LARGE = bytes(range(256)) * 10_000
SMALL = b"what was stored"


@pytest.fixture(autouse=True)
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Begin with nothing remembered, take every state for a settled one; return the sizes of files read for a part."""
    sizes: list[int] = []

    def noted(fd: int, size: int) -> bytes:
        sizes.append(size)
        return hash_fd(fd, size)

    monkeypatch.setattr(checked_file, "DIGESTS", Digests())
    monkeypatch.setattr(checked_file, "SETTLED_NS", -(10**18))
    monkeypatch.setattr(checked_file, "hash_fd", noted)
    return sizes


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return filled(tmp_path / "repo")


def filled(root: Path) -> Repository:
    """Return a repository with one snapshot."""
    repo = Repository.init(root, engine="copy")
    main = repo.root / "main" / "data"
    main.mkdir()
    (main / "large").write_bytes(LARGE)
    (main / "small").write_bytes(SMALL)
    (main / "empty").touch()
    repo.snapshot(lock=True)
    return repo


@pytest.fixture
def in_memory() -> Iterator[Repository]:
    folder = Path(mkdtemp(dir="/dev/shm"))
    try:
        yield filled(folder / "repo")
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("name", "content"), [("large", LARGE), ("small", SMALL), ("empty", b"")], ids=["large", "small", "empty"]
)
def test_a_sound_file_is_read_in_any_way(repo: Repository, name: str, content: bytes) -> None:
    with repo.open_file("HEAD", f"data/{name}") as file:
        assert (file.read(), file.read(), file.read(5)) == (content, b"", b"")
        assert file.size == len(content)
    with repo.open_file("HEAD", f"data/{name}") as file:
        assert b"".join(iter(lambda: file.read(100_000), b"")) == content
        assert file.seek(0) == 0
        assert list(file) == list(io.BytesIO(content))
    with repo.open_file("HEAD", f"data/{name}") as file:
        assert file.seek(0, os.SEEK_END) == len(content)
        assert file.seek(3) == 3
        assert file.read() == content[3:]
        assert file.seek(len(content) + 10) == len(content) + 10
        assert file.read() == b""
    with repo.open_file("HEAD", f"data/{name}") as file, pytest.raises(io.UnsupportedOperation):
        file.fileno()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["large", "small"])
def test_damage_is_an_error_that_names_file_and_snapshot(repo: Repository, damage: str, name: str) -> None:
    snapshot_id = repo.resolve("HEAD")
    DAMAGES[damage](payload_file(repo, "HEAD", f"data/{name}"))
    for read in (whole, part):
        with pytest.raises(PayloadHashMismatch, match=f"{snapshot_id}.*data/{name}") as raised:
            read(repo, f"data/{name}")
        assert raised.value.hint == f"jvs verify {snapshot_id}"


def whole(repo: Repository, path: str) -> bytes:
    """Read a file to its end."""
    with repo.open_file("HEAD", path) as file:
        return file.read()


def part(repo: Repository, path: str) -> bytes:
    """Read the beginning of a file."""
    with repo.open_file("HEAD", path) as file:
        file.check()
        return file.read(1)


def test_an_empty_file_that_has_grown_is_damaged(repo: Repository) -> None:
    overwrite(payload_file(repo, "HEAD", "data/empty"), b"x")
    with pytest.raises(PayloadHashMismatch):
        repo.open_file("HEAD", "data/empty")


def test_the_last_piece_of_a_damaged_file_is_never_given(repo: Repository) -> None:
    rot(payload_file(repo, "HEAD", "data/large"))
    given: list[bytes] = []
    with repo.open_file("HEAD", "data/large") as file:
        with pytest.raises(PayloadHashMismatch):
            given.extend(iter(lambda: file.read(4096), b""))
        assert len(LARGE) - (1 << 20) <= sum(map(len, given)) < len(LARGE)
        with pytest.raises(PayloadHashMismatch):
            file.read(4096)


def test_a_file_that_was_found_damaged_gives_nothing_the_next_time(repo: Repository) -> None:
    rot(payload_file(repo, "HEAD", "data/large"))
    with repo.open_file("HEAD", "data/large") as file, pytest.raises(PayloadHashMismatch):
        file.read()
    with repo.open_file("HEAD", "data/large") as file, pytest.raises(PayloadHashMismatch):
        file.read(1)
    rot(payload_file(repo, "HEAD", "data/large"))
    with repo.open_file("HEAD", "data/large") as file:
        assert file.read() == LARGE


def test_damage_while_a_file_is_read_is_found(repo: Repository) -> None:
    path = payload_file(repo, "HEAD", "data/large")
    with repo.open_file("HEAD", "data/large") as file:
        assert file.read(10) == LARGE[:10]
        rot(path, at=len(LARGE) - 1)
        with pytest.raises(PayloadHashMismatch):
            file.read()
    rot(path, at=len(LARGE) - 1)
    with repo.open_file("HEAD", "data/large") as file:
        assert file.read(10) == LARGE[:10]
        os.truncate(path, 2_000_000)
        with pytest.raises(PayloadHashMismatch):
            file.read()


def test_parts_are_given_after_one_reading_of_the_whole(repo: Repository, hashed: list[int]) -> None:
    for start in (5, 2_000_000, 0):
        with repo.open_file("HEAD", "data/large") as file:
            file.check()
            file.seek(start)
            assert file.read(100) == LARGE[start : start + 100]
    assert hashed == [len(LARGE)]


def test_reading_a_file_whole_counts_for_its_parts(repo: Repository, hashed: list[int]) -> None:
    with repo.open_file("HEAD", "data/large") as file:
        file.read()
        file.seek(7)
        assert file.read(1) == LARGE[7:8]
    with repo.open_file("HEAD", "data/large") as file:
        file.seek(7)
        assert file.read(1) == LARGE[7:8]
    assert hashed == []


def test_an_inode_that_changed_is_read_again(repo: Repository, hashed: list[int]) -> None:
    path = payload_file(repo, "HEAD", "data/large")
    with repo.open_file("HEAD", "data/large") as file:
        file.seek(9)
        assert file.read(1) == LARGE[9:10]
        time.sleep(0.02)
        rot(path)
        with pytest.raises(PayloadHashMismatch):
            file.seek(2_000_000)
    with repo.open_file("HEAD", "data/large") as file, pytest.raises(PayloadHashMismatch):
        file.seek(9)
    rot(path)
    with repo.open_file("HEAD", "data/large") as file:
        assert file.seek(9) == 9
    path.with_name("copy").write_bytes(LARGE)
    path.with_name("copy").rename(path)
    with repo.open_file("HEAD", "data/large") as file:
        assert file.seek(9) == 9
    assert len(hashed) == 5


def test_rot_that_no_inode_shows_is_found_by_the_next_whole_reading(in_memory: Repository) -> None:
    payload_file(in_memory, "HEAD", "data/large").chmod(0o644)
    with in_memory.open_file("HEAD", "data/large") as file:
        file.seek(9)
        assert file.read(1) == LARGE[9:10]
    rot_below(payload_file(in_memory, "HEAD", "data/large"))
    with in_memory.open_file("HEAD", "data/large") as file:
        file.seek(9)
        assert file.read(1) == LARGE[9:10]
    with in_memory.open_file("HEAD", "data/large") as file, pytest.raises(PayloadHashMismatch):
        file.read()
    with in_memory.open_file("HEAD", "data/large") as file, pytest.raises(PayloadHashMismatch):
        file.seek(9)


def test_a_state_that_has_not_settled_is_not_remembered(
    repo: Repository, hashed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_file, "SETTLED_NS", 10**18)
    for _ in range(2):
        with repo.open_file("HEAD", "data/large") as file:
            file.check()
            file.check()
    assert hashed == [len(LARGE)] * 2


def test_what_is_remembered_is_bounded() -> None:
    digests = Digests(2)
    for number in (1, 2):
        digests.put((0, number, 0, 0, 0), b"%d" % number)
    assert digests.get((0, 1, 0, 0, 0)) == b"1"
    digests.put((0, 3, 0, 0, 0), b"3")
    assert [digests.get((0, number, 0, 0, 0)) for number in (1, 2, 3)] == [b"1", None, b"3"]


def test_a_device_that_fails_is_no_damage(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with repo.open_file("HEAD", "data/large") as file:
        monkeypatch.setattr(os, "preadv", failing)
        with pytest.raises(EngineFailed, match="data/large"):
            file.read()
        with pytest.raises(EngineFailed, match="data/large"):
            file.check()


def test_what_is_no_file_in_the_manifest_is_not_opened(repo: Repository) -> None:
    with pytest.raises(PathNotFound):
        repo.open_file("HEAD", "data")


def removed(repo: Repository) -> str:
    """Take a snapshot more and let gc remove the first; return its id."""
    first = repo.resolve("HEAD")
    (repo.root / "main" / "more").touch()
    repo.snapshot(lock=True)
    plan = repo.gc.plan(keep_last=1)
    assert repo.gc.run(plan.plan_id).deleted == [first]
    return first


def test_a_file_that_is_open_outlives_gc(repo: Repository) -> None:
    with repo.open_file("HEAD", "data/large") as whole, repo.open_file("HEAD", "data/large") as part:
        whole.read(10)
        part.seek(10)
        first = removed(repo)
        assert whole.read() == LARGE[10:]
        assert part.read() == LARGE[10:]
    with pytest.raises(SnapshotExpired):
        repo.open_file(first, "data/large")


def test_a_snapshot_that_gc_takes_away_meanwhile_is_not_called_damaged(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = stored.look

    def slow(*args: object) -> stored.Stored:
        found = look(*args)  # type: ignore[arg-type]
        monkeypatch.setattr(stored, "look", look)
        removed(repo)
        return found

    monkeypatch.setattr(stored, "look", slow)
    with pytest.raises(SnapshotExpired):
        repo.open_file("HEAD", "data/large")
