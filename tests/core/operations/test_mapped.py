"""A store through a mapping between two operations: neither lost nor in the wrong snapshot."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import Repository


@pytest.fixture
def repo(loop_workdir: Path) -> Repository:
    repo = Repository.init(loop_workdir / "repo")
    (repo.root / "main" / "other.txt").write_text("other")
    repo.snapshot("zero", lock=True)
    (repo.root / "main" / "a.bin").write_bytes(b"A" * 2 * mmap.PAGESIZE)
    os.sync()
    return repo


@pytest.fixture
def memory(repo: Repository) -> Iterator[mmap.mmap]:
    """Map the file ``a.bin``, snapshot it, and store to it what it holds already: its page now waits."""
    with (repo.root / "main" / "a.bin").open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        repo.snapshot("one", lock=True)
        memory[:4] = b"AAAA"
        time.sleep(0.03)
        yield memory


def test_a_store_after_a_status_is_seen_by_the_next(repo: Repository, memory: mmap.mmap) -> None:
    assert repo.status().clean
    memory[:4] = b"CCCC"
    assert repo.status().modified == ["a.bin"]


def test_a_store_after_a_status_is_in_the_snapshot(repo: Repository, memory: mmap.mmap) -> None:
    repo.status()
    memory[:4] = b"CCCC"
    snapshot = repo.snapshot("two", lock=True)
    payload = repo.root / ".jvs" / "snapshots" / snapshot.snapshot_id / "payload"
    assert (payload / "a.bin").read_bytes()[:4] == b"CCCC"
    assert [each.damaged_paths for each in repo.verify(every=True).snapshots] == [[], [], []]


def test_a_store_after_a_status_is_saved_before_a_restore(repo: Repository, memory: mmap.mmap) -> None:
    repo.status()
    memory[:4] = b"CCCC"
    repo.locks.acquire()
    repo.restore_inplace("HEAD~1", reason="test")
    assert not (repo.root / "main" / "a.bin").exists()
    repo.undo()
    assert (repo.root / "main" / "a.bin").read_bytes()[:4] == b"CCCC"
