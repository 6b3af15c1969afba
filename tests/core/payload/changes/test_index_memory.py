"""The stat index looked into twice within one operation."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from jvs_core.payload.changes import hashing
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.changes.writeback_time import NEVER, WritebackTime
from jvs_core.payload.tree import attributes, content
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.tree.walk import Scan, scan


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("a", "b", "c"):
        (root / name).write_text(name)
    return root


def _described(tree: Path, index: StatIndex) -> Scan:
    return describe(tree, index, clock_folder=tree.parent, with_attributes=True)


def _described_but_for_attributes(tree: Path, index: StatIndex) -> Scan:
    return describe(tree, index, clock_folder=tree.parent, with_attributes=False)


def _settle(tree: Path) -> None:
    """Let the file system's clock tick, so that what was written before is old enough to be trusted."""
    probe = tree.parent / "probe"
    newest = max(os.stat(path).st_ctime_ns for path in tree.iterdir())
    while True:
        probe.write_text("")
        if os.stat(probe).st_ctime_ns > newest:
            return


def test_what_was_learned_is_known_without_the_file(tree: Path, tmp_path: Path) -> None:
    index = StatIndex(tmp_path / "index.sqlite")
    _settle(tree)
    first = _described(tree, index)
    index.forget()
    known = index.recall(scan(tree)).digests
    assert [digests and digests.sha256 for digests in known[1:]] == [e.sha256 for e in first.entries[1:]]


def test_a_file_changed_since_is_not_known_and_the_others_are(tree: Path, tmp_path: Path) -> None:
    index = StatIndex(tmp_path / "index.sqlite")
    _settle(tree)
    _described(tree, index)
    (tree / "b").write_text("B")
    known = index.recall(scan(tree)).digests
    assert [digests is not None for digests in known[1:]] == [True, False, True]
    assert _described(tree, index).entries[2].sha256 == sha256(b"B").digest()


def test_other_paths_are_looked_up_anew(tree: Path, tmp_path: Path) -> None:
    index = StatIndex(tmp_path / "index.sqlite")
    _settle(tree)
    _described(tree, index)
    (tree / "a").rename(tree / "d")
    found = scan(tree)
    known = index.recall(found).digests
    assert [
        (entry.path, digests is not None) for entry, digests in zip(found.entries[1:], known[1:], strict=True)
    ] == [(b"b", True), (b"c", True), (b"d", False)]


def test_a_file_as_young_as_the_clock_is_never_remembered(tree: Path, tmp_path: Path) -> None:
    index = StatIndex(tmp_path / "index.sqlite")
    found = scan(tree)
    recalled = index.recall(found)
    stamped = min(stamp.ctime_ns for stamp in found.stamps)
    described = _described(tree, StatIndex(None))
    writeback = WritebackTime(stamped, frozenset((found.stamps[0].dev,)))
    index.learn(described, described.entries, recalled, writeback)
    assert all(digests is None for digests in index.recall(scan(tree)).digests)


@pytest.mark.parametrize("remembering", [True, False], ids=["in memory", "from the file"])
def test_attributes_that_were_never_read_are_known_to_be_unknown(
    tree: Path, tmp_path: Path, remembering: bool
) -> None:
    os.setxattr(tree / "b", "user.colour", b"red")
    wanted = attributes.digest(attributes.read_xattrs(os.fsencode(tree / "b")))
    index = StatIndex(tmp_path / "index.sqlite")
    _settle(tree)
    _described_but_for_attributes(tree, index)
    if not remembering:
        index = StatIndex(tmp_path / "index.sqlite")
    known = index.recall(scan(tree))
    assert [digests and digests.xattrs for digests in known.digests[1:]] == [None] * 3
    assert all(digests is not None for digests in known.digests[1:])
    assert _described(tree, index).entries[2].xattrs == wanted
    again = StatIndex(tmp_path / "index.sqlite").recall(scan(tree))
    assert [digests and digests.xattrs for digests in again.digests[1:]] == [b"", wanted, b""]


def test_a_look_without_attributes_does_not_make_known_ones_unknown(tree: Path, tmp_path: Path) -> None:
    os.setxattr(tree / "b", "user.colour", b"red")
    index = StatIndex(tmp_path / "index.sqlite")
    _settle(tree)
    wanted = _described(tree, index).entries[2].xattrs
    _described_but_for_attributes(tree, StatIndex(tmp_path / "index.sqlite"))
    known = StatIndex(tmp_path / "index.sqlite").recall(scan(tree)).digests[2]
    assert wanted
    assert known is not None
    assert known.xattrs == wanted


def test_a_row_that_is_half_old_is_unknown(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    _settle(tree)
    _described(tree, StatIndex(path))
    with closing(sqlite3.connect(path)) as database:
        (row,) = database.execute("SELECT row FROM files WHERE path = ?", (b"b",)).fetchone()
        torn = row[:50] + bytes([row[50] ^ 1]) + row[51:]
        database.execute("UPDATE files SET row = ? WHERE path = ?", (torn, b"b"))
        database.commit()
    known = StatIndex(path).recall(scan(tree)).digests
    assert [digests is not None for digests in known[1:]] == [True, False, True]


@pytest.mark.parametrize("field", ["ctime", "mtime", "size", "inode"])
def test_each_part_of_a_state_counts(tree: Path, tmp_path: Path, field: str) -> None:
    path, index = tmp_path / "index.sqlite", StatIndex(tmp_path / "index.sqlite")
    _settle(tree)
    _described(tree, index)
    was = (tree / "b").stat()
    if field == "inode":
        (tree / "b").rename(tmp_path / "aside")
        (tree / "b").write_text("B")
    elif field == "size":
        (tree / "b").write_text("longer")
    else:
        (tree / "b").write_text("B")
    if field != "mtime":
        os.utime(tree / "b", ns=(was.st_atime_ns, was.st_mtime_ns))
    for looked in (index, StatIndex(path)):
        assert looked.recall(scan(tree)).digests[2] is None


def test_what_lies_on_another_device_is_never_remembered(tree: Path, tmp_path: Path) -> None:
    index = StatIndex(tmp_path / "index.sqlite")
    found = scan(tree)
    recalled = index.recall(found)
    elsewhere = WritebackTime(2**62, frozenset((found.stamps[0].dev + 1,)))
    described = _described(tree, StatIndex(None))
    index.learn(described, described.entries, recalled, elsewhere)
    assert all(digests is None for digests in StatIndex(index.path).recall(scan(tree)).digests)


def test_a_file_that_changed_while_it_was_read_is_not_remembered(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_fd = content.hash_fd

    def changed(fd: int, size: int) -> bytes:
        digest = hash_fd(fd, size)
        if os.readlink(f"/proc/self/fd/{fd}") == str(tree / "b"):
            (tree / "b").write_text("B")
        return digest

    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(hashing, "hash_fd", changed)
    _settle(tree)
    _described(tree, StatIndex(tmp_path / "index.sqlite"))
    monkeypatch.undo()
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as database:
        kept = {path for (path,) in database.execute("SELECT path FROM files")}
    assert kept == {b"a", b"c"}


def test_a_writeback_covers_what_is_older_on_its_devices_only() -> None:
    writeback = WritebackTime(100, frozenset((1,)))
    assert writeback.covers(Stamp(1, 5, 99))
    assert not writeback.covers(Stamp(1, 5, 100))
    assert not writeback.covers(Stamp(1, 5, 101))
    assert not writeback.covers(Stamp(2, 5, 99))
    assert not NEVER.covers(Stamp(1, 5, 0))
    assert (writeback.on(1), writeback.on(2)) == (100, 0)
