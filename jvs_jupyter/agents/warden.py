"""Run one command and let nothing that it started outlive it: ``python warden.py FD COMMAND…``.

What leaves its process group, or loses its parent, stays below this process. The command is ended when it is told to
(SIGTERM) or when standard input ends, which it does when the server is gone. At the end FD gets the exit status of the
command as Popen gives it, or the number of the error that kept it from starting, after an ``E``. Imports nothing of JVS.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36
_END_S = 5.0
_LOOK_EVERY_S = 0.05


def main() -> None:
    """Run the command line of this process."""
    report, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(report, False)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.set_wakeup_fd(telling)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        os.write(report, f"E{error.errno}".encode())
        return
    while child.poll() is None:
        ready, _, _ = select.select([0, told], [], [])
        if 0 in ready or signal.SIGTERM in os.read(told, 64):
            break
    _end(signal.SIGTERM)
    _end(signal.SIGKILL)
    os.write(report, str(child.wait()).encode())


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


if __name__ == "__main__":
    main()
