"""How a run ends: the outcomes there are, and the signals that end one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal, NamedTuple

from jvs_core import Run

_STATUS = {
    "ok": 0,
    "cell_error": 10,
    "kernel_died": 11,
    "early_exit": 12,
    "lost": 13,
    "interrupted": 130,
    "terminated": 143,
}
_LONGEST_ERROR = 2_000
_TERMINATING = ("SIGTERM", "SIGHUP")

Ended = Literal[
    "ok",
    "cell_error",
    "kernel_died",
    "early_exit",
    "failed",
    "killed",
    "interrupted",
    "terminated",
    "lost",
]


class Cancelled(KeyboardInterrupt):
    """Somebody asked that the run stop; it alone is meant, not what else its process does."""


class Terminated(SystemExit):
    """SIGTERM or SIGHUP arrived. A ``SystemExit``, because asyncio swallows other base exceptions in callbacks."""


class Told(NamedTuple):
    """An outcome and, unless it is ``ok``, what went wrong in words."""

    outcome: Ended
    error: str | None


class Signals:
    """Signals that end a run, held back while nothing may be cut short; ``allowed()`` says when they may act."""

    def __init__(self) -> None:
        self._act = False
        self._pending: BaseException | None = None
        self._cancelled = False
        self.heard = False

    @property
    def waiting(self) -> bool:
        """Whether a signal is held back."""
        return self._pending is not None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let the signals act in the block, also those that came before it."""
        self._act = True
        try:
            self.deliver()
            yield
        finally:
            self._act = False

    def deliver(self) -> None:
        """Raise what was held back."""
        pending, self._pending = self._pending, None
        if pending is not None:
            raise pending

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Raise for a signal, now or later. The first one counts: what follows it is the end of the run already."""
        if number != signal.SIGINT:
            error: BaseException = Terminated(128 + number)
        else:
            error = Cancelled() if self._cancelled else KeyboardInterrupt()
        if self._act:
            self._act = False
            raise error
        self._pending = self._pending or error

    def cancel(self) -> None:
        """Have the run stop as by Ctrl-C, from any thread. Where no signal is heard it stops where it looks: ``deliver``."""
        if self._cancelled:
            return
        self._cancelled = True
        if self.heard:
            os.kill(os.getpid(), signal.SIGINT)
        else:
            self._pending = self._pending or Cancelled()

    def no_longer_cancelled(self) -> None:
        """Forget a ``cancel`` that came too late."""
        if isinstance(self._pending, Cancelled):
            self._pending = None


@contextmanager
def handled() -> Iterator[Signals]:
    """Take over SIGINT, SIGTERM and SIGHUP for the block, in the main thread; signals that are ignored stay so."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    numbers = [signal.Signals[name] for name in (*_TERMINATING, "SIGINT")]
    heeded = [n for n in numbers if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    previous = {number: signal.signal(number, signals.handle) for number in heeded}
    signals.heard = signal.SIGINT in heeded
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def exit_status(run: Run) -> int:
    """Return the exit status that tells what became of a run; a command's own where that tells it."""
    if run.outcome in ("failed", "killed") and run.exit_status:
        return run.exit_status
    return _STATUS.get(run.outcome, 1)


def stopped(error: BaseException) -> Told | None:
    """Return the outcome of a run that a signal ended; None when ``error`` is none of those."""
    if isinstance(error, Cancelled):
        return Told("interrupted", "cancelled")
    if isinstance(error, KeyboardInterrupt):
        return Told("interrupted", "interrupted (SIGINT)")
    if isinstance(error, Terminated):
        return Told("terminated", f"terminated (signal {int(error.code or 128) - 128})")
    return None


def not_kept(told: Told, what: str, error: BaseException) -> Told:
    """Return the outcome of a run whose result is not kept as it should be: ``ok`` it cannot be."""
    reason = f"{what}: {named(error)}"
    if told.error is None:
        return Told("lost", short(reason))
    return Told(told.outcome, short(f"{told.error}; and {reason}"))


def named(error: BaseException) -> str:
    """Return an error in words: its code, or its class where it has none, and what it says."""
    return short(f"{getattr(error, 'code', None) or type(error).__name__}: {error}")


def short(text: str) -> str:
    """Return a text as a record can hold it, at most 2,000 characters."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 1] + "…"
