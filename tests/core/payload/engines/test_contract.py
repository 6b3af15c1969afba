"""The contract of ``SnapshotEngine``, held by every engine on every file system that it works on."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jvs_core.errors import (
    AlreadyExists,
    ConsistencyUnavailable,
    EngineFailed,
    PayloadHashMismatch,
    UnsupportedFile,
)
from jvs_core.payload import manifest
from jvs_core.payload.copy.captured import Capture
from jvs_core.payload.engines import subvolume
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.entry import FILE, SYMLINK
from jvs_core.progress import SILENT, Silent
from tests.core.payload.engines.conftest import Bench
from tests.support.damage import overwrite
from tests.support.filesystems import memory_at
from tests.support.hostile import build_hostile, build_unsupported
from tests.support.metadata import Metadata, metadata_of, payload_metadata
from tests.support.payloads import build_git_repository, build_notebooks, build_virtualenv
from tests.support.trees import Tree, read_tree, trees, write_tree
from tests.support.users import SOMEBODY, as_user

# Each engine holds all of it in every run, on one of its file systems or, where marked so, on each.
pytestmark = pytest.mark.in_turn


def describes(capture: Capture, tree: Path) -> None:
    """Assert that the capture's entries are what is in ``tree``, read independently."""
    found = metadata_of(tree, holes=False)
    entries = {entry.path: entry for entry in capture.entries if entry.path}
    assert list(entries) == sorted(found)
    for path, entry in entries.items():
        there = found[path]
        modes = {FILE: {entry.mode, entry.mode & 0o555 | 0o400}, SYMLINK: {0o777}}
        assert there.mode in modes.get(entry.kind, {entry.mode}), path
        assert (entry.uid, entry.gid, entry.mtime_ns) == (there.uid, there.gid, there.mtime_ns), path
        assert (entry.sha256.hex() or None) == there.sha256, path
        assert (entry.target or None) == there.target, path
        xattrs = attributes.with_mode(there.xattrs, entry.mode)
        assert entry.kind == SYMLINK or entry.xattrs == attributes.digest(xattrs), path
        assert bool(entry.link_group) == bool(there.linked_with), path
        assert entry.size == (there.size if entry.kind == FILE else 0), path


def put_back(bench: Bench, capture: Capture, name: str = "one") -> dict[bytes, Metadata]:
    """Return the metadata of the capture made to a worktree again."""
    bench.engine.settle(bench.folder / name)
    bench.engine.materialize(bench.folder / name, capture.entries, bench.folder / "back", progress=SILENT)
    return metadata_of(bench.folder / "back")


def differing(one: dict[bytes, Metadata], other: dict[bytes, Metadata]) -> set[bytes]:
    """Return the paths at which two trees differ."""
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


@pytest.mark.on_each
def test_everything_that_can_be_kept_is_kept_and_comes_back(bench: Bench) -> None:
    source = bench.worktree()
    build_hostile(source)
    before = metadata_of(source)
    capture = bench.capture(source)
    assert differing(payload_metadata(bench.folder / "one", before), before) == set()
    assert differing(metadata_of(source), before) == set()
    assert list(capture.changed_meanwhile) == []
    describes(capture, bench.folder / "one")
    assert differing(put_back(bench, capture), before) == set()
    for name in ("one", "back", "worktree"):
        bench.engine.remove(bench.folder / name)
        assert not os.path.lexists(bench.folder / name)


@pytest.mark.on_each
def test_the_engine_that_ran_and_what_it_lost_are_said(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    capture = bench.capture(source)
    assert (capture.engine, list(capture.degraded)) == (bench.engine.name, [])


def test_a_file_with_a_valueless_attribute_is_kept_and_the_engine_that_kept_it_named(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    os.setxattr(source / "a.txt", "user.seen", b"")
    before = metadata_of(source)
    capture = bench.capture(source)
    by_client = bench.engine.name == "juicefs-clone"
    assert capture.engine == ("reflink-copy" if by_client else bench.engine.name)
    assert ["a.txt" in line for line in capture.degraded] == ([True] if by_client else [])
    assert put_back(bench, capture) == before


def test_a_second_capture_holds_the_changes_and_leaves_the_first_as_it_was(bench: Bench) -> None:
    source = bench.worktree()
    build_hostile(source)
    first = bench.capture(source)
    then = metadata_of(bench.folder / "one")
    os.chmod(source / "modes" / "file-0640", 0o604)
    os.setxattr(source / "times" / "epoch", "user.new", b"attribute")
    os.utime(source / "times" / "nanosecond", ns=(5, 5))
    (source / "empty.file").write_text("no longer")
    (source / "links" / "dangling").unlink()
    (source / "links" / "dangling").symlink_to("elsewhere")
    os.unlink(source / "hard-links" / "two")
    os.mkdir(source / "owners" / "new")
    shutil.rmtree(source / "empty")
    second = bench.capture(source, "two", previous=bench.previous(first))
    now = metadata_of(source)
    assert differing(payload_metadata(bench.folder / "two", now), now) == set()
    assert differing(metadata_of(bench.folder / "one"), then) == set()
    describes(second, bench.folder / "two")
    assert differing(put_back(bench, second, "two"), metadata_of(source)) == set()


@pytest.mark.on_each
def test_unchanged_files_are_one_inode_in_two_snapshots_and_none_with_a_worktree(bench: Bench) -> None:
    source = bench.worktree()
    (source / "same.txt").write_text("same")
    (source / "new.txt").write_text("old")
    first = bench.capture(source)
    (source / "new.txt").write_text("new")
    second = bench.capture(source, "two", previous=bench.previous(first))
    put_back(bench, second, "two")

    def inode(tree: str, name: str) -> tuple[int, int]:
        st = (bench.folder / tree / name).stat()
        return st.st_dev, st.st_ino

    shares = bench.engine.name in ("reflink-copy", "copy")
    assert (inode("one", "same.txt") == inode("two", "same.txt")) == shares
    assert inode("one", "new.txt") != inode("two", "new.txt")
    for name in ("same.txt", "new.txt"):
        assert len({inode(tree, name) for tree in ("worktree", "two", "back")}) == 3


@pytest.mark.parametrize("what", ["folder", "file", "dangling link"])
def test_a_target_that_exists_is_refused_and_left_alone(bench: Bench, what: str) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    capture = bench.capture(source)
    target = bench.folder / "taken"
    if what == "folder":
        target.mkdir()
    elif what == "file":
        target.touch()
    else:
        target.symlink_to("nowhere")
    attempts: list[Callable[[], object]] = [
        lambda: bench.capture(source, "taken"),
        lambda: bench.engine.materialize(bench.folder / "one", capture.entries, target, progress=SILENT),
        lambda: bench.engine.adopt(source, target, progress=SILENT),
        lambda: bench.engine.make_worktree(target),
    ]
    for attempt in attempts:
        with pytest.raises(AlreadyExists):
            attempt()
    assert target.is_symlink() or not target.is_dir() or os.listdir(target) == []


def test_a_target_whose_parent_is_missing_is_an_error(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    with pytest.raises(EngineFailed):
        bench.capture(source, "missing/one")
    assert not (bench.folder / "missing").exists()


def test_sockets_and_devices_are_left_out_and_named(bench: Bench) -> None:
    source = bench.worktree()
    (source / "data").mkdir()
    (source / "data" / "kept").write_text("kept")
    unsupported = build_unsupported(source / "data")
    before = metadata_of(source)
    capture = bench.capture(source)
    assert sorted(capture.left_out) == [b"data/" + name for name in unsupported]
    for name in unsupported:
        assert any(f"data/{os.fsdecode(name)}" in line for line in capture.degraded)
    assert sorted(metadata_of(bench.folder / "one")) == [b"data", b"data/kept"]
    describes(capture, bench.folder / "one")
    assert metadata_of(source) == before


def build_repository(folder: Path) -> None:
    """Make what a repository in ``folder`` looks like, with modes that hinder its removal."""
    snapshot = folder / ".jvs" / "snapshots" / "1700000000000-00000000"
    (snapshot / "payload" / ".jvs").mkdir(parents=True)
    (snapshot / "payload" / "kept").write_text("kept")
    (snapshot / "payload").chmod(0o555)
    (folder / ".jvs" / "format_version").write_text("2")
    (folder / "main").mkdir()
    (folder / "main" / "code.py").write_text("code")


def test_a_repository_inside_is_left_out_and_named(bench: Bench) -> None:
    source = bench.worktree()
    for inner in ("a", "a/main/b"):
        (source / inner).mkdir()
        build_repository(source / inner)
    (source / ".jvs").mkdir()
    (source / "file").mkdir()
    (source / "file" / ".jvs").write_text("no repository")
    (source / "link").mkdir()
    (source / "link" / ".jvs").symlink_to("../a/.jvs")
    before = metadata_of(source)
    capture = bench.capture(source)
    inside = [b".jvs", b"a/.jvs", b"a/main/b/.jvs"]
    assert capture.left_out == inside
    assert [line for line in capture.degraded if "left out" in line] == [
        "3 repositories left out, with their history: .jvs, a/.jvs, a/main/b/.jvs"
    ]
    assert capture.engine == bench.engine.name
    wanted = {path for path in before if not any(path == i or path.startswith(i + b"/") for i in inside)}
    assert set(metadata_of(bench.folder / "one")) == wanted
    describes(capture, bench.folder / "one")
    assert put_back(bench, capture).keys() == wanted
    assert metadata_of(source) == before
    degraded = bench.engine.adopt(source, bench.folder / "adopted", progress=SILENT)
    assert metadata_of(bench.folder / "adopted").keys() == wanted
    assert any(".jvs, a/.jvs, a/main/b/.jvs" in line for line in degraded)


def test_what_an_inner_repository_does_is_no_change(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a").mkdir()
    build_repository(source / "a")

    class Working(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            (source / "a" / ".jvs" / step).write_text("a command at work")

    capture = bench.capture(source, progress=Working())
    assert capture.left_out == [b"a/.jvs"]
    assert not capture.changed_meanwhile
    describes(capture, bench.folder / "one")


def test_a_repository_made_meanwhile_is_left_out(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a").mkdir()

    class Making(Silent):
        def finished(self, step: str) -> None:
            if step == "scan" and not (source / "a" / ".jvs").exists():
                build_repository(source / "a")

    capture = bench.capture(source, consistency="best_effort", progress=Making())
    assert not (bench.folder / "one" / "a" / ".jvs").exists()
    describes(capture, bench.folder / "one")


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o1777])
def test_a_repository_of_another_user_hinders_nobody(bench: Bench, mode: int) -> None:
    source = bench.worktree()
    (source / "a").mkdir()
    build_repository(source / "a")
    for path in (
        bench.folder,
        source,
        source / "a",
        source / "a" / "main",
        source / "a" / "main" / "code.py",
    ):
        os.chown(path, SOMEBODY, SOMEBODY)
    (source / "a" / ".jvs").chmod(mode)
    for name in ("one", "two"):
        with as_user(SOMEBODY):
            capture = bench.capture(source, name)
        assert capture.left_out == [b"a/.jvs"]
        assert set(metadata_of(bench.folder / name)) == {b"a", b"a/main", b"a/main/code.py"}
        describes(capture, bench.folder / name)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_cannot_be_read_is_named_before_anything_is_written(bench: Bench, kind: str) -> None:
    source = bench.worktree()
    (source / "data").mkdir()
    (source / "data" / "fine").write_text("fine")
    bench.capture(source, "warm-up")  # imports everything while this process may read it
    locked = source / "data" / "locked\n"
    if kind == "file":
        locked.write_text("secret")
    else:
        locked.mkdir()
    for path in (bench.folder, source, source / "data", source / "data" / "fine", locked):
        os.chown(path, SOMEBODY, SOMEBODY)
    locked.chmod(0)
    there = sorted(os.listdir(bench.folder))
    with as_user(), pytest.raises(UnsupportedFile, match=r"data/locked\\n") as refused:
        bench.capture(source)
    assert refused.value.facts["paths"] == [b"data/locked\n"]
    assert sorted(set(os.listdir(bench.folder)) - {"index.sqlite"}) == sorted(set(there) - {"index.sqlite"})


def test_a_user_keeps_what_is_his_and_is_told_what_he_cannot_keep(bench: Bench) -> None:
    source = bench.worktree()
    for name, owner in (("mine", SOMEBODY), ("theirs", 23456)):
        (source / name).write_text(name)
        os.chown(source / name, owner, owner)
        (source / name).chmod(0o4755)
    bench.capture(source, "warm-up")
    for path in (bench.folder, source):
        os.chown(path, SOMEBODY, SOMEBODY)
    with as_user():
        capture = bench.capture(source)
        describes(capture, bench.folder / "one")
    found = {entry.path: entry for entry in capture.entries}
    assert (found[b"mine"].uid, found[b"mine"].mode) == (SOMEBODY, 0o4755)
    kept = (found[b"theirs"].uid, found[b"theirs"].mode) == (23456, 0o4755)
    assert kept != any("theirs" in line for line in capture.degraded)
    assert kept or (found[b"theirs"].uid, found[b"theirs"].mode) == (SOMEBODY, 0o755)


def test_another_user_s_snapshot_is_a_base_for_one_s_own(bench: Bench) -> None:
    source = bench.worktree()
    (source / "a.txt").write_text("a")
    first = bench.capture(source)
    for path in (bench.folder, source):
        os.chown(path, SOMEBODY, SOMEBODY)
    with as_user():
        second = bench.capture(source, "two", previous=bench.previous(first))
        describes(second, bench.folder / "two")
    assert (bench.folder / "two" / "a.txt").read_text() == "a"


class Meddler(Silent):
    """Does something to the worktree right after it was walked, so many times."""

    def __init__(self, meddle: Callable[[int], object], times: int = 99) -> None:
        self.meddle, self.times, self.done = meddle, times, 0

    def finished(self, step: str) -> None:
        if step == "scan" and self.done < self.times:
            self.done += 1
            self.meddle(self.done)


def growing(path: Path) -> Callable[[int], None]:
    """Return a meddling that appends to ``path``."""

    def grow(_number: int) -> None:
        with path.open("a") as file:
            file.write("more\n")

    return grow


def test_a_file_that_changed_once_is_captured_at_the_second_try(bench: Bench) -> None:
    source = bench.worktree()
    for name in ("log.txt", "other.txt"):
        (source / name).write_text("line\n")
    capture = bench.capture(source, progress=Meddler(growing(source / "log.txt"), times=1))
    assert list(capture.changed_meanwhile) == []
    assert (bench.folder / "one" / "log.txt").read_text() == "line\nmore\n"
    describes(capture, bench.folder / "one")


def test_a_file_that_keeps_changing_is_refused_by_name(bench: Bench) -> None:
    source = bench.worktree()
    for name in ("log.txt", "other.txt"):
        (source / name).write_text("line\n")
    with pytest.raises(ConsistencyUnavailable, match=r"log\.txt") as refused:
        bench.capture(source, progress=Meddler(growing(source / "log.txt")))
    assert refused.value.facts["paths"] == [b"log.txt"]


def replaced_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a change that puts something else where a file was."""

    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def rewritten(path: Path) -> None:
    """Write as many other bytes, and set the time of before."""
    before = path.stat()
    path.write_text("LINE\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "grown": lambda path: growing(path)(1),
    "rewritten": rewritten,
    "gone": Path.unlink,
    "a fifo": replaced_by(os.mkfifo),
    "a link": replaced_by(lambda path: path.symlink_to("/etc/passwd")),
    "a folder": replaced_by(Path.mkdir),
    "another file": replaced_by(lambda path: path.write_text("line\n")),
    "mode": lambda path: path.chmod(0o600),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_best_effort_capture_says_what_changed_and_describes_what_it_has(bench: Bench, change: str) -> None:
    source = bench.worktree()
    (source / "data").mkdir()
    for name in ("data/log.txt", "other.txt"):
        (source / name).write_text("line\n")
    bench.capture(source, "before")  # the index now knows both
    meddler = Meddler(lambda _: CHANGES[change](source / "data" / "log.txt"), times=1)
    capture = bench.capture(source, consistency="best_effort", progress=meddler)
    describes(capture, bench.folder / "one")
    assert set(capture.changed_meanwhile) <= {b"data", b"data/log.txt"}
    steady = payload_metadata(bench.folder / "one", metadata_of(source)) == metadata_of(source)
    assert steady or b"data/log.txt" in capture.changed_meanwhile
    assert not any(b"root:" in path.read_bytes() for path in files_in(bench.folder / "one"))


def files_in(tree: Path) -> list[Path]:
    """Return the regular files of a tree."""
    return [path for path in tree.rglob("*") if not path.is_symlink() and path.is_file()]


def test_a_damaged_payload_is_not_put_back(bench: Bench) -> None:
    source = bench.worktree()
    (source / "data").mkdir()
    (source / "data" / "a.txt").write_text("true")
    (source / "b.txt").write_text("true")
    capture = bench.capture(source)
    payload = bench.folder / "one"
    if bench.engine.name == "btrfs-snapshot":
        with pytest.raises(OSError, match="Read-only"):
            overwrite(payload / "b.txt", "lies")
        subvolume.set_read_only(payload, False)
    overwrite(payload / "data" / "a.txt", "lies")
    with pytest.raises(PayloadHashMismatch, match=r"data/a\.txt") as refused:
        bench.engine.materialize(payload, capture.entries, bench.folder / "back", progress=SILENT)
    assert refused.value.facts["paths"] == [b"data/a.txt"]


def test_a_mount_in_the_worktree_is_captured_with_the_rest(bench: Bench) -> None:
    source = bench.worktree()
    (source / "inner").mkdir()
    (source / "a.txt").write_text("a")
    with memory_at(source / "inner"):
        (source / "inner" / "b.txt").write_text("b")
        capture = bench.capture(source)
        assert (bench.folder / "one" / "inner" / "b.txt").read_text() == "b"
        describes(capture, bench.folder / "one")
        whole = bench.engine.name in ("btrfs-snapshot", "juicefs-clone")
        assert capture.engine == ("reflink-copy" if whole else bench.engine.name)


BUILDERS = (build_virtualenv, build_git_repository, build_notebooks)


@pytest.fixture(scope="module")
def everyday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a virtual environment, a git repository and notebooks with outputs."""
    folder = tmp_path_factory.mktemp("everyday")
    for build in BUILDERS:
        build(folder / build.__name__)
    return folder


def test_everyday_folders_are_adopted_captured_and_put_back(bench: Bench, everyday: Path) -> None:
    source = bench.folder / "worktree"
    assert all(
        "without shared blocks" in line for line in bench.engine.adopt(everyday, source, progress=SILENT)
    )
    before = metadata_of(everyday, holes=False)
    assert metadata_of(source, holes=False) == before
    capture = bench.capture(source)
    assert (capture.engine, list(capture.degraded)) == (bench.engine.name, [])
    put_back(bench, capture)
    assert metadata_of(bench.folder / "back", holes=False) == before
    git = ["git", "-c", "safe.directory=*", "-C", str(bench.folder / "back" / "build_git_repository")]
    subprocess.run([*git, "fsck", "--strict"], check=True, capture_output=True)
    status = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, text=True)
    assert status.stdout == "?? untracked.txt\n"
    python = bench.folder / "back" / "build_virtualenv" / "bin" / "python"
    subprocess.run([python, "-c", "import click"], check=True)


@given(data=st.data())
@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_tree_comes_back_and_has_the_same_root_hash_on_every_engine(
    bench: Bench, data: st.DataObject
) -> None:
    tree: Tree = data.draw(trees(max_entries=8))
    made = [bench.folder / name for name in ("worktree", "one", "back")]
    for path in made:
        bench.engine.remove(path)
    source = bench.worktree()
    write_tree(tree, source)
    capture = bench.capture(source)
    put_back(bench, capture)
    assert read_tree(bench.folder / "back") == tree
    assert payload_metadata(bench.folder / "one", metadata_of(source)) == metadata_of(source)
    assert manifest.root_hash(capture.entries) == root_hash_of(bench.folder / "back")


def root_hash_of(tree: Path) -> str:
    """Return the root hash of a tree, from what the reference says and what an independent reader finds."""
    state = hashlib.sha256(b"jvs-root 1\n")
    letters = {"file": b"f", "directory": b"d", "link": b"l", "fifo": b"p"}
    for path, one in sorted(metadata_of(tree, holes=False).items()):
        size = one.size if one.kind == "file" and one.size else 0
        target, digest = one.target or b"", bytes.fromhex(one.sha256 or "")
        lengths = (len(path), letters[one.kind], one.mode, size, len(target), len(digest))
        state.update(struct.pack(">IcIQIB", *lengths) + path + target + digest)
    return state.hexdigest()


def test_removing_what_is_not_there_is_no_error(bench: Bench) -> None:
    bench.engine.remove(bench.folder / "never was")


def test_names_of_one_file_that_the_manifest_has_as_two_are_two_again(bench: Bench) -> None:
    source = bench.worktree()
    for name in ("a.txt", "b.txt"):
        (source / name).write_text("same")
        os.utime(source / name, ns=(0, 1_000_000_000))
    capture = bench.capture(source)
    payload = bench.folder / "one"
    if bench.engine.name == "btrfs-snapshot":
        subvolume.set_read_only(payload, False)
    (payload / "b.txt").unlink()
    os.link(payload / "a.txt", payload / "b.txt")
    back = bench.folder / "back"
    bench.engine.materialize(payload, capture.entries, back, progress=SILENT)
    (back / "a.txt").write_text("other")
    assert (back / "b.txt").read_text() == "same"


def test_modes_and_owners_that_drifted_are_the_manifest_s_again(bench: Bench) -> None:
    source = bench.worktree()
    (source / "data").mkdir()
    (source / "data" / "a.txt").write_text("true")
    os.mkfifo(source / "pipe", 0o600)
    capture = bench.capture(source)
    payload = bench.folder / "one"
    if bench.engine.name == "btrfs-snapshot":
        subvolume.set_read_only(payload, False)
    for name in ("data/a.txt", "data", "pipe", ""):
        os.chown(payload / name, 12345, 12345)
        os.chmod(payload / name, 0o707)
    back = bench.folder / "back"
    bench.engine.materialize(payload, capture.entries, back, progress=SILENT)
    for path in (b"", b"data", b"data/a.txt", b"pipe"):
        entry = next(entry for entry in capture.entries if entry.path == path)
        st = os.lstat(back / os.fsdecode(path))
        assert (st.st_mode & 0o7777, st.st_uid, st.st_gid) == (entry.mode, entry.uid, entry.gid), path
