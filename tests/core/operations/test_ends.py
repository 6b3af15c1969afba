"""Numbers at their ends: every time that a file system keeps is kept, and every number of a user is answered."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.cli import output
from jvs_core.errors import ClockSkewExceeded
from tests.support.filesystems import memory_at

SECONDS = (-(2**63), -(2**40), -(2**31) - 1, -1, 0, 1, 2**31, 2**34, 9223372036, 9223372037, 2**40, 2**63 - 1)


def _works(folder: Path) -> None:
    repo = Repository.init(folder / "repo")
    main = repo.root / "main"
    kept = {}
    for number, seconds in enumerate(SECONDS):
        path = main / f"file{number}"
        path.write_text("first")
        os.utime(path, (seconds, seconds))
        kept[path.name] = path.stat().st_mtime_ns
    assert len(set(kept.values())) > len(SECONDS) // 2
    first = repo.snapshot("one", lock=True).snapshot_id
    assert repo.status().clean
    made = Path(repo.restore(first, name="aside").path)
    assert {path.name: path.stat().st_mtime_ns for path in made.iterdir()} == kept
    (main / "file0").write_text("second")
    repo.snapshot("two", lock=True)
    repo.restore_inplace(first, reason="back", lock=True)
    repo.undo(lock=True)
    repo.worktrees.remove("aside")
    assert repo.verify(every=True).ok


def test_every_time_that_a_disk_keeps_is_kept(loop_workdir: Path) -> None:
    _works(loop_workdir)


def test_every_time_that_memory_keeps_is_kept(loop_workdir: Path) -> None:
    (loop_workdir / "memory").mkdir()
    with memory_at(loop_workdir / "memory"):
        _works(loop_workdir / "memory")


@pytest.mark.parametrize("limit", [0, 1, 2**63 - 1, 2**63, 99999999999999999999])
def test_every_limit_is_answered(tmp_path: Path, limit: int) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for text in ("one", "two"):
        (repo.root / "main" / "file").write_text(text)
        repo.snapshot(text, lock=True)
    assert len(repo.history(limit=limit)) == min(limit, 2)
    assert len(repo.beginning("1", limit=limit)) == min(limit, 2)
    assert len(repo.audit.log(limit)) == min(limit, 3)


def test_a_clock_that_python_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    error = OverflowError("timestamp too large to convert to C _PyTime_t")
    assert output.unexpected(error).code == "E_INTERNAL"

    def overflows() -> int:
        raise error

    monkeypatch.setattr(time, "time_ns", overflows)
    told = output.unexpected(error)
    assert isinstance(told, ClockSkewExceeded)
    assert "2262" in told.message
