"""A payload is compared with its manifest to a depth, and the answer is the one that a check of every byte gives."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from jvs_core.errors import EngineFailed, PartialSnapshot, PayloadHashMismatch, UnsupportedFile
from jvs_core.payload.check import status
from jvs_core.payload.check.comparison import Depth
from jvs_core.payload.check.status import check, check_some
from jvs_core.payload.manifest.lines import encode
from jvs_core.payload.tree import content, juicefs, stat_comparison
from jvs_core.payload.work import pool
from tests.core.payload.check.test_inspection import DAMAGES, build, entries_of, inspected
from tests.support.damage import overwrite, rot


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    return build(tmp_path / "payload")


@pytest.fixture(params=["alone", "processes", "threads"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in one of the three ways in which files are read."""
    if request.param == "processes":
        monkeypatch.setattr(pool, "processes", lambda files, size: 2)
        monkeypatch.setattr(status, "WORTH_BYTES", 1)
    if request.param == "threads":
        monkeypatch.setattr(juicefs, "mount_at", lambda path: True)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("depth", Depth)
def test_what_is_as_its_manifest_says_is_sound_to_every_depth(payload: Path, depth: Depth) -> None:
    entries = entries_of(payload)
    found = check(payload, entries, depth)
    assert found.sound
    assert [(stamp.dev, stamp.ino) for stamp in found.stamps()] == [
        (st.st_dev, st.st_ino) for st in (os.lstat(payload / os.fsdecode(entry.path)) for entry in entries)
    ]
    assert check_some(payload, entries, depth).sound


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_status_tells_what_reading_every_byte_tells(payload: Path, damage: str) -> None:
    entries = entries_of(payload)
    DAMAGES[damage][0](payload)
    truth = inspected(payload, encode(entries))
    for depth in (Depth.SUSPECT, Depth.EVERY_BYTE):
        found = check(payload, entries, depth)
        beyond = set(found.damaged) - set(truth.damaged)
        assert not {path for path in beyond if not path.startswith(b"folder-2/")}, damage
        assert set(truth.damaged) <= set(found.damaged)
        assert set(truth.drifted) - set(found.damaged) <= set(found.drifted)
        assert (bool(found.damaged), found.regrouped) == (bool(truth.damaged), truth.regrouped)


def test_each_difference_is_in_one_category(payload: Path) -> None:
    entries = entries_of(payload)
    (payload / "zero").unlink()
    (payload / "empty/new").mkdir()
    (payload / "empty/new/inner").touch()
    (payload / "link").unlink()
    (payload / "link").symlink_to("elsewhere")
    (payload / "a.txt").chmod(0o600)
    found = check(payload, entries, Depth.SUSPECT)
    assert found.missing == [b"zero"]
    assert found.extra == [b"empty/new", b"empty/new/inner"]
    assert found.different == [b"link"]
    assert found.drifted == [b"", b"a.txt", b"empty", b"folder/also-a"]
    assert [entry.path for entry in found.dressed_otherwise(entries)] == found.drifted
    assert not found.unreadable


@pytest.mark.parametrize(
    ("depth", "seen"),
    [(Depth.LOOK, (False, False)), (Depth.SUSPECT, (False, True)), (Depth.EVERY_BYTE, (True, True))],
)
@pytest.mark.parametrize("some", [False, True])
def test_content_is_read_as_far_as_the_depth_asks_for_it(
    payload: Path, depth: Depth, seen: tuple[bool, bool], some: bool
) -> None:
    entries = entries_of(payload)
    rot(payload / "folder/b.txt")
    rot(payload / "folder-2/d.txt")
    (payload / "folder-2/d.txt").chmod(0o600)
    found = check_some(payload, entries, depth) if some else check(payload, entries, depth)
    assert tuple(path in found.different for path in (b"folder/b.txt", b"folder-2/d.txt")) == seen
    assert (b"folder-2/d.txt" in found.drifted) is not seen[1]


def test_of_single_entries_the_rest_does_not_matter_nor_their_order(payload: Path) -> None:
    entries = entries_of(payload)
    (payload / "stray").touch()
    overwrite(payload / "zero", "other")
    chosen = [entry for entry in reversed(entries) if entry.path in (b"a.txt", b"folder/also-a", b"link")]
    assert not check_some(payload, [*chosen, *chosen], Depth.EVERY_BYTE).wrong


def test_a_folder_that_is_a_link_by_now_hides_nothing(payload: Path, tmp_path: Path) -> None:
    entries = [entry for entry in entries_of(payload) if entry.path.startswith(b"folder-2/")]
    (payload / "folder-2").rename(tmp_path / "elsewhere")
    (payload / "folder-2").symlink_to(tmp_path / "elsewhere")
    assert check_some(payload, entries, Depth.EVERY_BYTE).missing == [b"folder-2/d.txt"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOTCONN])
def test_what_cannot_be_read_is_in_no_other_category(
    payload: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    entries = entries_of(payload)

    def hash_fd(fd: int, size: int) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(content, "hash_fd", hash_fd)
    (payload / "a.txt").chmod(0o600)
    found = check(payload, entries, Depth.SUSPECT)
    assert list(found.unreadable) == [b"a.txt", b"folder/also-a"]
    assert not found.damaged
    assert not {b"a.txt", b"folder/also-a"} & set(found.drifted)
    with pytest.raises((EngineFailed, UnsupportedFile), match=r"a\.txt"):
        found.require_content()


def test_damage_is_told_before_what_cannot_be_read(payload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = entries_of(payload)
    overwrite(payload / "zero", "more")
    (payload / "a.txt").chmod(0o600)

    def hash_fd(fd: int, size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(content, "hash_fd", hash_fd)
    with pytest.raises(PayloadHashMismatch, match="zero") as refused:
        check(payload, entries, Depth.SUSPECT).require_content(below=b"sub")
    assert refused.value.facts["paths"] == [b"sub/zero"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize("module", [stat_comparison, status])
def test_a_payload_that_cannot_be_opened_is_none_that_is_gone(
    payload: Path, monkeypatch: pytest.MonkeyPatch, module: object, number: int
) -> None:
    entries = entries_of(payload)

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "Folders", refused)
    with pytest.raises((EngineFailed, UnsupportedFile), match=os.strerror(number)):
        check(payload, entries, Depth.EVERY_BYTE)


def test_a_payload_that_is_gone_is_a_partial_snapshot(payload: Path) -> None:
    entries = entries_of(payload)
    shutil.rmtree(payload)
    for one in (check, check_some):
        with pytest.raises(PartialSnapshot):
            one(payload, entries, Depth.SUSPECT)


def test_what_is_read_in_processes_is_told_alike(payload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = entries_of(payload)
    monkeypatch.setattr(status, "WORTH_BYTES", 1)
    rot(payload / "folder/b.txt")
    found = check(payload, entries, Depth.EVERY_BYTE)
    assert (found.damaged, found.unreadable) == ([b"folder/b.txt"], {})
