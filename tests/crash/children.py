"""Work done in a child process, which may be killed, stopped or traced at any point of it."""

from __future__ import annotations

import os
import signal
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from jvs_core.errors import JvsError

DONE = "done"
KILLED = "killed"
Work = Callable[[], object]


class Outcome(str):
    """What the child of a child ended with; a work that returns it ends with the same."""

    __slots__ = ()


@dataclass
class Child:
    """A forked child and the socket that it sends its outcome to: a call that no fault is put into."""

    pid: int
    socket: socket.socket

    def outcome(self) -> str:
        """Wait for the end; return ``done``, ``killed``, the code of an error, or the traceback of any other.

        A child that is not waited for to its end, because the test's time is over, say, is killed.
        """
        try:
            with self.socket, self.socket.makefile("rb") as answer:
                said = answer.read().decode()
        except BaseException:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, f"ended by signal {os.WTERMSIG(status)}"
            return KILLED
        return said

    def wait_until_stopped(self) -> None:
        """Return when the child stopped itself. Raises AssertionError when it ended instead."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it ended with status {status} and was to stop"

    def resume(self) -> None:
        """Let a stopped child go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the child as a power switch would, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.outcome() == KILLED


def fork(work: Work) -> Child:
    """Run ``work`` in a child process. Always wait for its ``outcome``."""
    here, there = socket.socketpair()
    pid = os.fork()
    if pid:
        there.close()
        return Child(pid, here)
    try:
        here.close()
        there.sendall(_outcome(work).encode())
    finally:
        os._exit(0)


def _outcome(work: Work) -> str:
    try:
        said = work()
    except JvsError as error:
        return error.code
    except BaseException:  # noqa: BLE001 - the parent shows it
        return traceback.format_exc()
    return said if isinstance(said, Outcome) else DONE


def run(work: Work) -> str:
    """Run ``work`` in a child process and return its outcome."""
    return fork(work).outcome()


@dataclass
class Steps:
    """A receiver of progress that counts the points ``before STEP`` and ``after STEP`` and acts at one of them.

    ``at`` is the number of the point, or its name: then the first of that name.
    """

    at: int | str = -1
    act: Callable[[], None] = field(default=lambda: None)
    seen: list[str] = field(default_factory=list)

    def started(self, step: str, total: int | None = None) -> None:
        """Count the point before a step."""
        self._pass(f"before {step}")

    def advanced(self, amount: int = 1) -> None:
        """Ignore the advance."""

    def finished(self, step: str) -> None:
        """Count the point after a step."""
        self._pass(f"after {step}")

    def _pass(self, point: str) -> None:
        if self.at == len(self.seen) or (self.at == point and point not in self.seen):
            self.act()
        self.seen.append(point)


def die() -> None:
    """End this process as a power switch would."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """Stop this process until somebody sends SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)
