"""Hashing the files of a tree: each inode once, what cannot be read as None."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jvs_core.payload.changes import hashing
from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.tree.entry import FILE
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.walk import Scan, scan


@pytest.fixture
def tree(tmp_path: Path) -> Scan:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for name, content in (("a", b""), ("b", b"x" * 100_000), ("sub/\udcff\n", b"odd")):
        (root / name).write_bytes(content)
    os.link(root / "b", root / "sub" / "b")
    (root / "link").symlink_to("a")
    os.mkfifo(root / "pipe")
    return scan(root)


def expected(tree: Scan) -> list[bytes]:
    """Return the digests of the files, nothing for the rest."""
    return [
        hashlib.sha256((tree.root / os.fsdecode(entry.path)).read_bytes()).digest()
        if entry.kind == FILE
        else b""
        for entry in tree.entries
    ]


def test_digests_stand_beside_their_files(tree: Scan) -> None:
    assert hash_files(tree.root, tree.entries) == expected(tree)
    assert hash_files(tree.root, tree.entries, stamps=tree.stamps) == expected(tree)
    assert hash_files(tree.root, []) == []


def test_an_inode_is_read_once_for_all_its_names_and_calls(
    tree: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    hash_one = hashing._hash

    def noted(folders: Folders, path: bytes, *, flush: bool) -> bytes | None:
        read.append(path)
        return hash_one(folders, path, flush=flush)

    monkeypatch.setattr(hashing, "_hash", noted)
    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    seen: dict[tuple[int, int], bytes] = {}
    assert hash_files(tree.root, tree.entries, stamps=tree.stamps, seen=seen) == expected(tree)
    assert sorted(read) == [b"a", b"b", "sub/\udcff\n".encode("utf-8", "surrogateescape")]
    assert hash_files(tree.root, tree.entries, stamps=tree.stamps, seen=seen) == expected(tree)
    assert len(read) == 3


def test_what_is_no_regular_file_any_more_is_none(tree: Scan) -> None:
    known = expected(tree)
    (tree.root / "a").unlink()
    (tree.root / "b").unlink()
    os.mkfifo(tree.root / "b")
    found = dict(
        zip((entry.path for entry in tree.entries), hash_files(tree.root, tree.entries), strict=True)
    )
    assert (found[b"a"], found[b"b"]) == (None, None)
    assert found[b"sub/b"] == known[[entry.path for entry in tree.entries].index(b"sub/b")]
    (tree.root / "a").symlink_to("sub/b")
    assert hash_files(tree.root, tree.entries)[1] is None
