"""Run one command and let nothing that it started outlive it: ``python warden.py REPORT INPUT COMMAND…``.

What leaves its process group, or loses its parent, stays below this process. The command reads INPUT, a descriptor, or
nothing where that is -. A byte on standard input is the number of a signal for the command. Everything is ended when this
process is told to (SIGTERM) or when standard input ends, which it does when its caller is gone. At the end REPORT, a
descriptor, gets a line of JSON: ``status`` as Popen gives it and, in ``left``, what was still there when the command had
ended, or the number of the error that kept it from starting as ``errno``. Imports nothing of JVS.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_END_S = 5.0
_SETTLE_S = 0.5
_LOOK_EVERY_S = 0.05
_LONGEST_NAME = 200
_MOST_NAMES = 20
_prctl = ctypes.CDLL(None).prctl


def main() -> None:
    """Run the command line of this process."""
    report, given, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    os.set_inheritable(report, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.set_wakeup_fd(telling)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if given == "-" else int(given),
            start_new_session=True,
            preexec_fn=_end_with_me,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as error:
        os.write(report, json.dumps({"errno": error.errno}).encode())
        return
    _wait(child, told)
    left = _left() if child.poll() is not None else []
    _end(signal.SIGTERM)
    _end(signal.SIGKILL)
    status = child.wait()
    _reap()
    os.write(report, json.dumps({"status": status, "left": left}).encode())


def _end_with_me() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wait(child: subprocess.Popen[bytes], told: int) -> None:
    """Wait for the end of the command, or until it is to be ended; signals are passed on to its group meanwhile."""
    while child.poll() is None:
        ready, _, _ = select.select([0, told], [], [])
        if told in ready and signal.SIGTERM in os.read(told, 64):
            return
        if 0 in ready:
            numbers = os.read(0, 64)
            if not numbers:
                return
            for number in numbers:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, number)


def _left() -> list[str]:
    """Return the command lines of what is still below this process once it had a moment to end by itself."""
    deadline = time.monotonic() + _SETTLE_S
    while (found := _below()) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    return [_name(process) for process in sorted(found)[:_MOST_NAMES]]


def _end(number: signal.Signals) -> None:
    """Send the signal to all that is below this process, and to what comes up meanwhile, for a while at most."""
    deadline = time.monotonic() + _END_S
    sent: set[int] = set()
    while (found := _below()) and time.monotonic() < deadline:
        for process in found - sent:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)
        sent |= found
        time.sleep(_LOOK_EVERY_S)


def _reap() -> None:
    """Take note of the orphans that ended: whoever is above may not do so."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _below() -> set[int]:
    """Return the processes below this one that still run."""
    parents = dict(_parents())
    found = [os.getpid()]
    for parent in found:
        found += [process for process, above in parents.items() if above == parent]
    return set(found[1:])


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state != b"Z":
            yield int(name), int(parent)


def _name(process: int) -> str:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            words = file.read(4096).split(b"\0")
    except OSError:
        words = []
    return (
        b" ".join(words).decode("utf-8", "backslashreplace").strip()[:_LONGEST_NAME] or f"process {process}"
    )


if __name__ == "__main__":
    main()
