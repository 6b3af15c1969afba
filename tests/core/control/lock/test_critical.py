"""Critical sections: one at a time, on the file that has the name now, and with an end."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from jvs_core import clock
from jvs_core.control.lock import critical, file_lock
from jvs_core.errors import FencingMismatch, LockConflict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_one_is_inside_at_a_time_and_the_other_is_told_when_its_wait_is_over(path: Path) -> None:
    with critical.exclusive(path):
        assert critical.is_held(path)
        with pytest.raises(LockConflict, match="did not end"), critical.exclusive(path, wait_s=0):
            raise AssertionError
        assert critical.is_held(path)
    assert not critical.is_held(path)
    with critical.exclusive(path, wait_s=0):
        pass


def test_outside_of_a_section_and_in_that_of_another_thread_nothing_is_allowed(path: Path) -> None:
    failed: list[bool] = []

    def other() -> None:
        with pytest.raises(AssertionError, match="not in the critical section"):
            critical.require(path)
        failed.append(critical.is_held(path))

    with critical.exclusive(path):
        critical.require(path)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with pytest.raises(AssertionError):
            critical.require(path.with_name("another"))
    assert failed == [False]
    with pytest.raises(AssertionError):
        critical.require(path)


def test_a_section_counts_until_its_deadline_and_no_longer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = clock.boot_ms()
    monkeypatch.setattr(clock, "boot_ms", lambda: began)
    with critical.exclusive(path):
        monkeypatch.setattr(clock, "boot_ms", lambda: began + critical.TRUSTED_MS - 1)
        critical.require(path)
        monkeypatch.setattr(clock, "boot_ms", lambda: began + critical.TRUSTED_MS)
        with pytest.raises(FencingMismatch, match="silent for so long"):
            critical.require(path)
    with critical.exclusive(path, lasting=True):
        monkeypatch.setattr(clock, "boot_ms", lambda: began + 100 * critical.TRUSTED_MS)
        critical.require(path)


def test_a_lock_file_that_was_removed_while_one_waited_for_it_is_no_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = file_lock.take
    taken: list[int] = []

    def removed_meanwhile(fd: int, path: Path, *, deadline: float, wait_s: float, who: str) -> None:
        take(fd, path, deadline=deadline, wait_s=wait_s, who=who)
        if not taken:
            path.unlink()
        taken.append(os.fstat(fd).st_ino)

    monkeypatch.setattr(file_lock, "take", removed_meanwhile)
    with critical.exclusive(path):
        assert path.stat().st_ino == taken[-1]
        monkeypatch.undo()
        with pytest.raises(LockConflict), critical.exclusive(path, wait_s=0):
            raise AssertionError
    assert len(taken) == 2


def test_a_lock_is_given_back_though_a_child_was_forked_meanwhile(path: Path) -> None:
    there, here = os.pipe()
    with critical.exclusive(path):
        child = os.fork()
        if not child:
            os.close(here)
            os.read(there, 1)
            os._exit(0)
    try:
        with critical.exclusive(path, wait_s=0):
            pass
    finally:
        os.close(there)
        os.close(here)
        os.waitpid(child, 0)
