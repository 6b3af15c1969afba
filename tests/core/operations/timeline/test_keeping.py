"""Copies of single files: kept whole or not at all, believed only as far as their record and bytes agree."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.records import kept
from jvs_core.errors import DescriptorCorrupt, InputError, PathEscape, PathNotFound, PayloadHashMismatch
from tests.support.passing import LetPass


def place(repo: Repository, copy_id: str) -> Path:
    (folder,) = kept.leftover_folders(repo._context.layout)
    return repo.root / folder / copy_id


def test_a_deleted_file_comes_back_with_its_mode_and_time(repo: Repository, main: Path) -> None:
    (main / "d").mkdir()
    (main / "d" / "hw1.ipynb").write_text("work")
    (main / "d" / "hw1.ipynb").chmod(0o640)
    os.utime(main / "d" / "hw1.ipynb", ns=(1, 1_234_567_890_123_456_789))
    copy = repo.timeline.keep_file("d/hw1.ipynb", "delete")
    assert copy is not None
    assert (copy.path, copy.size, copy.cause) == ("d/hw1.ipynb", 4, "delete")
    (main / "d" / "hw1.ipynb").unlink()
    (main / "d").rmdir()
    back = repo.timeline.put_back("d/hw1.ipynb", copy.copy_id)
    assert (back.path, back.renamed, back.copy_id) == ("d/hw1.ipynb", False, copy.copy_id)
    found = (main / "d" / "hw1.ipynb").stat()
    assert (main / "d" / "hw1.ipynb").read_text() == "work"
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o640, 1_234_567_890_123_456_789)
    assert [record.operation for record in repo.audit.log()][:2] == ["restore", "keep_file"]
    assert repo.doctor().healthy


def test_putting_back_never_replaces_anything(repo: Repository, main: Path) -> None:
    (main / "hw1.ipynb").write_text("lost")
    copy = repo.timeline.keep_file("hw1.ipynb", "overwrite")
    taken = repo.snapshot(lock=True)
    assert copy is not None
    (main / "hw1.ipynb").write_text("new")
    names = [
        repo.timeline.put_back("hw1.ipynb", source).path
        for source in (copy.copy_id, taken.snapshot_id, copy.copy_id)
    ]
    assert (main / "hw1.ipynb").read_text() == "new"
    assert len(set(names)) == 3
    assert all(name.startswith("hw1 (") and name.endswith(".ipynb") and ":" not in name for name in names)
    assert {(main / name).read_text() for name in names} == {"lost"}


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("a.tar.gz", "a (@).tar.gz"),
        (".hidden", ".hidden (@)"),
        ("plain", "plain (@)"),
        ("v1.2 of it", "v1.2 of it (@)"),
    ],
)
def test_the_name_beside_keeps_what_a_program_goes_by(
    repo: Repository, main: Path, name: str, beside: str
) -> None:
    (main / name).write_text("x")
    copy = repo.timeline.keep_file(name, "delete")
    assert copy is not None
    path = repo.timeline.put_back(name, copy.copy_id).path
    before, after = beside.split("@")
    assert path.startswith(before)
    assert path.endswith(after)


def test_a_snapshot_gives_a_file_to_another_place(repo: Repository, main: Path) -> None:
    (main / "a").write_text("x")
    taken = repo.snapshot(lock=True)
    back = repo.timeline.put_back("a", taken.snapshot_id, to="new/b")
    assert (back.path, back.snapshot_id, back.renamed) == ("new/b", taken.snapshot_id, False)
    with pytest.raises(PathEscape):
        repo.timeline.put_back("a", taken.snapshot_id, to="../../b")


def test_caches_and_what_is_no_file_are_not_kept(repo: Repository, main: Path) -> None:
    for folder in (".ipynb_checkpoints", "tagged"):
        (main / folder).mkdir()
        (main / folder / "a").write_text("x")
    (main / "tagged" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    os.symlink("a", main / "link")
    os.mkfifo(main / "fifo")
    for path in (".ipynb_checkpoints/a", "tagged/a", "link", "fifo"):
        assert repo.timeline.keep_file(path, "delete") is None
    assert repo.timeline.copies() == []


def test_what_is_excluded_is_not_kept(repo: Repository, main: Path) -> None:
    config = repo.root / ".jvs" / "config.toml"
    config.write_text(config.read_text() + '\n[exclude]\npatterns = ["/scratch/"]\n')
    (main / "scratch").mkdir()
    (main / "scratch" / "big").write_text("x")
    assert Repository(repo.root).timeline.keep_file("scratch/big", "delete") is None


def test_what_cannot_be_kept_is_named(repo: Repository, main: Path) -> None:
    (main / "d").mkdir()
    (main / "link").symlink_to("/etc")
    with pytest.raises(InputError, match="is a folder"):
        repo.timeline.keep_file("d", "delete")
    for path in ("nothing", "d/nothing", "link/passwd"):
        with pytest.raises(PathNotFound):
            repo.timeline.keep_file(path, "delete")
    for path in ("../x", "/etc/passwd"):
        with pytest.raises(PathEscape):
            repo.timeline.keep_file(path, "delete")
    assert repo.timeline.copies() == []


def test_a_copy_is_read_and_checked(repo: Repository, main: Path) -> None:
    (main / "a").write_bytes(b"x" * 3_000_000)
    copy = repo.timeline.keep_file("a", "delete")
    assert copy is not None
    with repo.timeline.open_copy(copy.copy_id) as file:
        assert file.read() == b"x" * 3_000_000
    file_kept = place(repo, copy.copy_id) / "file"
    file_kept.chmod(0o600)
    file_kept.write_bytes(b"y" * 3_000_000)
    with pytest.raises(PayloadHashMismatch, match="kept copy"), repo.timeline.open_copy(copy.copy_id) as file:
        file.read()
    (main / "a").unlink()
    with pytest.raises(PayloadHashMismatch, match="kept copy"):
        repo.timeline.put_back("a", copy.copy_id)
    assert os.listdir(main) == []


@pytest.mark.parametrize(
    "lie",
    [
        {"path": b"../../escape".hex()},
        {"path": b"/etc/passwd".hex()},
        {"path": ""},
        {"copy_id": "1700000000000-00000000"},
        {"worktree_id": "00000000-0000-0000-0000-000000000000"},
        {"sha256": "../x"},
        {"mode": 0o100644},
    ],
)
def test_a_record_that_lies_is_refused(repo: Repository, main: Path, lie: dict[str, object]) -> None:
    (main / "a").write_text("x")
    (main / "b").write_text("x")
    copy = repo.timeline.keep_file("a", "delete")
    other = repo.timeline.keep_file("b", "delete")
    assert copy is not None
    assert other is not None
    record = place(repo, copy.copy_id) / "record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **lie}))
    with pytest.raises(DescriptorCorrupt):
        repo.timeline.copies()
    with pytest.raises(DescriptorCorrupt):
        repo.timeline.put_back("a", copy.copy_id)
    problems: list[str] = []
    assert [each.copy_id for each in repo.timeline.copies(unreadable=problems)] == [other.copy_id]
    assert len(problems) == 1
    assert [finding.code for finding in repo.doctor().findings] == ["W_KEPT_DAMAGED"]
    assert sorted(os.listdir(main)) == ["a", "b"]


def test_a_link_in_the_place_of_the_file_is_not_followed(
    repo: Repository, main: Path, tmp_path: Path
) -> None:
    (main / "a").write_text("x")
    (tmp_path / "secret").write_text("x")
    copy = repo.timeline.keep_file("a", "delete")
    assert copy is not None
    (place(repo, copy.copy_id) / "file").unlink()
    (place(repo, copy.copy_id) / "file").symlink_to(tmp_path / "secret")
    with pytest.raises(PayloadHashMismatch):
        repo.timeline.put_back("a", copy.copy_id)


def test_what_a_crash_left_is_found_and_removed(repo: Repository, main: Path, let_pass: LetPass) -> None:
    (main / "a").write_text("x")
    copy = repo.timeline.keep_file("a", "delete")
    assert copy is not None
    left = place(repo, "1700000000000-0a0a0a0a.tmp")
    left.mkdir()
    (left / "file").write_text("half")
    os.utime(left / "file", (0, 0))
    os.utime(left, (0, 0))
    assert [finding.target for finding in repo.doctor().findings] == [str(left.relative_to(repo.root))]
    assert repo.doctor(repairs=["clean_tmp"], strict=True).healthy
    assert not left.exists()
    assert len(repo.timeline.copies()) == 1


def test_a_copy_that_is_being_made_is_left_alone(repo: Repository, main: Path) -> None:
    (main / "a").write_text("x")
    repo.timeline.keep_file("a", "delete")
    left = place(repo, "1700000000000-0a0a0a0a.tmp")
    left.mkdir()
    (left / "file").write_text("growing")
    os.utime(left, (0, 0))
    assert repo.doctor(repairs=["clean_tmp"], strict=True).healthy
    assert (left / "file").exists()


def test_setuid_is_not_given_by_a_record(repo: Repository, main: Path) -> None:
    (main / "a").write_text("x")
    copy = repo.timeline.keep_file("a", "delete")
    assert copy is not None
    record = place(repo, copy.copy_id) / "record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "mode": 0o4755, "uid": 12345}))
    (main / "a").unlink()
    repo.timeline.put_back("a", copy.copy_id)
    found = (main / "a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o755, os.geteuid())


def test_a_private_worktree_keeps_its_copies_private(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy", shared=True)
    main = repo.root / "main"
    main.chmod(0o700)
    (main / "a").write_text("x")
    repo.timeline.keep_file("a", "delete")
    (folder,) = kept.leftover_folders(repo._context.layout)
    assert (repo.root / folder).stat().st_mode & 0o077 == 0
