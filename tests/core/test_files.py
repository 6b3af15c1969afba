"""Durable file operations: what they make durable and in what order, and that nothing is overwritten."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import files, renames, syncing
from jvs_core.errors import AlreadyExists


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
        monkeypatch.setattr(syncing, "_syncfs", lambda _: self.told.append("all"))

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

        monkeypatch.setattr(renames, "_rename", refused)
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
