"""Syncing: where one ``syncfs`` does, and that no error of writing back is missed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, syncing
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
    monkeypatch.setattr(syncing, "open", lambda *_: io.BytesIO(line), raising=False)
    assert syncing.syncfs_works(tmp_path) is works


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

    real_open, real_sync = os.open, syncing._syncfs
    synced: list[tuple[str, str]] = []

    def noting(path: Any, *arguments: Any, **named: Any) -> int:
        fd = real_open(path, *arguments, **named)
        opened[fd] = here[0]
        return fd

    def noted(fd: int) -> None:
        synced.append((here[0], opened[fd]))
        real_sync(fd)

    monkeypatch.setattr(os, "open", noting)
    monkeypatch.setattr(syncing, "_syncfs", noted)
    repo.snapshot("one", lock=True, progress=Steps())
    assert ("ready", "intent") in synced


def test_without_syncfs_each_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(syncing, "syncfs_works", lambda path: False)
    monkeypatch.setattr(syncing, "sync_file", synced.append)
    monkeypatch.setattr(syncing, "sync_folder", synced.append)
    (tmp_path / "a").write_text("a")
    sync: Callable[[Sequence[Path]], None]
    with syncing.watching(tmp_path) as sync:
        sync([tmp_path / "a", tmp_path])
    assert synced == [tmp_path / "a", tmp_path]
