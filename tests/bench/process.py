"""A whole process, measured from outside: its time, and the memory of it and its children."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

_GLANCE_S = 0.02
_FORGET_PEAK = Path("/proc/self/clear_refs")


class Failed(Exception):
    """A measured command did not succeed; the message has its last words."""


@dataclass(frozen=True)
class Command:
    """A process to start: arguments, working directory, changes to the environment."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One run: wall time in seconds; the peak memory in bytes of the largest process, and of all added up.

    Both are resident high-water marks as the kernel keeps them: of the largest process from its resource usage at the
    end, of every process read each 20 ms. The sum counts shared pages (the interpreter's, say) once a process, and
    peaks that were not at the same time together. ``largest`` is 0 where it is less than this process's own, which
    the kernel gives to every child. ``processor`` is the processor time in seconds, of all that it waited for, too.
    """

    seconds: float
    largest: int = 0
    together: int = 0
    processor: float = 0.0


def heed_signals() -> None:
    """End on SIGTERM and SIGHUP as after Ctrl-C, so that processes and file systems of the measurement are cleared."""

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def shell(script: str, *arguments: Path | str, folder: Path, **environment: str) -> Command:
    """Return a command that runs ``script`` with ``$1`` … in a shell."""
    return Command(("sh", "-e", "-c", script, "sh", *map(str, arguments)), folder, environment)


def measure(command: Command) -> Sample:
    """Run ``command`` to its end and return what it took. Raises Failed unless its exit status is 0."""
    with tempfile.TemporaryFile() as words:
        _FORGET_PEAK.write_text("5")
        begun = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env={**_environment(), **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )
        memory = _Memory(process.pid)
        try:
            usage = _wait(process)
            seconds = time.perf_counter() - begun
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
            memory.end()
        if process.returncode:
            words.seek(0)
            last = words.read()[-2000:].decode(errors="replace")
            raise Failed(f"{' '.join(command.arguments)}: exit status {process.returncode}\n{last}")
    largest = _largest(usage)
    together = max(largest, sum(memory.peaks.values()))
    return Sample(seconds, largest, together, usage.ru_utime + usage.ru_stime)


def _environment() -> dict[str, str]:
    """Return this process's, without what has every process compile each module again."""
    found = {**os.environ, "LC_ALL": "C.UTF-8"}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def run(command: Command) -> None:
    """Run ``command`` without measuring it. Raises Failed unless its exit status is 0."""
    measure(command)


def _wait(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _largest(usage: resource.struct_rusage) -> int:
    """Return the peak of the largest process that ended, 0 where it is not known.

    A child inherits the mark of the process that started it, so what is not above this one's says nothing.
    """
    peak = usage.ru_maxrss << 10
    return peak if peak > _high_water(os.getpid()) else 0


class _Memory:
    """Watches the resident high-water mark of a process and everything below it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peaks: dict[int, int] = {pid: 0}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_GLANCE_S):
            waiting = [self.pid]
            while waiting:
                pid = waiting.pop()
                # A process may end between any two of these look-ups.
                with suppress(OSError):
                    self.peaks[pid] = max(self.peaks.get(pid, 0), _high_water(pid))
                    for task in os.listdir(f"/proc/{pid}/task"):
                        waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())


def _high_water(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0
