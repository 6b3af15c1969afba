"""Jobs of a warm starter: heard only so long and so much, and nothing of one is the next one's or the hub's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from jvs_jupyter.hub import bounded, starter, warm
from jvs_jupyter.hub.command import Refused, answer
from jvs_jupyter.hub.ownership import Owner
from tests.jupyter.hub.conftest import open_folder
from tests.support.machine import SystemUser, machine
from tests.support.source import PYTHONPATH

ANN = SystemUser("ann", 23401)


@pytest.fixture(autouse=True)
def _own_starters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test starters of its own that find the test's programs, and see that they end."""
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    pool = warm._Pool()
    monkeypatch.setattr(warm, "_POOL", pool)
    yield
    for one in pool.idle:
        one.end()
        assert one._process.returncode == 0


def ran(text: str, *, seconds: float = 60, owner: Owner | None = None, **variables: str) -> Any:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, **variables}
    return warm.run(
        "tests.support.program", [text], environment=environment, owner=owner, groups=[5], seconds=seconds
    )


def test_what_a_process_says_comes_whole_and_of_its_errors_the_end() -> None:
    done = ran("import sys; print('x' * 300000); sys.stderr.write('y' * 300000 + 'end'); sys.exit(3)")
    assert (done.returncode, len(done.stdout)) == (3, 300001)
    assert done.stderr.endswith(b"end")
    assert len(done.stderr) < 100_000


def test_more_than_anybody_wants_to_hear_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_OUTPUT", 100_000)
    with pytest.raises(bounded.TooMuch):
        ran("while True: print('x' * 1000)")


def test_a_process_that_goes_on_is_ended(tmp_path: Path) -> None:
    said = tmp_path / "pid"
    ran("pass")
    with pytest.raises(subprocess.TimeoutExpired):
        ran(
            f"import os\nwith open({str(said)!r}, 'w') as f: f.write(str(os.getpid()))\nwhile True: pass",
            seconds=5,
        )
    assert not psutil.pid_exists(int(said.read_text()))


def test_a_process_that_its_user_stops_holds_nobody_up() -> None:
    ran("pass")
    done = ran("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", seconds=600)
    assert done.returncode == -signal.SIGKILL
    assert ran("print('next')").stdout == b"next\n"


@pytest.mark.parametrize("status", [-9, 1, 5])
def test_a_process_that_was_killed_failed_as_any_other(status: int) -> None:
    with pytest.raises(Refused) as refused:
        answer(status, b"", b"")
    assert refused.value.exit_status == (status if status > 0 else 1)


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'"",'])
def test_an_answer_that_would_fill_the_hubs_memory_is_not_read(piece: bytes) -> None:
    text = b"[" + piece * (20_000_000 // len(piece)) + b"0]"
    tracemalloc.start()
    with pytest.raises(Refused, match="invalid answer"):
        answer(0, text, b"")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 20
    assert answer(0, b"[" + piece * 1000 + b"0]", b"")[-1] == 0


def test_who_keeps_the_pipes_of_a_process_that_has_ended_is_not_waited_for() -> None:
    text = (
        "import os\n"
        "os.write(1, b'said')\n"
        "if os.fork() == 0:\n"
        "    while True: os.write(2, b'x' * 1000)\n"  # until nobody reads it
    )
    assert ran(text, seconds=600).stdout == b"said"


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_MEMORY", 600 << 20)
    done = ran("print(len(bytearray(1 << 30)))")
    assert done.returncode == 1
    assert b"MemoryError" in done.stderr


def test_one_starter_does_many_jobs_and_nothing_of_one_is_the_next_ones() -> None:
    first = ran(
        "import os, sys; sys.argv.append('x'); os.environ['SEEN'] = '1'; print(os.getppid())", GIVEN="a"
    )
    second = ran("import os, sys; print(os.getppid(), len(sys.argv), sorted(os.environ))")
    parent, words, names = second.stdout.decode().split(" ", 2)
    assert (parent, words) == (first.stdout.decode().strip(), "2")
    assert "GIVEN" not in names
    assert "SEEN" not in names


def test_a_starter_that_ended_is_exchanged_for_another() -> None:
    parent = int(ran("import os; print(os.getppid())").stdout)
    os.kill(parent, signal.SIGKILL)
    assert int(ran("import os; print(os.getppid())").stdout) != parent


def test_jobs_at_once_have_a_starter_each_and_no_more_than_processors_are_kept() -> None:
    threads = [threading.Thread(target=ran, args=("import time; time.sleep(0.3)",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < len(warm._POOL.idle) <= (os.cpu_count() or 1)


def test_a_starter_ends_with_the_hub_and_so_does_what_it_does(tmp_path: Path) -> None:
    said = tmp_path / "pids"
    job = f"import os, time\nopen({str(said)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\ntime.sleep(600)"
    text = (
        "import os\nfrom jvs_jupyter.hub import warm\n"
        f"warm.run('tests.support.program', [{job!r}], environment=os.environ, owner=None, groups=[], seconds=600)"
    )
    hub = subprocess.Popen([sys.executable, "-c", text])
    try:
        deadline = time.monotonic() + 60
        while not (said.exists() and said.read_text().count(" ")) and time.monotonic() < deadline:
            time.sleep(0.05)
        pids = [int(pid) for pid in said.read_text().split()]
    finally:
        hub.kill()
        hub.wait()
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_a_starter_that_nobody_asks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "IDLE_S", 0.1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(starter, "_import_all", lambda: None)
        starter.main(theirs)


HELD = """
import ctypes, json, os, resource
told = {}
for line in open("/proc/self/status"):
    name, _, value = line.partition(":")
    if name in ("Uid", "Gid", "Groups", "NoNewPrivs", "CapPrm", "CapEff", "CapAmb"):
        told[name] = value.split()
dies_with = ctypes.c_int()
prctl = ctypes.CDLL(None).prctl
prctl(2, ctypes.byref(dies_with), 0, 0, 0)
told |= {"dies_with": dies_with.value, "dumpable": prctl(3, 0, 0, 0, 0), "folder": os.getcwd()}
told |= {"memory": resource.getrlimit(resource.RLIMIT_DATA), "core": resource.getrlimit(resource.RLIMIT_CORE)}
told["sockets"] = [fd for fd in range(3, 100) if os.path.exists(f"/proc/self/fd/{fd}")]
try:
    os.setuid(0)
    told["root"] = True
except PermissionError:
    told["root"] = False
print(json.dumps(told))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_a_job_has_its_users_rights_for_good_and_nobody_can_look_into_it() -> None:
    with open_folder() as place, machine(place, (ANN,), team=23400) as there:
        done = there.run(ran, HELD, owner=Owner(ANN.uid, ANN.uid))
        told = json.loads(done.stdout)
        assert told["Uid"] == told["Gid"] == [str(ANN.uid)] * 4
        assert told["Groups"] == ["5"]
        assert set(told["CapPrm"] + told["CapEff"] + told["CapAmb"]) == {"0000000000000000"}
        assert (told["NoNewPrivs"], told["root"], told["dumpable"]) == (["1"], False, 0)
        assert (told["dies_with"], told["folder"], told["sockets"]) == (signal.SIGKILL, "/", [])
        assert told["memory"] == [bounded.MOST_MEMORY] * 2
        assert told["core"] == [0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_nothing_of_the_hub_is_in_a_starters_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "correct-horse-battery"
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", secret)
    parent = int(ran("import os; print(os.getppid())").stdout)
    assert secret not in Path(f"/proc/{parent}/environ").read_text()
    found = False
    with open(f"/proc/{parent}/mem", "rb", 0) as memory:
        for line in Path(f"/proc/{parent}/maps").read_text().splitlines():
            where, rights = line.split()[:2]
            first, last = (int(end, 16) for end in where.split("-"))
            if rights.startswith("rw"):
                memory.seek(first)
                found |= secret.encode() in (memory.read(last - first) or b"")
    assert not found
