"""Running a process whose streams are pipes, and passing on output, input, signals and exit status.

Each stream has a thread and at most a pipe and a piece of it in memory, so that none waits for another.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Any, TextIO

from jvs_core.cli.terminal import Filter

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PIECE = 1 << 16


def relayed(command: Sequence[str], *, feed: bool, **how: Any) -> int:
    """Run ``command``, started by Popen as ``how`` says, and return its exit status, 128 + N for signal N.

    With ``feed`` it reads this process's stdin, unless that is a terminal; without, it reads nothing. What goes to a
    terminal passes a filter, everything else goes on as it is. Output ends with the process, whoever still holds its
    pipes. Raises OSError when it cannot be started or its output cannot be written; nobody reading it is no error.
    """
    out, err = _outlets()
    fed = feed and sys.stdin is not None and not sys.stdin.isatty()
    with _Signals() as signals:
        child = _started(command, out, err, fed, how)
        signals.pass_to(child.pid)
        ended, end = os.pipe()
        pumps = [
            threading.Thread(target=_pump, args=(pipe, outlet, ended), daemon=True)
            for pipe, outlet in ((child.stdout, out), (child.stderr, err))
            if pipe is not None and outlet is not None
        ]
        if child.stdin is not None:
            threading.Thread(target=_feed, args=(sys.stdin.fileno(), child.stdin), daemon=True).start()
        for pump in pumps:
            pump.start()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # its number stays its own until wait()
    os.close(end)
    for pump in pumps:
        pump.join()
    os.close(ended)
    status = child.wait()
    for outlet in (out, err):
        if outlet is not None and outlet.failure is not None:
            raise outlet.failure
    return 128 - status if status < 0 else status


def _started(
    command: Sequence[str], out: _Outlet | None, err: _Outlet | None, fed: bool, how: dict[str, Any]
) -> subprocess.Popen[bytes]:
    errors = subprocess.PIPE if err else subprocess.DEVNULL
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
        stdout=subprocess.PIPE if out else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if err is not None and err is out else errors,
        **how,
    )


class _Signals:
    """Passes on what would stop this process, from before the child is there until it has ended."""

    def __init__(self) -> None:
        self._child: int | None = None
        self._early: list[int] = []
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Signals:
        heeded = [number for number in _PASSED_ON if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        self._previous = {number: signal.signal(number, self._heard) for number in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def pass_to(self, child: int) -> None:
        self._child = child
        for number in self._early:
            os.kill(child, number)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            os.kill(self._child, number)


@dataclass
class _Outlet:
    """A descriptor of this process that output goes to; the first failure is kept."""

    fd: int
    filter: Filter | None
    turn: threading.Lock
    failure: OSError | None = None
    _closed: bool = field(default=False, init=False)

    def put(self, data: bytes, *, last: bool = False) -> bool:
        """Write the data and return whether more is wanted."""
        try:
            if self.filter is None:
                _write(self.fd, data)
            else:
                with self.turn:  # else the other stream could come between the two halves of a sequence
                    _write(self.fd, self.filter.passed(data, last=last))
        except BrokenPipeError:
            return False
        except OSError as error:
            error.filename = "writing the output"
            self.failure = error
            return False
        return True


def _outlets() -> tuple[_Outlet | None, _Outlet | None]:
    """Return where stdout and stderr go: one for both where they are the same, so that the order stays."""
    turn = threading.Lock()
    out, err = _outlet(sys.stdout, turn), _outlet(sys.stderr, turn)
    if out is not None and err is not None and os.path.sameopenfile(out.fd, err.fd):
        return out, out
    return out, err


def _outlet(stream: TextIO | None, turn: threading.Lock) -> _Outlet | None:
    if stream is None:
        return None
    with suppress(OSError):
        stream.flush()
    return _Outlet(stream.fileno(), Filter(stream.encoding) if stream.isatty() else None, turn)


def _pump(pipe: IO[bytes], outlet: _Outlet, ended: int) -> None:
    """Pass output on until its end; once the process has ended, no more than its pipe can hold."""
    source, poll = pipe.fileno(), select.poll()
    poll.register(source, select.POLLIN)
    poll.register(ended, select.POLLIN)
    left: int | None = None
    with pipe:
        while left is None or left > 0:
            ready = {fd for fd, _ in poll.poll(None if left is None else 0)}
            if ended in ready:
                left = fcntl.fcntl(source, fcntl.F_GETPIPE_SZ)
                poll.unregister(ended)
            elif source in ready:
                data = os.read(source, _PIECE if left is None else min(left, _PIECE))
                if not data or not outlet.put(data):
                    break
                left = None if left is None else left - len(data)
            else:
                break
    outlet.put(b"", last=True)


def _feed(source: int, pipe: IO[bytes]) -> None:
    with suppress(OSError), pipe:
        while data := os.read(source, _PIECE):
            _write(pipe.fileno(), data)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
