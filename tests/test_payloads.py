"""The payloads hold what they promise, and the read-back sees every difference that matters."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from tests.support.hostile import build_unsupported
from tests.support.payloads import (
    build_git_repository,
    build_hostile,
    build_notebooks,
    build_virtualenv,
    metadata_of,
)
from tests.support.trees import Tree, read_tree, trees, write_tree


def test_the_hostile_payload_has_every_kind(workdir: Path, request: pytest.FixtureRequest) -> None:
    build_hostile(workdir / "payload")
    found = metadata_of(workdir / "payload")
    assert {entry.kind for entry in found.values()} == {"file", "directory", "link", "fifo"}
    assert max(map(len, found)) > os.pathconf(workdir, "PC_PATH_MAX")
    assert found[b"modes/file-6755"].mode == 0o6755
    assert found[b"modes/directory-3777"].mode == 0o3777
    assert found[b"links/loop"].target == b"loop"
    assert found[b"hard-links/two"].linked_with == (
        b"hard-links/elsewhere/three",
        b"hard-links/one",
        b"hard-links/two",
    )
    assert found[b"hard-links/twin"].linked_with == ()
    assert [name for name, _ in found[b"attributes/file"].xattrs] == [
        "system.posix_acl_access",
        "user.colour",
        "user.empty",
    ]
    assert found[b"owners/theirs"].uid == 12345
    assert found[b"times/nanosecond"].mtime_ns == 1_700_000_000_000_000_001
    assert found[b"times/beyond-2038"].mtime_ns == 2_208_988_800_123_456_789
    keeps_holes = "juicefs" not in request.node.name
    assert bool(found[b"sparse/holes"].holes) == keeps_holes
    assert {os.fsencode(name) for name in os.listdir(os.fsencode(workdir / "payload" / "names"))} >= {
        b"\xff\xfe not UTF-8",
        "é composed".encode(),
        "e\u0301 decomposed".encode(),
    }


def test_a_faithful_copy_reads_back_equal_and_a_careless_one_does_not(loop_workdir: Path) -> None:
    original, copy = loop_workdir / "payload", loop_workdir / "copy"
    build_hostile(original)
    shutil.rmtree(original / "deep")  # beyond what cp can reach
    subprocess.run(["cp", "--archive", str(original), str(copy)], check=True)
    assert metadata_of(copy) == metadata_of(original)
    (copy / "times" / "epoch").touch()
    assert metadata_of(copy) != metadata_of(original)


def test_sockets_and_devices_are_made_where_they_can_be(workdir: Path) -> None:
    assert sorted(metadata_of(workdir)) == []
    assert sorted(metadata_of(workdir)) != build_unsupported(workdir)
    assert sorted(metadata_of(workdir)) == [b"device", b"socket"]


@pytest.mark.parametrize("build", [build_git_repository, build_notebooks, build_virtualenv])
def test_everyday_payloads_are_built(build: Callable[[Path], None], tmp_path: Path) -> None:
    build(tmp_path / "payload")
    assert len(metadata_of(tmp_path / "payload")) > 6


def test_the_virtual_environment_runs(tmp_path: Path) -> None:
    build_virtualenv(tmp_path / "venv")
    program = "import click; print(click.__file__)"
    done = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", program], capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "venv") in done.stdout


def test_the_git_repository_is_sound(tmp_path: Path) -> None:
    build_git_repository(tmp_path)
    subprocess.run(["git", "fsck", "--strict"], cwd=tmp_path, check=True, capture_output=True)


@given(tree=trees())
def test_a_tree_written_reads_back_as_its_model(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        write_tree(tree, root)
        try:
            assert read_tree(root) == tree
        finally:
            subprocess.run(["rm", "-rf", "--", str(root)], check=True)
