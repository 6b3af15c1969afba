"""Signals that end a command: as with Ctrl-C, what it had begun is taken back, and locks are given back."""

from __future__ import annotations

import signal
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """The process was told to end by another signal than that of Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def heed() -> None:
    """Raise Stopped for the signals that would end this process at once; one that is ignored (nohup) stays so."""
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def number_of(stopped: KeyboardInterrupt) -> int:
    """Return the signal that it stands for."""
    return stopped.number if isinstance(stopped, Stopped) else signal.SIGINT


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)
