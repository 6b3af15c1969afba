"""The stat index looked into twice within one operation."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.changes.moment import Moment
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
    index.learn(
        _described(tree, StatIndex(None)), recalled, Moment(stamped, frozenset((found.stamps[0].dev,)))
    )
    assert all(digests is None for digests in index.recall(scan(tree)).digests)
