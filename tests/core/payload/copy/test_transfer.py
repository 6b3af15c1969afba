"""An entry brought to another place is the manifest's there, whichever way it goes."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core.errors import EngineFailed, JvsError, PayloadHashMismatch, UnsupportedFile
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.copy import transfer
from jvs_core.payload.copy.materialize import adopt_tree, materialize_tree
from jvs_core.payload.copy.single import extract
from jvs_core.payload.inplace import converge
from jvs_core.payload.inplace.steps import plan
from jvs_core.payload.tree import attributes, content
from jvs_core.payload.tree.walk import Scan
from jvs_core.progress import SILENT

DEFAULT_ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, rights, who)
    for tag, rights, who in (
        (0x01, 7, 2**32 - 1), (0x02, 7, 1234), (0x04, 5, 2**32 - 1), (0x10, 7, 2**32 - 1), (0x20, 5, 2**32 - 1)
    )
)  # fmt: skip


def described(root: Path) -> Scan:
    return describe(root, StatIndex(None), clock_folder=root.parent, with_attributes=True)


@pytest.fixture
def payload(workdir: Path) -> Path:
    """Return a tree of a file, a FIFO and a folder with attributes, and one more file without any."""
    root = workdir / "payload"
    (root / "folder").mkdir(parents=True)
    for name in ("file", "folder/inner"):
        (root / name).write_text(name)
    os.mkfifo(root / "pipe")
    for name in ("file", "folder"):
        os.setxattr(root / name, "user.note", b"kept")
    return root


def in_place(payload: Path, wanted: Scan, here: Path) -> list[str]:
    """Make the existing tree ``here`` equal to the payload."""
    here.mkdir(exist_ok=True)
    return converge.apply(here, payload, plan(described(here), wanted.entries)).losses()


def attributes_alone(payload: Path, wanted: Scan, here: Path) -> list[str]:
    """Make a tree of the same content equal to it, so that attributes are all that is brought."""
    here.mkdir()
    (here / "folder").mkdir()
    for name in ("file", "folder/inner"):
        (here / name).write_text(name)
    os.mkfifo(here / "pipe")
    return in_place(payload, wanted, here)


def whole(payload: Path, wanted: Scan, here: Path) -> list[str]:
    return materialize_tree(payload, wanted.entries, here, method="copy", progress=SILENT)


def piece_by_piece(payload: Path, wanted: Scan, here: Path) -> list[str]:
    here.mkdir()
    return [
        line
        for name in ("file", "folder", "pipe")
        for line in extract(payload, wanted.entries, name.encode(), here / name)
    ]


WAYS: dict[str, Callable[[Path, Scan, Path], list[str]]] = {
    "in place": in_place,
    "attributes alone": attributes_alone,
    "whole": whole,
    "piece by piece": piece_by_piece,
}


def kept(root: Path) -> dict[str, attributes.Xattrs]:
    return {
        name: attributes.read_xattrs(os.fsencode(root / name))
        for name in ("file", "folder", "folder/inner", "pipe")
    }


@pytest.mark.parametrize("way", WAYS)
def test_attributes_come_along(payload: Path, way: str) -> None:
    here = payload.with_name("here")
    assert WAYS[way](payload, described(payload), here) == []
    assert kept(here) == kept(payload)


@pytest.mark.parametrize("way", WAYS)
def test_attributes_that_are_no_longer_the_snapshots_are_left_out_and_told(payload: Path, way: str) -> None:
    wanted = described(payload)
    for name in ("file", "folder"):
        os.setxattr(payload / name, "user.note", b"planted")
    here = payload.with_name("here")
    told = WAYS[way](payload, wanted, here)
    assert kept(here) == dict.fromkeys(kept(here), ())
    assert all(
        "left out extended attributes that differ from what the snapshot recorded" in line for line in told
    )
    assert {name for name in ("file", "folder") for line in told if name in line.rpartition(": ")[2]} == {
        "file",
        "folder",
    }


def test_what_is_made_in_a_folder_gets_none_of_the_rights_that_it_hands_down(payload: Path) -> None:
    here = payload.with_name("here")
    here.mkdir()
    os.setxattr(payload, "system.posix_acl_default", DEFAULT_ACL)
    os.setxattr(here, "system.posix_acl_default", DEFAULT_ACL)
    wanted = described(payload)
    in_place(payload, wanted, here)
    assert kept(here) == kept(payload)
    for name in ("file", "pipe"):
        extract(payload, wanted.entries, name.encode(), here / f"another {name}")
        made = attributes.read_xattrs(os.fsencode(here / f"another {name}"))
        assert made == kept(payload)[name]


def test_a_folder_that_goes_while_files_are_brought_into_it_is_no_damage(
    payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = payload.with_name("here")
    (here / "folder").mkdir(parents=True)
    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    bring = transfer.Transfer.bring

    def late(self: transfer.Transfer, item: transfer.Item, *rest: object) -> object:
        if item.name == b"inner" and (here / "folder").exists():
            (here / "folder").rmdir()
        return bring(self, item, *rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(transfer.Transfer, "bring", late)
    steps = plan(described(here), described(payload).entries)
    done = converge.apply(here, payload, steps)
    assert b"folder/inner" in done.overtaken
    monkeypatch.undo()
    in_place(payload, described(payload), here)
    assert (here / "folder" / "inner").read_text() == "folder/inner"


def test_a_payload_without_a_folder_of_its_manifest_is_damaged(payload: Path) -> None:
    wanted = described(payload)
    (payload / "folder" / "inner").unlink()
    (payload / "folder").rmdir()
    for way in (in_place, whole, piece_by_piece):
        with pytest.raises(PayloadHashMismatch):
            way(payload, wanted, payload.with_name(way.__name__))


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.EACCES])
@pytest.mark.parametrize("way", ["in place", "piece by piece"])
def test_a_file_that_the_system_does_not_open_is_no_damage(
    payload: Path, monkeypatch: pytest.MonkeyPatch, code: int, way: str
) -> None:
    wanted = described(payload)
    opened = content.open_regular

    def refused(name: bytes, *rest: object) -> object:
        if name == b"inner":
            raise OSError(code, os.strerror(code))
        return opened(name, *rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(content, "open_regular", refused)
    error: type[JvsError] = UnsupportedFile if code == errno.EACCES else EngineFailed
    with pytest.raises(error, match=f"inner: {os.strerror(code)}"):
        WAYS[way](payload, wanted, payload.with_name("here"))


def test_a_file_that_may_not_be_read_is_named_with_its_folders(
    payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = content.open_regular

    def refused(name: bytes, *rest: object) -> object:
        if name == b"inner":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(name, *rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(content, "open_regular", refused)
    with pytest.raises(UnsupportedFile, match="cannot read folder/inner: "):
        adopt_tree(payload, payload.with_name("here"), method="copy", progress=SILENT)


def test_what_is_adopted_by_clones_is_not_read(payload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> bytes:
        raise AssertionError("nobody needs the digest")

    def cloned(source: int, st: os.stat_result, target: int) -> str:
        os.copy_file_range(source, target, st.st_size)
        return "reflink"

    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(content, "hash_fd", forbidden)
    monkeypatch.setattr(content, "clone", cloned)
    assert adopt_tree(payload, payload.with_name("here"), method="reflink", progress=SILENT) == []
