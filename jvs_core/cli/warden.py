"""Run one command and end all that it started: ``python warden.py REPORT INPUT GROUP TERMINAL COMMAND…``.

Arguments, each ``-`` for none:

- REPORT: a descriptor. At the end it gets parts divided by NUL: ``S``, the status as Popen gives it, the command lines of what
  was still there when the command had ended, an empty part, and those of what could not be ended; or ``E`` and the number of
  the error that kept it from starting.
- INPUT: a descriptor that the command reads; else it reads nothing.
- GROUP: the folder of an empty control group. All in it is ended in one step, whatever forks meanwhile; also by who started
  this process, should the command have killed it.
- TERMINAL: the command stays in the terminal's session, as a shell needs it, and hears of its keys itself; else it has a
  session of its own.

This process is a subreaper: what loses its parent stays below it. A byte on standard input is the number of a signal for the
command; SIGKILL's ends everything at once. Everything is ended on SIGTERM, and when standard input ends, as it does when the
caller is gone.

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
_KILL_S = 30.0
_SETTLE_S = 0.5
_LOOK_EVERY_S = 0.05
_LONGEST_NAME = 200
_MOST_NAMES = 20
_HEEDED = (signal.SIGTERM, signal.SIGCHLD)
_KEYS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
_AS_USUAL = (*_HEEDED, signal.SIGPIPE, signal.SIGXFSZ)
_prctl = ctypes.CDLL(None).prctl


def main() -> None:
    """Run the command line of this process."""
    report, given, group, terminal, command = int(sys.argv[1]), *sys.argv[2:5], sys.argv[5:]
    os.set_inheritable(report, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.set_wakeup_fd(telling)
    heard = [number for number in _KEYS if terminal != "-" and signal.getsignal(number) != signal.SIG_IGN]
    for number in (*_HEEDED, *heard):
        signal.signal(number, lambda *_: None)
    child, failure = _start(command, given, group, heard, alone=terminal == "-")
    if failure:
        os.write(report, b"E" + failure)
        return
    status, asked = _wait(child, told, alone=terminal == "-")
    left = [] if status is None else _left(group)
    if asked:
        _ask_to_end(group)
    end_group(group)
    killed = _kill(child)
    stuck = [] if _childless() else _names(_below() | _members(group))
    status = killed if status is None else status
    os.write(
        report, b"\0".join([b"S%d" % (-signal.SIGKILL if status is None else status), *left, b"", *stuck])
    )


def end_group(group: str) -> None:
    """Kill what is in a control group, the groups that it made below too, and remove it; - and one that is gone are none."""
    if group == "-" or not os.path.isdir(group):
        return
    deadline = time.monotonic() + _KILL_S
    while time.monotonic() < deadline:
        try:
            with open(f"{group}/cgroup.kill", "w") as file:
                file.write("1")
            for folder, _, _ in os.walk(group, topdown=False):
                os.rmdir(folder)
            return
        except FileNotFoundError:
            return
        except OSError:  # what is killed takes a moment to go
            time.sleep(_LOOK_EVERY_S / 5)


def _start(
    command: list[str], given: str, group: str, heard: list[signal.Signals], *, alone: bool
) -> tuple[int, bytes]:
    """Start the command; return its process, and the number of the error where it did not start.

    Where it may not go into its control group it is below this process all the same.
    """
    reading, failed = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if alone:
                os.setsid()
            _enter(group)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.set_wakeup_fd(-1)
            for number in (*_AS_USUAL, *heard):
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


def _enter(group: str) -> None:
    if group == "-":
        return
    try:
        with open(f"{group}/cgroup.procs", "w") as file:
            file.write("0")
    except OSError:
        pass


def _wait(child: int, told: int, *, alone: bool) -> tuple[int | None, bool]:
    """Wait for the end of the command and return its status; None when it is to be ended. Signals go on to its group.

    Also return whether what is left is to be asked to end before it is killed.
    """
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), True
        ready, _, _ = select.select([0, told], [], [])
        if told in ready and signal.SIGTERM in os.read(told, 64):
            return None, True
        if 0 in ready:
            numbers = os.read(0, 64)
            if not numbers:
                return None, True
            if signal.SIGKILL in numbers:
                return None, False
            for number in numbers:
                _send(-child if alone else child, number)


def _left(group: str) -> list[bytes]:
    """Return the command lines of what is still below this process once it had a moment to end by itself."""
    deadline = time.monotonic() + _SETTLE_S
    found: set[int] = set()
    while not _childless() and time.monotonic() < deadline:
        found = _below() | _members(group)
        time.sleep(_LOOK_EVERY_S)
    return [] if _childless() else _names(found)


def _ask_to_end(group: str) -> None:
    """Send SIGTERM to all that is below this process or in the group, and to what comes up meanwhile, for a while at most."""
    deadline = time.monotonic() + _END_S
    sent: set[int] = set()
    while (found := _below() | _members(group)) and time.monotonic() < deadline:
        for process in found - sent:
            _send(process, signal.SIGTERM)
        sent |= found
        time.sleep(_LOOK_EVERY_S)


def _kill(child: int) -> int | None:
    """Kill all that is below this process; return the status of the child, None where it was waited for before.

    Whose parent is gone is a child of this process, so all of it is gone when there is no child. The list of processes is no
    proof: what forks and ends all the time can be new whenever it is read. The youngest are looked at first, for the same reason.
    """
    deadline = time.monotonic() + _KILL_S
    status = None
    sent: set[int] = set()
    while time.monotonic() < deadline:
        fresh = False
        for process in _processes():
            if process not in sent and _parent(process) == os.getpid():
                _send(process, signal.SIGKILL)
                sent.add(process)
                fresh = True
        try:
            while True:
                ended, how = os.waitpid(-1, os.WNOHANG)
                if not ended:
                    break
                sent.discard(ended)
                status = os.waitstatus_to_exitcode(how) if ended == child else status
        except ChildProcessError:
            break
        if not fresh:
            time.sleep(_LOOK_EVERY_S / 50)
    return status


def _send(process: int, number: int) -> None:
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this to run
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        pass


def _childless() -> bool:
    """Take note of the children that ended; return whether that were all."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _below() -> set[int]:
    """Return the processes below this one that still run, as far as they can be listed while they come and go."""
    parents = [(process, _parent(process)) for process in _processes()]
    found = [os.getpid()]
    for parent in found:
        found += [process for process, above in parents if above == parent]
    return set(found[1:])


def _members(group: str) -> set[int]:
    """Return the processes in a control group and in those below it."""
    found: set[int] = set()
    for folder, _, _ in os.walk(group) if group != "-" else ():
        try:
            with open(f"{folder}/cgroup.procs") as file:
                found |= {int(line) for line in file}
        except OSError:
            continue
    return found


def _processes() -> list[int]:
    """Return all processes, those with the highest number first."""
    return sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)


def _parent(process: int) -> int | None:
    """Return the parent of a process that runs; None once it has ended."""
    try:
        with open(f"/proc/{process}/stat", "rb", 0) as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except OSError:
        return None
    return None if state == b"Z" else int(parent)


def _names(processes: set[int]) -> list[bytes]:
    return [_name(process) for process in sorted(processes)[:_MOST_NAMES]]


def _name(process: int) -> bytes:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            words = file.read(4096).replace(b"\0", b" ").strip()[:_LONGEST_NAME]
    except OSError:
        words = b""
    return words or b"process %d" % process


if __name__ == "__main__":
    main()
