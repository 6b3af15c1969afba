"""Hashing the files of a tree: each inode once, what is gone as None, and why one was not read."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from jvs_core.errors import EngineFailed, UnsupportedFile
from jvs_core.payload.changes import hashing
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.hashing import Hashed, hash_files
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.copy.materialize import materialize_tree
from jvs_core.payload.tree import content
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.tree.walk import Scan, scan
from jvs_core.progress import SILENT


@pytest.fixture
def tree(tmp_path: Path) -> Scan:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for name, data in (("a", b""), ("b", b"x" * 100_000), ("sub/\udcff\n", b"odd")):
        (root / name).write_bytes(data)
    os.link(root / "b", root / "sub" / "b")
    (root / "link").symlink_to("a")
    os.mkfifo(root / "pipe")
    return scan(root)


def regular(tree: Scan) -> tuple[list[Entry], list[Stamp]]:
    """Return the files of a tree, and their stamps."""
    pairs = [pair for pair in zip(tree.entries, tree.stamps, strict=True) if pair[0].kind == FILE]
    return [entry for entry, _ in pairs], [stamp for _, stamp in pairs]


def expected(tree: Scan) -> list[Hashed]:
    paths = [tree.root / os.fsdecode(entry.path) for entry in regular(tree)[0]]
    return [Hashed(hashlib.sha256(path.read_bytes()).digest(), b"", steady=True) for path in paths]


def refused(code: int) -> object:
    def read(*_: object) -> bytes:
        raise OSError(code, os.strerror(code))

    return read


def test_digests_stand_beside_their_files(tree: Scan) -> None:
    entries, stamps = regular(tree)
    assert hash_files(tree.root, entries) == expected(tree)
    assert hash_files(tree.root, entries, stamps) == expected(tree)
    assert hash_files(tree.root, entries, stamps, threads=3) == expected(tree)
    assert hash_files(tree.root, []) == []


def test_an_inode_is_read_once_for_all_its_names(tree: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def noted(fd: int, size: int) -> bytes:
        read.append(os.fstat(fd).st_ino)
        return content.hash_fd(fd, size)

    monkeypatch.setattr(hashing, "hash_fd", noted)
    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    assert hash_files(tree.root, *regular(tree)) == expected(tree)
    assert len(read) == len(set(read)) == 3


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_no_regular_file_any_more_is_none(tree: Scan, exact: bool) -> None:
    entries, stamps = regular(tree)
    known = expected(tree)
    (tree.root / "a").unlink()
    (tree.root / "b").unlink()
    os.mkfifo(tree.root / "b")
    paths = [entry.path for entry in entries]
    found = dict(
        zip(
            paths,
            [hash_files(tree.root, [e], [s], exact=exact)[0] for e, s in zip(entries, stamps, strict=True)],
            strict=True,
        )
    )
    assert (found[b"a"], found[b"b"]) == (None, None)
    again = found[b"sub/b"]
    assert again is not None
    assert again.sha256 == known[paths.index(b"sub/b")].sha256
    (tree.root / "a").symlink_to("sub/b")
    assert hash_files(tree.root, entries, stamps, exact=exact)[0] is None


def test_another_file_under_the_name_is_not_the_one_seen(tree: Scan) -> None:
    entries, stamps = regular(tree)
    (tree.root / "other").write_text("other")
    (tree.root / "other").rename(tree.root / "a")
    assert hash_files(tree.root, entries[:1], stamps[:1], exact=True) == [None]
    (loose,) = hash_files(tree.root, entries[:1], stamps[:1])
    assert loose == Hashed(hashlib.sha256(b"other").digest(), b"", steady=False)


def test_a_file_that_was_written_to_is_unsteady(tree: Scan) -> None:
    entries, stamps = regular(tree)
    with (tree.root / "b").open("ab") as file:
        file.write(b"more")
    assert [hashed and hashed.steady for hashed in hash_files(tree.root, entries, stamps)] == [
        True,
        False,
        False,
        True,
    ]


def test_files_that_may_not_be_read_are_all_named(tree: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(hashing, "open_regular", closed)
    with pytest.raises(UnsupportedFile) as raised:
        hash_files(tree.root, regular(tree)[0])
    assert raised.value.facts["paths"] == [entry.path for entry in regular(tree)[0]]


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE])
def test_what_the_system_refuses_is_no_damage_and_no_change(
    tree: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(hashing, "hash_fd", refused(code))
    monkeypatch.setattr(content, "hash_fd", refused(code))
    payload = [
        entry._replace(mtime_ns=0, sha256=bytes(32)) if entry.kind == FILE else entry
        for entry in tree.entries
    ]
    with pytest.raises(EngineFailed, match=os.strerror(code)):
        materialize_tree(tree.root, payload, tmp_path / "made", method="copy", progress=SILENT)
    with pytest.raises(EngineFailed, match=os.strerror(code)):
        describe(tree.root, StatIndex(None), clock_folder=tmp_path, with_attributes=False)
