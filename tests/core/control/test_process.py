"""Whether the process that a record names still runs: reused ids, ended and unasked for, other hosts, containers, users."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import clock
from jvs_core.control import process
from jvs_core.model import Process
from jvs_core.settings import Settings


def record(settings: Settings) -> Process:
    return Process(**process.own(settings))


@pytest.fixture
def ended() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended and that nobody has asked for."""
    started = subprocess.Popen(["true"])
    while Path(f"/proc/{started.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    yield started
    started.wait()


def test_a_process_runs_has_ended_or_is_elsewhere(ada: Settings, bob: Settings) -> None:
    mine = record(ada)
    assert mine.pid == os.getpid()
    assert process.is_running(mine, ada) is True
    assert process.is_running(mine, bob) is True  # the host's name says nothing
    assert process.is_running(mine.changed(boot_id="another boot"), ada) is None


@pytest.mark.parametrize("machine", ["same", "another", "unknown"])
@pytest.mark.parametrize(
    ("ago_ms", "running"), [(0, True), (20_000, True), (40_000, False), (-1_000, True), (-60_000, None)]
)
def test_signs_of_life_decide_where_a_process_cannot_be_seen(
    ada: Settings, machine: str, ago_ms: int, running: bool | None
) -> None:
    mine = record(ada)
    other = {"same": mine.machine_id, "another": "0" * 32, "unknown": None}[machine]
    elsewhere = mine.changed(boot_id="another boot", machine_id=other)
    assert process.is_running(elsewhere, ada, seen_ms=clock.now_ms() - ago_ms) is running
    assert mine.pid_namespace is not None
    contained = mine.changed(pid_namespace=mine.pid_namespace + 1)
    assert process.is_running(contained, ada, seen_ms=clock.now_ms() - ago_ms) is running


def test_who_was_last_seen_before_this_machine_started_is_dead(
    ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = record(ada).changed(boot_id="another boot")
    if mine.machine_id is None:
        pytest.skip("this machine has no /etc/machine-id")
    seen = clock.now_ms() - 20_000
    assert process.is_running(mine, ada, seen_ms=seen) is True
    monkeypatch.setattr(clock, "boot_ms", lambda: 10_000)
    assert process.is_running(mine, ada, seen_ms=seen) is False
    assert process.is_running(mine.changed(machine_id="0" * 32), ada, seen_ms=seen) is True


def test_an_id_that_was_given_away_again_is_not_the_process(ada: Settings) -> None:
    mine = record(ada)
    assert mine.process_start is not None
    assert process.is_running(mine.changed(process_start=mine.process_start - 1), ada) is False
    assert process.is_running(mine.changed(process_start=None), ada) is True


def test_a_process_that_nobody_asked_for_has_ended(ada: Settings, ended: subprocess.Popen[bytes]) -> None:
    mine = record(ada)
    assert process.is_running(mine.changed(pid=ended.pid, process_start=None), ada) is False
    ended.wait()
    assert process.is_running(mine.changed(pid=ended.pid, process_start=None), ada) is False


def test_another_container_of_the_same_host_cannot_be_seen(ada: Settings) -> None:
    mine = record(ada)
    assert mine.pid_namespace is not None
    assert process.is_running(mine.changed(pid_namespace=mine.pid_namespace + 1), ada) is None
    assert process.is_running(mine.changed(pid_namespace=None), ada) is True


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes a namespace of process ids")
def test_a_real_namespace_counts_its_own_ids(ada: Settings) -> None:
    said = subprocess.run(
        ["unshare", "--pid", "--fork", "--kill-child", "stat", "-Lc", "%i", "/proc/self/ns/pid_for_children"],
        check=True,
        capture_output=True,
    )
    mine = record(ada)
    assert int(said.stdout) != mine.pid_namespace
    assert process.is_running(mine.changed(pid_namespace=int(said.stdout), pid=1), ada) is None


def test_a_process_of_which_nothing_can_be_read_counts_as_running(
    ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = record(ada)
    monkeypatch.setattr(process, "_look", lambda pid: None)
    assert process.is_running(mine, ada) is True
