"""Extended attributes that the file system does not take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.payload.tree import attributes
from tests.support.filesystems import FileSystem


def test_attributes_that_do_not_fit_beside_a_file_are_named_and_the_disk_is_not_called_full(
    ext4: FileSystem, xfs: FileSystem, tmp_path: Path
) -> None:
    source = xfs.mount / "attributes"
    source.mkdir()
    (source / "file").write_text("file")
    (source / "other").write_text("other")
    for number in range(4):
        os.setxattr(source / "file", f"user.note{number}", bytes(3000))
    place = ext4.mount / "attributes"
    place.mkdir()
    repo = Repository.init(place / "repo", from_=source)
    (line,) = repo.initialized().degraded
    assert line == "the file system refused extended attributes, on 1 entry: file"
    kept = os.listxattr(repo.root / "main" / "file")
    assert 0 < len(kept) < 4
    repo.snapshot("one", lock=True)
    assert repo.verify(every=True).ok
    assert repo.restore("HEAD").degraded == ()


def test_a_full_disk_is_called_one_also_where_it_refuses_attributes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.statvfs(tmp_path)

    def refused(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "setxattr", refused)
    monkeypatch.setattr(os, "fstatvfs", lambda _: os.statvfs_result([*full[:4], 0, *full[5:]]))
    (tmp_path / "file").touch()
    fd = os.open(tmp_path / "file", os.O_RDWR)
    try:
        with pytest.raises(OSError, match="No space left"):
            attributes.set_xattrs(fd, (("user.note", b"note"),))
        monkeypatch.undo()
        monkeypatch.setattr(os, "setxattr", refused)
        assert attributes.set_xattrs(fd, (("user.note", b"note"),)) == ("user.note",)
    finally:
        os.close(fd)
