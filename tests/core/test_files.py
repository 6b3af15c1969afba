"""Making files durable: where one ``syncfs`` does, and that no error of writing back is missed."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, files
from jvs_core.errors import AlreadyExists
from jvs_core.progress import Silent


@pytest.mark.parametrize(
    ("kind", "works"),
    [
        ("xfs", True),
        ("btrfs", True),
        ("fuse", False),
        ("fuse.juicefs", False),
        ("fuseblk", False),
        ("9p", False),
    ],
)
def test_syncfs_is_asked_for_only_where_it_does_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, works: bool
) -> None:
    device = os.stat(tmp_path).st_dev
    line = f"1 1 {os.major(device)}:{os.minor(device)} / / rw - {kind} dev rw\n".encode()
    monkeypatch.setattr(files, "open", lambda *_: io.BytesIO(line), raising=False)
    assert files.syncfs_works(tmp_path) is works


def test_a_snapshot_is_synced_through_a_descriptor_from_before_its_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main/a").write_text("a")
    opened: dict[int, str] = {}
    here = ["before"]

    class Steps(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            here[0] = step

    real_open, real_sync = os.open, files._syncfs
    synced: list[tuple[str, str]] = []

    def noting(path: Any, *arguments: Any, **named: Any) -> int:
        fd = real_open(path, *arguments, **named)
        opened[fd] = here[0]
        return fd

    def syncing(fd: int) -> None:
        synced.append((here[0], opened[fd]))
        real_sync(fd)

    monkeypatch.setattr(os, "open", noting)
    monkeypatch.setattr(files, "_syncfs", syncing)
    repo.snapshot("one", lock=True, progress=Steps())
    assert ("ready", "intent") in synced


def test_without_syncfs_each_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "syncfs_works", lambda path: False)
    monkeypatch.setattr(files, "sync_file", synced.append)
    monkeypatch.setattr(files, "sync_folder", synced.append)
    (tmp_path / "a").write_text("a")
    sync: Callable[[Sequence[Path]], None]
    with files.watching(tmp_path) as sync:
        sync([tmp_path / "a", tmp_path])
    assert synced == [tmp_path / "a", tmp_path]


class Synced:
    """The files and folders that were made durable, in order, by name."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.told: list[str] = []
        fsync = os.fsync

        def noted(fd: int) -> None:
            self.told.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name.partition(".")[0] or "draft")
            fsync(fd)

        monkeypatch.setattr(os, "fsync", noted)
        monkeypatch.setattr(files, "_syncfs", lambda _: self.told.append("all"))

    def of(self, act: Callable[[], object]) -> list[str]:
        """Return what one act made durable."""
        self.told.clear()
        act()
        return list(self.told)


def test_content_is_durable_before_its_name_and_the_name_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here, there = tmp_path / "here", tmp_path / "there"
    synced = Synced(tmp_path, monkeypatch)
    assert synced.of(lambda: files.write_new(here / "new", b"x")) == ["new"]
    assert synced.of(lambda: files.write_new(here / "draft", b"x", durable=False)) == []
    assert synced.of(lambda: files.create_atomic(here / "made", b"x")) == ["draft", "here"]
    assert synced.of(lambda: files.write_atomic(here / "made", b"y")) == ["draft", "here"]
    assert synced.of(lambda: files.write_atomic(here / "made", b"z", durable=False)) == []
    assert synced.of(lambda: files.rename_durable(here / "made", here / "other")) == ["here"]
    assert synced.of(lambda: files.rename_durable(here / "other", there / "other")) == ["there", "here"]
    assert synced.of(lambda: files.remove_file(there / "other")) == ["there"]
    assert synced.of(lambda: files.remove_file(there / "other")) == []
    assert synced.of(lambda: files.create_together({here / "a": b"", here / "b": b""})) == ["all", "here"]


@pytest.mark.parametrize("flag", [True, False], ids=["with the call", "without it"])
def test_nothing_is_made_or_renamed_over_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: bool
) -> None:
    if not flag:

        def refused(*_: object) -> None:
            raise OSError(errno.EINVAL, "no such call")

        monkeypatch.setattr(files, "_renameat2", refused)
    (tmp_path / "there").write_text("there")
    (tmp_path / "source").write_text("source")
    (tmp_path / "folder").mkdir()
    acts: list[Callable[[], object]] = [
        lambda: files.rename_new(tmp_path / "source", tmp_path / "there"),
        lambda: files.rename_durable(tmp_path / "folder", tmp_path / "there"),
        lambda: files.create_atomic(tmp_path / "there", b"other"),
        lambda: files.create_together({tmp_path / "there": b"other"}),
        lambda: files.write_new(tmp_path / "there", b"other"),
    ]
    for act in acts:
        with pytest.raises(AlreadyExists):
            act()
    assert (tmp_path / "there").read_text() == "there"
    assert sorted(os.listdir(tmp_path)) == ["folder", "source", "there"]
