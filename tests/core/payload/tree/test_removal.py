from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core.errors import EngineFailed
from jvs_core.payload.tree.removal import remove_tree
from tests.support.filesystems import bound


@pytest.mark.parametrize("place", ["", "deep/er"])
def test_what_is_mounted_in_a_tree_is_not_touched_whatever_its_mode(loop_workdir: Path, place: str) -> None:
    foreign = loop_workdir / "foreign"
    (foreign / "inner").mkdir(parents=True)
    (foreign / "inner" / "file").write_text("foreign")
    foreign.chmod(0o500)
    tree = loop_workdir / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    with bound(foreign, tree / place):
        with pytest.raises(EngineFailed, match="something is mounted here"):
            remove_tree(tree)
        assert (foreign / "inner" / "file").read_text() == "foreign"
        assert foreign.stat().st_mode & 0o777 == 0o500
    remove_tree(tree)
    assert sorted(os.listdir(loop_workdir)) == ["foreign"]


def test_another_file_system_in_a_tree_is_not_touched(loop_workdir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("foreign")
    (loop_workdir / "tree" / "sub").mkdir(parents=True)
    with bound(tmp_path, loop_workdir / "tree" / "sub"), pytest.raises(EngineFailed):
        remove_tree(loop_workdir / "tree")
    assert (tmp_path / "file").read_text() == "foreign"


def test_folders_without_permission_are_removed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "closed" / "deeper").mkdir(parents=True)
    (tree / "closed" / "deeper" / "file").touch()
    (tree / "closed" / "deeper").chmod(0)
    (tree / "closed").chmod(0)
    tree.chmod(0)
    remove_tree(tree)
    assert not tree.exists()
