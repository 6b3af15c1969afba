"""What single file systems do differently."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jvs_core.payload.engines import subvolume
from jvs_core.progress import SILENT
from tests.core.payload.engines.conftest import Bench
from tests.support.metadata import metadata_of, payload_metadata
from tests.support.users import SOMEBODY, as_user


def only(*pairs: tuple[str, str]) -> pytest.MarkDecorator:
    """Run a test that uses ``bench`` on these pairs of file system and engine."""
    return pytest.mark.parametrize("pair", pairs, ids=["-on-".join(reversed(pair)) for pair in pairs])


@only(("btrfs", "btrfs-snapshot"))
def test_a_worktree_with_a_nested_subvolume_is_cloned_file_by_file_and_complete(bench: Bench) -> None:
    source = bench.worktree()
    (source / "data").mkdir()
    subvolume.create(source / "data" / "inner")
    (source / "data" / "inner" / "deep.txt").write_text("deep")
    (source / "top.txt").write_text("top")
    capture = bench.capture(source)
    assert (capture.engine, list(capture.degraded)) == ("reflink-copy", [])
    assert (bench.folder / "one" / "data" / "inner" / "deep.txt").read_text() == "deep"
    assert not subvolume.is_subvolume(bench.folder / "one" / "data" / "inner")
    bench.engine.materialize(bench.folder / "one", capture.entries, bench.folder / "back", progress=SILENT)
    assert metadata_of(bench.folder / "back") == metadata_of(source)
    bench.engine.remove(source)
    assert not source.exists()


@only(("btrfs", "btrfs-snapshot"))
@pytest.mark.parametrize("read_only", [True, False])
def test_the_place_of_a_subvolume_in_a_snapshot_that_a_worktree_holds_is_left_out(
    bench: Bench, read_only: bool
) -> None:
    source = bench.worktree()
    subvolume.create(source / "docker")
    subvolume.create(source / "docker" / "layer")
    (source / "docker" / "inspected.txt").write_text("one")
    subvolume.snapshot(source / "docker", source / "backup", read_only=read_only)
    capture = bench.capture(source)
    assert list(capture.degraded) == [
        "place of a subvolume that this snapshot does not contain left out: backup/layer"
    ]
    assert (bench.folder / "one" / "backup" / "inspected.txt").read_text() == "one"
    assert not (bench.folder / "one" / "backup" / "layer").exists()
    bench.engine.remove(source)
    assert not source.exists()


@only(("btrfs", "btrfs-snapshot"))
def test_a_worktree_that_is_a_snapshot_itself_has_the_place_of_a_subvolume_in_no_payload(
    bench: Bench,
) -> None:
    origin = bench.folder / "origin"
    subvolume.create(origin)
    subvolume.create(origin / "layer")
    (origin / "a.txt").write_text("a")
    source = bench.folder / "taken"
    subvolume.snapshot(origin, source, read_only=False)
    capture = bench.capture(source)
    assert (capture.engine, list(capture.changed_meanwhile)) == ("btrfs-snapshot", [])
    assert sorted(os.listdir(bench.folder / "one")) == ["a.txt"]


@only(("btrfs", "btrfs-snapshot"))
def test_a_snapshot_of_a_subvolume_is_one_and_so_is_a_worktree_made_of_it(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    capture = bench.capture(source)
    bench.engine.materialize(bench.folder / "one", capture.entries, bench.folder / "back", progress=SILENT)
    assert all(subvolume.is_subvolume(bench.folder / name) for name in ("worktree", "one", "back"))
    (bench.folder / "back" / "a.txt").write_text("mine")
    assert (source / "a.txt").read_text() == (bench.folder / "one" / "a.txt").read_text() == "a"


@only(("btrfs", "btrfs-snapshot"))
def test_of_somebody_else_s_snapshot_a_user_gets_a_clone_that_is_theirs(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    source.chmod(0o755)
    capture = bench.capture(source)
    os.chown(bench.folder, SOMEBODY, SOMEBODY)
    with as_user(SOMEBODY):
        bench.engine.materialize(
            bench.folder / "one", capture.entries, bench.folder / "mine", progress=SILENT
        )
    assert (bench.folder / "mine" / "a.txt").read_text() == "a"
    assert subvolume.is_subvolume(bench.folder / "mine")
    assert {(bench.folder / "mine").stat().st_uid, (bench.folder / "mine" / "a.txt").stat().st_uid} == {
        SOMEBODY
    }


@only(("btrfs", "btrfs-snapshot"))
def test_a_worktree_that_is_a_plain_folder_is_cloned_file_by_file(bench: Bench) -> None:
    source = bench.folder / "copied"
    source.mkdir()
    (source / "a.txt").write_text("a")
    capture = bench.capture(source)
    assert (capture.engine, (bench.folder / "one" / "a.txt").read_text()) == ("reflink-copy", "a")


def give_names(file: Path, folder: Path, count: int) -> None:
    """Give a file so many further names."""
    for number in range(count):
        os.link(file, folder / str(number))


@only(("ext4", "copy"))
def test_a_file_with_all_the_names_it_may_have_is_copied_instead_of_linked(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    first = bench.capture(source)
    shared = bench.folder / "one" / "a.txt"
    names = bench.folder / "names"
    names.mkdir()
    with pytest.raises(OSError, match="Too many links"):
        give_names(shared, names, 70_000)
    # The payload is as its manifest says but for the link count and ctime, which no manifest holds.
    second = bench.capture(source, "two", previous=bench.previous(first))
    assert not (bench.folder / "two" / "a.txt").samefile(shared)
    assert payload_metadata(bench.folder / "two", metadata_of(source)) == metadata_of(source)
    assert second.entries == first.entries


@only(("xfs", "reflink-copy"), ("btrfs", "reflink-copy"))
def test_a_clone_shares_its_blocks(bench: Bench) -> None:
    source = bench.worktree()
    (source / "big").write_bytes(os.urandom(1 << 20))
    os.sync()
    bench.capture(source)
    shown = subprocess.run(
        ["filefrag", "-v", bench.folder / "one" / "big"], check=True, capture_output=True, text=True
    )
    assert "shared" in shown.stdout


@only(("juicefs", "juicefs-clone"), ("juicefs", "reflink-copy"), ("juicefs", "copy"))
def test_an_attribute_that_changed_alone_is_in_the_next_snapshot(bench: Bench) -> None:
    """On JuiceFS this moves no ``ctime``."""
    source = bench.worktree()
    for name in ("a.txt", "b.txt"):
        (source / name).write_text(name)
        os.setxattr(source / name, "user.colour", b"red")
    first = bench.capture(source)
    os.setxattr(source / "a.txt", "user.colour", b"blue")
    os.removexattr(source / "b.txt", "user.colour")
    second = bench.capture(source, "two", previous=bench.previous(first))
    assert second.engine == bench.engine.name
    assert payload_metadata(bench.folder / "two", metadata_of(source)) == metadata_of(source)
    changed = {new.path for old, new in zip(first.entries, second.entries, strict=True) if old != new}
    assert changed == {b"a.txt", b"b.txt"}
    assert os.getxattr(bench.folder / "one" / "a.txt", "user.colour") == b"red"


def test_a_worktree_folder_is_new_and_empty(bench: Bench) -> None:
    made: Path = bench.worktree()
    assert os.listdir(made) == []


@only(("btrfs", "btrfs-snapshot"))
def test_a_worktree_with_a_swap_file_in_use_is_cloned_file_by_file(bench: Bench) -> None:
    source = bench.worktree()
    (source / "top.txt").write_text("top")
    swap = source / "swap"
    swap.touch(mode=0o600)
    for command in (["chattr", "+C"], ["fallocate", "-l", "4M"], ["mkswap"], ["swapon"]):
        subprocess.run([*command, swap], check=True, capture_output=True)
    try:
        capture = bench.capture(source)
    finally:
        subprocess.run(["swapoff", swap], check=True)
    assert capture.engine == "reflink-copy"
    assert (bench.folder / "one" / "top.txt").read_text() == "top"
    assert (bench.folder / "one" / "swap").read_bytes() == swap.read_bytes()
