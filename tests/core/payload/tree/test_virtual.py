"""Files that are made up as they are read: never read past the size that was seen, left out or named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed, UnsupportedFile
from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.inplace.nested_repositories import repositories
from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import READ_FLAGS
from jvs_core.payload.tree.faults import Unsized
from jvs_core.payload.tree.virtual import OF_JUICEFS
from jvs_core.payload.tree.walk import scan
from tests.support.filesystems import FileSystem, bound, processes_at

LONGER, SHORTER = Path("/proc/version"), Path("/sys/kernel/mm/transparent_hugepage/enabled")


def _sized(path: Path, monkeypatch: pytest.MonkeyPatch, *, more: bytes) -> list[int]:
    """Let ``more`` be appended to ``path`` before each read of it; return the list of how many bytes each read gave."""
    given: list[int] = []
    real = os.preadv

    def endless(fd: int, buffers: list[memoryview], offset: int) -> int:
        with path.open("ab") as file:
            file.write(more)
        given.append(real(fd, buffers, offset))
        return given[-1]

    monkeypatch.setattr(os, "preadv", endless)
    return given


@pytest.mark.parametrize("size", [100, 3 << 20])
def test_a_file_that_grows_all_the_while_is_read_to_the_size_it_had_and_one_byte_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (size + 1))
    given = _sized(path, monkeypatch, more=bytes(1 << 20))
    fd = os.open(path, READ_FLAGS)
    content.hash_fd(fd, size)
    os.close(fd)
    assert sum(given) == size + 1


@pytest.mark.parametrize("method", ["clone", "copy"])
@pytest.mark.parametrize("path", [LONGER, SHORTER], ids=["more than it says", "less than it says"])
def test_a_file_whose_size_is_not_that_of_its_content_is_not_taken_for_one_that_is_read(
    tmp_path: Path, path: Path, method: str
) -> None:
    source, target = os.open(path, READ_FLAGS), os.open(tmp_path / "target", content.MAKE_FLAGS, 0o600)
    try:
        with pytest.raises(Unsized):
            content.hash_fd(source, os.fstat(source).st_size)
        with pytest.raises(Unsized):
            getattr(content, method)(source, os.fstat(source), target)
    finally:
        os.close(source)
        os.close(target)


def test_a_virtual_file_is_named_where_many_are_hashed() -> None:
    found = [entry for entry in scan(Path("/proc/sys/kernel/random"), must_read=False).entries if entry.path]
    with pytest.raises(UnsupportedFile, match="is a virtual file"):
        hash_files(Path("/proc/sys/kernel/random"), found)


@pytest.mark.parametrize("virtual", [LONGER, SHORTER])
def test_a_virtual_file_in_a_worktree_ends_the_snapshot_and_the_look_by_name(
    loop_workdir: Path, virtual: Path
) -> None:
    repo = Repository.init(loop_workdir / "repo")
    (repo.root / "main" / "inside").write_text("")
    with bound(virtual, repo.root / "main" / "inside"):
        for act in (repo.status, lambda: repo.snapshot("one", lock=True)):
            with pytest.raises(UnsupportedFile, match="inside is a virtual file"):
                act()
        with pytest.raises(UnsupportedFile, match="inside is a virtual file"):
            Repository.init(loop_workdir / "other", from_=repo.root / "main")
    assert repo.doctor().healthy


def _names(warnings: list[str]) -> set[str]:
    said = "virtual file of JuiceFS left out: "
    return {os.path.basename(line.removeprefix(said)) for line in warnings if line.startswith(said)}


def test_the_files_that_juicefs_makes_up_at_its_root_are_left_out_and_named(
    loop_workdir: Path, juicefs: FileSystem
) -> None:
    own = juicefs.mount / "mine" / ".config"
    own.parent.mkdir()
    own.write_text("a user's own")
    made_up = {os.fsdecode(name) for name in OF_JUICEFS} & set(os.listdir(juicefs.mount))
    assert {".accesslog", ".config", ".stats", ".trash"} <= made_up
    repo = Repository.init(loop_workdir / "repo")
    (repo.root / "main" / "data").mkdir()
    try:
        with bound(juicefs.mount, repo.root / "main" / "data"):
            assert {path for path in repo.status().added if "mine" not in path} == set()
            taken = repo.snapshot("one", lock=True)
            assert _names([*taken.degraded]) == made_up
            assert repo.status().clean
            assert repo.doctor().healthy
        adopted = Repository.init(loop_workdir / "other", from_=juicefs.mount)
        assert _names([*adopted.initialized().degraded]) == made_up
        assert (adopted.root / "main" / "mine" / ".config").read_text() == "a user's own"
        assert sorted(os.listdir(adopted.root / "main")) == ["mine"]
        assert repo.verify(every=True).ok
    finally:
        own.unlink()
        own.parent.rmdir()


def test_no_restore_puts_a_file_where_juicefs_makes_one_up(loop_workdir: Path, juicefs: FileSystem) -> None:
    repo = Repository.init(loop_workdir / "repo")
    (repo.root / "main" / "data").mkdir()
    (repo.root / "main" / "data" / ".config").write_text("a user's own")
    first = repo.snapshot("one", lock=True).snapshot_id
    (repo.root / "main" / "data" / ".config").unlink()
    with bound(juicefs.mount, repo.root / "main" / "data"):
        with pytest.raises(EngineFailed, match=r"data/\.config"):
            repo.restore_inplace(first, reason="no", lock=True)
        assert (repo.root / "main" / "data" / ".config").stat().st_ino > 2**62


def test_what_the_kernel_makes_up_of_processes_is_left_out_as_a_whole(loop_workdir: Path) -> None:
    source = loop_workdir / "root"
    (source / "proc").mkdir(parents=True)
    (source / "etc").write_text("etc")
    with processes_at(source / "proc"):
        assert [(each.path, each.kind) for each in scan(source).left_out] == [
            (b"proc", "virtual file system (proc)")
        ]
        repo = Repository.init(loop_workdir / "repo", from_=source)
        assert "virtual file system (proc) left out: proc" in repo.initialized().degraded
        assert os.listdir(repo.root / "main") == ["etc"]
        assert repositories(source) == []
