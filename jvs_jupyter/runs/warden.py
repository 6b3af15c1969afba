"""Run one command and let nothing that it started outlive it: ``python warden.py REPORT INPUT COMMAND…``.

What leaves its process group, or loses its parent, stays below this process. The command reads INPUT, a descriptor, or
nothing where that is -. A byte on standard input is the number of a signal for the command. Everything is ended when this
process is told to (SIGTERM) or when standard input ends, which it does when its caller is gone. At the end REPORT, a
descriptor, gets parts divided by NUL: ``S`` and the status as Popen gives it, then the command lines of what was still
there when the command had ended; or ``E`` and the number of the error that kept it from starting.

One is started for every run: it imports nothing of JVS, and little else, for that is most of what it costs.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # that without "_" adds enumerations: a third of the start
import ctypes
import os
import select
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_END_S = 5.0
_SETTLE_S = 0.5
_LOOK_EVERY_S = 0.05
_LONGEST_NAME = 200
_MOST_NAMES = 20
_HEEDED = (signal.SIGTERM, signal.SIGCHLD)
_AS_USUAL = (*_HEEDED, signal.SIGPIPE, signal.SIGXFSZ)
_prctl = ctypes.CDLL(None).prctl


def main() -> None:
    """Run the command line of this process."""
    report, given, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    os.set_inheritable(report, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.set_wakeup_fd(telling)
    for number in _HEEDED:
        signal.signal(number, lambda *_: None)
    child, failure = _start(command, given)
    if failure:
        os.write(report, b"E" + failure)
        return
    status = _wait(child, told)
    left = [] if status is None else _left()
    _end(signal.SIGTERM)
    _end(signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if status is None else status
    _reap()
    os.write(report, b"\0".join([b"S%d" % status, *left]))


def _start(command: list[str], given: str) -> tuple[int, bytes]:
    """Start the command in a session of its own; return its process, and the number of the error where it did not start."""
    reading, failed = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.set_wakeup_fd(-1)
            for number in _AS_USUAL:
                signal.signal(number, signal.SIG_DFL)
            source = os.open(os.devnull, os.O_RDONLY) if given == "-" else int(given)
            os.dup2(source, 0)
            if source != 0:
                os.close(source)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(failed, b"%d" % (error.errno or 0))
        finally:
            os._exit(127)
    os.close(failed)
    if given != "-":
        os.close(int(given))
    said = os.read(reading, 16)
    os.close(reading)
    return child, said


def _wait(child: int, told: int) -> int | None:
    """Wait for the end of the command and return its status; None when it is to be ended. Signals go on to its group."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        ready, _, _ = select.select([0, told], [], [])
        if told in ready and signal.SIGTERM in os.read(told, 64):
            return None
        if 0 in ready:
            numbers = os.read(0, 64)
            if not numbers:
                return None
            for number in numbers:
                _send(-child, number)


def _left() -> list[bytes]:
    """Return the command lines of what is still below this process once it had a moment to end by itself."""
    deadline = time.monotonic() + _SETTLE_S
    while (found := _below()) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    return [_name(process) for process in sorted(found)[:_MOST_NAMES]]


def _end(number: int) -> None:
    """Send the signal to all that is below this process, and to what comes up meanwhile, for a while at most."""
    deadline = time.monotonic() + _END_S
    sent: set[int] = set()
    while (found := _below()) and time.monotonic() < deadline:
        for process in found - sent:
            _send(process, number)
        sent |= found
        time.sleep(_LOOK_EVERY_S)


def _send(process: int, number: int) -> None:
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this to run
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        pass


def _reap() -> None:
    """Take note of the orphans that ended: whoever is above may not do so."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _below() -> set[int]:
    """Return the processes below this one that still run."""
    parents = _parents()
    found = [os.getpid()]
    for parent in found:
        found += [process for process, above in parents if above == parent]
    return set(found[1:])


def _parents() -> list[tuple[int, int]]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state != b"Z":
            found.append((int(name), int(parent)))
    return found


def _name(process: int) -> bytes:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            words = file.read(4096).replace(b"\0", b" ").strip()[:_LONGEST_NAME]
    except OSError:
        words = b""
    return words or b"process %d" % process


if __name__ == "__main__":
    main()
