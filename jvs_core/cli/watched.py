"""A command below a warden, so that nothing it started outlives it, nor this process."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from jvs_core.cli import control_group, warden
from jvs_core.errors import InputError

_NUMBER = re.compile(rb"-?[0-9]{1,3}")
_AWAKE_S = 1.0
_MOST_S = 60.0  # a warden ends what is there in 5 s, and kills for at most 30 s


@dataclass(frozen=True)
class Exit:
    """How a command ended: ``status`` is that of Popen, -N for signal N.

    ``left`` are the command lines of the processes it left behind, which were ended; ``stuck`` those that could not be, as
    processes cannot that wait for a file system which does not answer.
    """

    status: int
    left: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """The exit status as a shell gives it: 128 + N for signal N."""
        return 128 - self.status if self.status < 0 else self.status

    @property
    def behind(self) -> tuple[str, ...]:
        """All that it left behind, with a word at those that are still there."""
        ended = (name for name in self.left if name not in self.stuck)
        return (*ended, *(f"{name} (JVS could not end it)" for name in self.stuck))


class Watched:
    """A command that runs. ``wait`` gives its end; ``stop`` ends all of it; both may be called again."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        reads_input: bool = False,
        in_terminal: bool = False,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> None:
        """Start it. It reads this process's standard input, or nothing.

        With ``in_terminal`` it stays in the terminal's session and hears itself of its keys, which ``pass_on`` must not
        repeat; otherwise it has a session of its own.
        """
        self._name = command[0]
        self._report, report = os.pipe()
        given = _input() if reads_input else None
        group = control_group.make()
        self._group = "-" if group is None else str(group)
        try:
            self.warden = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    warden.__file__,
                    str(report),
                    str("-" if given is None else given),
                    self._group,
                    "terminal" if in_terminal else "-",
                    *command,
                ],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(report,) if given is None else (report, given),
                start_new_session=not in_terminal,
            )
        except (OSError, ValueError) as error:
            os.close(self._report)
            warden.end_group(self._group)
            raise InputError(f"cannot run {command[0]!r}: {error}") from error
        finally:
            os.close(report)
            if given is not None:
                os.close(given)
        self._said = b""
        self._over = False

    def wait(self, timeout_s: float | None = None) -> Exit | None:
        """Return how the command ended; None when it still runs after ``timeout_s``.

        If the command stops its warden, the warden is continued within a second. Raises InputError when the command
        could not be started.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._over:
            left = _AWAKE_S if deadline is None else min(_AWAKE_S, max(0.0, deadline - time.monotonic()))
            ready, _, _ = select.select([self._report], [], [], left)
            if not ready:
                if deadline is not None and time.monotonic() >= deadline:
                    return None
                self._wake()
                continue
            piece = os.read(self._report, 1 << 16)
            self._said += piece
            self._over = not piece
        return self._told()

    def pass_on(self, number: int) -> None:
        """Send a signal to the command, and to its process group where that is its own."""
        pipe = self.warden.stdin
        if pipe is not None and not pipe.closed:
            with suppress(OSError):
                os.write(pipe.fileno(), bytes([number]))
            self._wake()

    def stop(self, *, at_once: bool = False) -> None:
        """Have everything ended: SIGTERM, and after five seconds SIGKILL, or that ``at_once``."""
        if at_once:
            self.pass_on(signal.SIGKILL)
        pipe = self.warden.stdin
        if pipe is not None and not pipe.closed:
            with suppress(OSError):
                pipe.close()
        self._wake()

    def close(self) -> None:
        """End what still runs, and give everything back."""
        self.stop()
        self._await()
        warden.end_group(self._group)
        with suppress(OSError):
            os.close(self._report)
        self._over = True

    def _wake(self) -> None:
        """Continue the warden if the command stopped it. A stop by the terminal's keys stops this process as well."""
        with suppress(OSError):
            self.warden.send_signal(signal.SIGCONT)

    def _await(self) -> None:
        """Wait until the warden is gone; one that is stopped again and again is killed, and the command with it."""
        deadline = time.monotonic() + _MOST_S
        while time.monotonic() < deadline:
            with suppress(subprocess.TimeoutExpired):
                self.warden.wait(_AWAKE_S)
                return
            self._wake()
        self.warden.kill()
        self.warden.wait()

    def _told(self) -> Exit:
        first, *names = self._said.split(b"\0")
        kind, number = first[:1], first[1:]
        if kind not in (b"E", b"S") or not _NUMBER.fullmatch(number):
            return Exit(-signal.SIGKILL)  # the warden was killed, and the command with it
        if kind == b"E":
            raise InputError(f"cannot run {self._name!r}: {os.strerror(int(number))}")
        said = [name.decode("utf-8", "backslashreplace") for name in names]
        end = said.index("") if "" in said else len(said)
        return Exit(int(number), left=tuple(said[:end]), stuck=tuple(said[end + 1 :]))


def _input() -> int | None:
    """Return a descriptor of this process's standard input; None where it has none."""
    try:
        return os.dup(0)
    except OSError:
        return None
