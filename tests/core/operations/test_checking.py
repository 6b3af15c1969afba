"""Whoever makes something from a snapshot, or verifies it, has the same answer to whether its payload is right."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.cli.verify import _lines
from jvs_core.errors import (
    EngineFailed,
    JvsError,
    PartialSnapshot,
    PayloadHashMismatch,
    UnsupportedFile,
)
from jvs_core.payload.check import matching
from jvs_core.payload.tree import content
from jvs_core.payload.tree.folders import Folders
from tests.support.damage import overwrite, payload_file, rot

Act = Callable[[Repository], object]

ACTS: dict[str, Act] = {
    "a new worktree": lambda repo: repo.restore("v1", name="back"),
    "a folder": lambda repo: repo.restore_path("v1", "data", to="back"),
    "in place": lambda repo: repo.restore_inplace("v1", reason="x", lock=True),
}


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository of which ``v1`` has two files and a link that are gone from the worktree since."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    data = repo.root / "main" / "data"
    data.mkdir()
    (data / "a.txt").write_text("one")
    (data / "b.txt").write_text("two")
    (data / "link").symlink_to("a.txt")
    repo.refs.create("v1", repo.snapshot("v1", lock=True).snapshot_id)
    shutil.rmtree(data)
    repo.snapshot("without", lock=True)
    return repo


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """Have reading the file ``name`` of a payload fail."""
    real = content.hash_fd

    def hash_fd(fd: int, size: int) -> bytes:
        path = os.readlink(f"/proc/self/fd/{fd}")
        if os.path.basename(path) == name and "/payload/" in path:
            raise OSError(number, os.strerror(number))
        return real(fd, size)

    monkeypatch.setattr(content, "hash_fd", hash_fd)


@pytest.mark.parametrize("act", ["a new worktree", "in place"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EACCES, errno.ENOMEM])
def test_what_cannot_be_read_is_told_by_its_name_and_never_as_damage(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, act: str, number: int
) -> None:
    os.utime(payload_file(repo, "v1", "data/a.txt"), (0, 0))
    refuse(monkeypatch, "a.txt", number)
    with pytest.raises((EngineFailed, UnsupportedFile), match=rf"data/a\.txt.*{os.strerror(number)}"):
        ACTS[act](repo)
    assert not (repo.root / "worktrees/back").exists()
    assert not (repo.root / "main/data").exists()


@pytest.mark.parametrize("act", ACTS)
def test_damage_is_named_by_its_path_in_the_snapshot(repo: Repository, act: str) -> None:
    overwrite(payload_file(repo, "v1", "data/b.txt"), "other")
    with pytest.raises(PayloadHashMismatch, match=r"data/b\.txt") as refused:
        ACTS[act](repo)
    assert refused.value.facts["paths"] == [b"data/b.txt"]


@pytest.mark.parametrize("act", ACTS)
def test_a_payload_that_is_gone_is_a_part_of_a_snapshot_that_is_missing(repo: Repository, act: str) -> None:
    shutil.rmtree(payload_file(repo, "v1", ""))
    with pytest.raises(PartialSnapshot):
        ACTS[act](repo)


@pytest.mark.parametrize("act", ACTS)
def test_a_mode_or_owner_that_drifted_is_a_warning_and_the_manifest_has_the_right_one(
    repo: Repository, act: str
) -> None:
    payload = payload_file(repo, "v1", "data")
    for name in ("a.txt", "b.txt", ""):
        (payload / name).chmod(0o777)
    if os.geteuid() == 0:
        os.chown(payload / "a.txt", 12345, 12345)
    report = next(found for found in repo.verify(every=True).snapshots if found.drifted_paths)
    assert (report.tamper_detected, report.severity) == (False, "warning")
    assert report.drifted_paths == ["data", "data/a.txt", "data/b.txt"]
    ACTS[act](repo)
    made = next(path for path in (*repo.root.glob("*/back"), *repo.root.glob("*/data")) if path.is_dir())
    made = made / "data" if (made / "data").is_dir() else made
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (made, made / "a.txt", made / "b.txt")}
    assert not [name for name, mode in modes.items() if mode & 0o022], modes
    assert (made / "a.txt").stat().st_uid == os.geteuid()
    assert (made / "a.txt").read_text() == "one"


def test_a_socket_in_a_payload_is_told_by_verify_as_by_restore_and_taken_away(repo: Repository) -> None:
    payload = payload_file(repo, "v1", "data")
    os.mknod(payload / "socket", stat.S_IFSOCK | 0o644)
    with pytest.raises(PayloadHashMismatch, match="data/socket"):
        ACTS["a new worktree"](repo)
    assert ["data/socket"] in [found.damaged_paths for found in repo.verify(every=True).snapshots]
    repo.doctor(repairs=["heal"])
    assert repo.verify(every=True).ok
    ACTS["a new worktree"](repo)


def test_content_that_was_rewritten_under_its_time_is_found_by_the_mode_that_drifted(
    repo: Repository,
) -> None:
    file = payload_file(repo, "v1", "data/a.txt")
    rot(file)
    file.chmod(0o777)
    with pytest.raises(PayloadHashMismatch, match=r"data/a\.txt"):
        ACTS["in place"](repo)


def test_a_file_out_of_descriptors_is_an_error_of_ours(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> tuple[int, os.stat_result]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(content, "open_regular", refused)
    with pytest.raises(EngineFailed, match=r"data/a\.txt: Too many open files"):
        repo.open_file("v1", "data/a.txt")


def test_verify_tells_damage_from_what_cannot_be_read(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    rot(payload_file(repo, "v1", "data/b.txt"))
    refuse(monkeypatch, "a.txt", errno.EIO)
    report = repo.verify(every=True).snapshots[0]
    assert (report.code, report.damaged_paths) == ("E_PAYLOAD_HASH_MISMATCH", ["data/a.txt", "data/b.txt"])
    assert report.message == "1 path differs from the manifest, 1 cannot be read"


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_verify_calls_nothing_tampered_with_that_it_could_not_read(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse(monkeypatch, "a.txt", number)
    report = repo.verify(every=True)
    first = report.snapshots[0]
    assert (report.ok, first.severity, first.tamper_detected) == (False, "critical", False)
    assert first.damaged_paths == ["data/a.txt"]
    assert _lines(first)[0] == f"{first.snapshot_id}  UNREADABLE  {first.code}"


def test_a_payload_that_may_not_be_opened_is_no_missing_one_and_the_others_are_checked(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = os.fsencode(payload_file(repo, "v1", ""))

    def folders(top: bytes) -> Any:
        if top == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return Folders(top)

    monkeypatch.setattr(matching, "Folders", folders)
    first, second = repo.verify(every=True).snapshots
    assert (first.code, first.tamper_detected, first.severity) == (UnsupportedFile.code, False, "critical")
    assert (second.code, second.severity) == (None, "none")


def test_removing_a_worktree_whose_head_is_gone_is_refused(repo: Repository) -> None:
    repo.restore("v1", name="back")
    shutil.rmtree(payload_file(repo, "v1", ""))
    with pytest.raises(JvsError) as refused:
        repo.worktrees.remove("back")
    assert isinstance(refused.value, PartialSnapshot)
    assert (repo.root / "worktrees/back/data/a.txt").read_text() == "one"
