"""Running a Python module with another user's rights, or this process's own, in a process forked from a warm starter.

A starter (see ``starter``) does one job at a time; those without one are kept for the next. Each sees the machine as the
thread that started it, so one of another mount namespace or environment is not taken.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from jvs_core.cli.other_user import python
from jvs_jupyter.hub import bounded
from jvs_jupyter.hub.ownership import Owner

_KEPT = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TZ"),
    "JVS_TIMELINE",
)
_START_S = 60.0
_END_S = 10.0
_Key = tuple[int, tuple[tuple[str, str], ...]]


class Gone(Exception):
    """A starter ended before it began with a job."""


def kept() -> dict[str, str]:
    """Return the variables of this process's environment that anybody may see."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def run(
    module: str,
    words: Sequence[str],
    *,
    environment: Mapping[str, str],
    owner: Owner | None,
    groups: Sequence[int],
    seconds: float,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``module`` as ``python -m`` does, as ``owner`` (None: as this process's user), without input.

    It gets so many seconds and so much memory, and of stderr the end is kept. Raises TimeoutExpired and TooMuch, after the
    process was killed, and OSError.
    """
    job = {
        "module": module,
        "words": list(words),
        "environment": dict(environment),
        "uid": None if owner is None else owner.uid,
        "gid": None if owner is None else owner.gid,
        "groups": list(groups),
        "memory": bounded.MOST_MEMORY,
    }
    deadline = time.monotonic() + seconds
    while True:
        starter = _POOL.taken()
        try:
            done = starter.run(job, deadline)
        except Gone as gone:
            starter.end()
            if not starter.used:
                raise OSError("JVS could not start a process") from gone
            continue
        except BaseException:
            starter.end()
            raise
        _POOL.give_back(starter)
        return done


def end_idle() -> None:
    """End the starters that have nothing to do, and wait for them."""
    for one in _POOL.emptied():
        one.end()


class Starter:
    """A starter's process, and the connection to it."""

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.used = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                [*python("jvs_jupyter.hub.starter"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=kept(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = ours

    def run(self, job: Mapping[str, object], deadline: float) -> subprocess.CompletedProcess[bytes]:
        """Do a job. Raises Gone before it began, and as ``run``."""
        output, their_output = os.pipe()
        errors, their_errors = os.pipe()
        try:
            try:
                process = self._started(job, their_output, their_errors)
            finally:
                os.close(their_output)
                os.close(their_errors)
            try:
                out, err = bounded.collected(output, errors, process, deadline)
            except BaseException:
                with suppress(OSError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                raise
            finally:
                os.close(process)
        finally:
            os.close(output)
            os.close(errors)
        self.used = True
        return subprocess.CompletedProcess([str(job["module"])], self._status(), out, err)

    def end(self) -> None:
        """End the process, and what it does."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
            return
        self._process.kill()
        self._process.wait()

    def _started(self, job: Mapping[str, object], output: int, errors: int) -> int:
        """Hand over a job and return the handle of its process."""
        asked = os.memfd_create("job", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(asked), "wb") as file:
                file.write(json.dumps(job).encode())
            os.lseek(asked, 0, os.SEEK_SET)
            self._connection.settimeout(_START_S)
            try:
                socket.send_fds(self._connection, [b"j"], [asked, output, errors])
                told, handles, *_ = socket.recv_fds(self._connection, 1, 1)
            except OSError as error:
                raise Gone from error
        finally:
            os.close(asked)
        if told != b"s" or len(handles) != 1:
            raise Gone
        return handles[0]

    def _status(self) -> int:
        self._connection.settimeout(_END_S)
        told = b""
        while len(told) < 4:
            more = self._connection.recv(4 - len(told))
            if not more:
                raise OSError("the parent ended before its process")
            told += more
        return int.from_bytes(told, "big", signed=True)


@dataclass
class _Pool:
    """Starters that have nothing to do."""

    idle: list[Starter] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)
    pid: int = field(default_factory=os.getpid)

    def taken(self) -> Starter:
        """Return one of this thread's view of the machine; started where there is none."""
        key = (os.stat("/proc/thread-self/ns/mnt").st_ino, tuple(sorted(kept().items())))
        with self.guard:
            if self.pid != os.getpid():  # a fork's: they are the other process's
                self.idle, self.pid = [], os.getpid()
            found = next((one for one in self.idle if one.key == key), None)
            if found is not None:
                self.idle.remove(found)
        return found or Starter(key)

    def emptied(self) -> list[Starter]:
        """Return all that are idle, and keep none."""
        with self.guard:
            found, self.idle = self.idle, []
        return found if self.pid == os.getpid() else []

    def give_back(self, starter: Starter) -> None:
        """Keep one for later, as many as there are processors."""
        with self.guard:
            self.idle.append(starter)
            surplus = self.idle[: -(os.cpu_count() or 1)]
            del self.idle[: len(surplus)]
        for one in surplus:
            one.end()


_POOL = _Pool()
atexit.register(end_idle)
