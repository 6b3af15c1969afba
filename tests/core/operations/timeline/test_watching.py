"""Noticing changes by inotify, and saying so where it does not tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import Repository, Watch
from jvs_core.errors import WorktreeNotFound
from jvs_core.operations.timeline import watching
from jvs_core.payload.tree import mounts
from jvs_core.payload.tree.mounts import Mount


@pytest.fixture
def watch(repo: Repository, main: Path) -> Iterator[Watch]:
    (main / "d" / "e").mkdir(parents=True)
    with repo.timeline.watch() as watch:
        assert watch.why is None
        yield watch


def drained(watch: Watch) -> None:
    while watch.wait(0.3):
        pass


def test_a_change_at_any_depth_wakes(watch: Watch, main: Path) -> None:
    assert not watch.wait(0.1)
    (main / "d" / "e" / "f").write_text("x")
    assert watch.wait(5)
    drained(watch)
    (main / "d" / "e" / "f").unlink()
    assert watch.wait(5)


def test_new_and_moved_folders_are_watched(watch: Watch, main: Path, tmp_path: Path) -> None:
    (main / "new" / "er").mkdir(parents=True)
    assert watch.wait(5)
    drained(watch)
    (main / "new" / "er" / "f").write_text("x")
    assert watch.wait(5)
    drained(watch)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").rename(main / "came")
    (main / "d").rename(main / "moved")
    assert watch.wait(5)
    drained(watch)
    for path in ("came/deep/f", "moved/e/f"):
        (main / path).write_text("x")
        assert watch.wait(5), path
        drained(watch)


def test_caches_and_what_links_lead_to_do_not_wake(repo: Repository, main: Path, tmp_path: Path) -> None:
    for folder in (".ipynb_checkpoints", "d/__pycache__", "tagged", ".jvs"):
        (main / folder).mkdir(parents=True)
    (main / "tagged" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    (tmp_path / "big").mkdir()
    (main / "link").symlink_to(tmp_path / "big")
    with repo.timeline.watch() as watch:
        assert watch.folders == 2
        for path in (".ipynb_checkpoints/x", "d/__pycache__/x", "tagged/x", ".jvs/x", "link/x"):
            (main / path).write_text("x")
        (main / ".ipynb_checkpoints" / "sub").mkdir()
        assert not watch.wait(0.7)


def test_a_worktree_that_goes_is_lost(watch: Watch, main: Path, repo: Repository) -> None:
    for folder in (main / "d" / "e", main / "d", main):
        folder.rmdir()
    while not watch.is_lost:
        assert watch.wait(5)
    with pytest.raises(WorktreeNotFound):
        repo.timeline.watch()


def test_too_many_folders_are_said_and_none_is_watched(
    repo: Repository, main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_FOLDERS", 5)
    for number in range(10):
        (main / str(number)).mkdir()
    with repo.timeline.watch() as watch:
        assert watch.folders == 0
        assert watch.why is not None
        assert "max_user_watches" in watch.why
        (main / "x").write_text("x")
        assert not watch.wait(0.1)


def test_a_limit_that_is_reached_later_is_said(
    watch: Watch, main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_FOLDERS", 5)
    for number in range(10):
        (main / str(number)).mkdir()
    assert watch.wait(5)
    assert watch.why is not None
    assert watch.folders == 0
    assert not watch.is_lost


def test_more_events_than_the_kernel_remembers_lose_no_folder(watch: Watch, main: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(limit // 2 + 100):
        os.utime(main / "d", (number, number))
        os.utime(main / "d" / "e", (number, number))
    (main / "unseen").mkdir()
    assert watch.wait(5)
    drained(watch)
    (main / "unseen" / "f").write_text("x")
    assert watch.wait(5)


def test_a_file_system_that_others_change_is_said(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "mount_of", lambda _path: Mount(1, "0:1", b"/", "fuse.juicefs", b"x"))
    with repo.timeline.watch() as watch:
        assert watch.why == "fuse.juicefs does not report what other hosts change"
        assert watch.folders == 1
