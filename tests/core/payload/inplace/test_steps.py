"""The plan of an in-place restore: nothing where nothing differs, and whatever two trees are, one becomes the other."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.inplace import converge
from jvs_core.payload.inplace.steps import Steps, plan
from jvs_core.payload.tree.walk import Scan
from tests.support.trees import HardLink, Tree, read_tree, trees, write_tree


def described(root: Path) -> Scan:
    """Return the tree with contents and attributes, from its files alone."""
    return describe(root, StatIndex(None), clock_folder=root.parent, with_attributes=True)


@settings(max_examples=20)
@given(before=trees(), after=trees())
def test_any_tree_becomes_any_other_and_then_nothing_is_left_to_do(before: Tree, after: Tree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder, "here"), Path(folder, "there")
        write_tree(before, here)
        write_tree(after, there)
        wanted = described(there).entries
        assert converge.apply(here, there, plan(described(here), wanted)) == converge.Applied()
        assert but_times(read_tree(here)) == but_times(read_tree(there))
        assert not plan(described(here), wanted)


def but_times(tree: Tree) -> Tree:
    """Return a tree whose nodes all have the same time."""
    return {
        path: node if isinstance(node, HardLink) else replace(node, mtime_ns=0) for path, node in tree.items()
    }


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return two equal trees: the one that is there, the one that is wanted."""
    for name in ("here", "there"):
        (tmp_path / name / "d").mkdir(parents=True)
        for path in ("a", "b", "d/c"):
            (tmp_path / name / path).write_text(path)
            os.utime(tmp_path / name / path, ns=(1, 1))
        for path in ("d", ""):
            os.utime(tmp_path / name / path, ns=(1, 1))
    return tmp_path / "here", tmp_path / "there"


def planned(pair: tuple[Path, Path]) -> Steps:
    """Return the steps from the one tree to the other."""
    return plan(described(pair[0]), described(pair[1]).entries)


def paths(entries: object) -> list[bytes]:
    """Return the paths of entries."""
    assert isinstance(entries, list)
    return [entry.path for entry in entries]


def test_equal_trees_need_nothing(pair: tuple[Path, Path]) -> None:
    assert not planned(pair)


def test_a_file_of_other_content_is_filled_and_has_the_time_of_now(pair: tuple[Path, Path]) -> None:
    (pair[1] / "d/c").write_text("other")
    os.utime(pair[1] / "d/c", ns=(1, 1))
    steps = planned(pair)
    assert paths(steps.fill) == [b"d/c"]
    assert not any((steps.clear, steps.make, steps.link, steps.mend, steps.remove, steps.settle))
    before = time.time_ns() - 1_000_000_000
    converge.apply(*pair, steps)
    assert (pair[0] / "d/c").stat().st_mtime_ns > before
    assert (pair[0] / "a").stat().st_mtime_ns == 1


def test_a_file_of_another_time_needs_nothing(pair: tuple[Path, Path]) -> None:
    os.utime(pair[1] / "a", ns=(1, 77))
    os.utime(pair[1] / "d", ns=(1, 77))
    assert not planned(pair)


def test_a_name_that_becomes_one_of_another_file_has_the_time_of_now(pair: tuple[Path, Path]) -> None:
    os.unlink(pair[1] / "b")
    os.link(pair[1] / "a", pair[1] / "b")
    before = time.time_ns() - 1_000_000_000
    converge.apply(*pair, planned(pair))
    assert (pair[0] / "b").read_text() == "a"
    assert (pair[0] / "b").stat().st_mtime_ns > before


def test_a_file_of_another_mode_keeps_its_inode_and_time(pair: tuple[Path, Path]) -> None:
    (pair[1] / "a").chmod(0o600)
    steps = planned(pair)
    assert paths(steps.mend) == [b"a"]
    assert not any((steps.clear, steps.make, steps.fill, steps.link, steps.remove, steps.settle))
    inode = (pair[0] / "a").stat().st_ino
    converge.apply(*pair, steps)
    assert ((pair[0] / "a").stat().st_ino, (pair[0] / "a").stat().st_mtime_ns) == (inode, 1)
    assert not planned(pair)


def test_one_inode_for_two_names_is_parted_and_two_are_joined(pair: tuple[Path, Path]) -> None:
    os.unlink(pair[1] / "b")
    os.link(pair[1] / "a", pair[1] / "b")
    steps = planned(pair)
    assert [(link.entry.path, link.first) for link in steps.link] == [(b"b", b"a")]
    back = plan(described(pair[1]), described(pair[0]).entries)
    assert paths(back.fill) == [b"b"]


def test_another_kind_is_cleared_first_the_deepest_first(pair: tuple[Path, Path]) -> None:
    (pair[1] / "a").unlink()
    (pair[1] / "a").mkdir()
    (pair[1] / "d/c").unlink()
    (pair[1] / "d").rmdir()
    (pair[1] / "d").write_text("a file now")
    steps = planned(pair)
    assert paths(steps.clear) == [b"d/c", b"d", b"a"]
    assert (paths(steps.make), paths(steps.fill)) == ([b"a"], [b"d"])


def test_what_is_not_wanted_is_removed_the_deepest_first(pair: tuple[Path, Path]) -> None:
    (pair[0] / "x/y").mkdir(parents=True)
    (pair[0] / "x/y/z").write_text("")
    assert paths(planned(pair).remove) == [b"x/y/z", b"x/y", b"x"]


def test_a_closed_folder_is_opened_up_only_where_something_is_done_in_it(pair: tuple[Path, Path]) -> None:
    for root in pair:
        (root / "d").chmod(0o500)
    assert planned(pair).open_up == []
    (pair[1] / "d").chmod(0o700)
    (pair[1] / "d/new").write_text("")
    assert planned(pair).open_up == [b"d"]
    assert converge.apply(*pair, planned(pair)) == converge.Applied()
    assert not planned(pair)
