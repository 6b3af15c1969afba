"""A command below its warden: whatever it starts, nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core.cli import control_group, warden
from jvs_core.cli.watched import Watched

pytestmark = pytest.mark.slow

DAEMON = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        open("alive", "w").close()
        time.sleep(600)
    os._exit(0)
while not os.path.exists("alive"): time.sleep(0.01)
"""
# Each process makes another one and ends, as fast as it can; never more than a few at a time, and not for ever.
FORKING = """
import os, time
while True:
    try:
        if os.fork() == 0:
            os.setsid()
            os.utime(os.open("alive", os.O_CREAT | os.O_WRONLY))
        else:
            os._exit(0)
    except OSError:
        time.sleep(0.001)
    if time.monotonic() > UNTIL: break
"""

END = """
os.kill(os.getppid(), 9)
time.sleep(600)
"""
KILLING = f"""
import os, subprocess, time
open("alive", "w").close()
subprocess.Popen(["sleep", "600"], start_new_session=True)
{END}
"""


@pytest.fixture(params=["control group", "subreaper"])
def mechanism(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either mechanism; the first where this machine lets us have control groups."""
    if request.param == "subreaper":
        monkeypatch.setattr(control_group, "make", lambda: None)
    else:
        group = control_group.make()
        if group is None:
            pytest.skip("this user may make no control group here")
        group.rmdir()
    return str(request.param)


@pytest.fixture
def mark() -> Iterator[str]:
    """A word in the environment by which what a test started can be told from everything else."""
    word = f"JVS_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    yield word
    for process in running(word):
        os.kill(process, signal.SIGKILL)


def running(mark: str) -> list[int]:
    """Return the processes that have the mark in their environment."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and mark.encode() in Path("/proc", name, "environ").read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found


def started(folder: Path, mark: str, script: str, *, in_terminal: bool = False) -> Watched:
    name, _, value = mark.partition("=")
    child = Watched(
        [sys.executable, "-c", script],
        folder=folder,
        environment={**os.environ, name: value},
        in_terminal=in_terminal,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (folder / "alive").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return child


def gone(mark: str) -> bool:
    deadline = time.monotonic() + 10
    while (left := running(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not left


def test_a_daemon_that_ignores_signals_is_ended(
    tmp_path: Path, mark: str, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = started(tmp_path, mark, DAEMON)
    ended = child.wait(60)
    child.close()
    assert ended is not None
    assert (ended.status, len(ended.left)) == (0, 1)
    assert gone(mark)


def test_what_forks_faster_than_it_can_be_looked_at_is_ended(
    tmp_path: Path, mark: str, mechanism: str
) -> None:
    child = started(tmp_path, mark, FORKING.replace("UNTIL", str(time.monotonic() + 60)))
    child.stop()
    ended = child.wait(30)
    child.close()
    assert ended is not None
    assert ended.stuck == ()
    last = (tmp_path / "alive").stat().st_mtime_ns
    time.sleep(0.2)
    assert (tmp_path / "alive").stat().st_mtime_ns == last


def test_a_command_that_kills_its_warden_goes_with_it(tmp_path: Path, mark: str, mechanism: str) -> None:
    """With a control group all that it started goes, too; a subreaper that is gone can end nothing."""
    script = KILLING if mechanism == "control group" else KILLING.partition("subprocess.Popen")[0] + END
    child = started(tmp_path, mark, script)
    ended = child.wait(30)
    child.close()
    assert ended is not None
    assert ended.status == -signal.SIGKILL
    assert gone(mark)


STOPPING = """
import os, signal, sys, time
def stop():
    os.kill(os.getppid(), signal.SIGSTOP)
open("alive", "w").close()
"""


@pytest.mark.parametrize("again", ["", "while True: stop(); time.sleep(0.01)"])
@pytest.mark.parametrize("in_terminal", [False, True])
def test_a_command_that_stops_its_warden_holds_nobody_up(
    tmp_path: Path, mark: str, mechanism: str, again: str, in_terminal: bool
) -> None:
    child = started(tmp_path, mark, f"{STOPPING}stop()\n{again}", in_terminal=in_terminal)
    if again:
        child.stop()
    ended = child.wait(30)
    child.close()
    assert ended is not None
    assert ended.status == (-signal.SIGTERM if again else 0)
    assert gone(mark)


@pytest.mark.parametrize("forged", [b"S", b"Sx", b"E", b"S1e3", b"E99999", b"\0\0"])
def test_a_report_that_no_warden_wrote_is_a_killed_one(tmp_path: Path, mark: str, forged: bytes) -> None:
    child = started(tmp_path, mark, "open('alive', 'w')")
    child._said, child._over = forged, True
    ended = child.wait()
    child.close()
    assert ended is not None
    assert ended.status == -signal.SIGKILL


def test_a_control_group_goes_with_its_processes() -> None:
    group = control_group.make()
    if group is None:
        pytest.skip("this user may make no control group here")
    (group / "below").mkdir()
    sleeper = subprocess.Popen(["sleep", "600"])
    (group / "below" / "cgroup.procs").write_text(str(sleeper.pid))
    warden.end_group(str(group))
    assert not group.exists()
    assert sleeper.wait(10) == -signal.SIGKILL
    warden.end_group(str(group))
