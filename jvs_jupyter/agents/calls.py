"""The calls that are carried out in threads, so that the server does not end in the middle of one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from jvs_core.interrupts import uninterrupted

R = TypeVar("R")


class Calls:
    """Counts what is under way; whoever asked for it may be gone."""

    def __init__(self) -> None:
        self._under_way = 0
        self._changed = threading.Condition()

    def carry_out(self, call: Callable[[], R]) -> R:
        """Carry one call out, in the thread that this is called in."""
        self._count(1)
        try:
            return call()
        finally:
            self._count(-1)

    def finish(self) -> None:
        """Wait until nothing is under way, whatever signals come: a sandbox that was cancelled is cleared away."""
        with uninterrupted(), self._changed:
            self._changed.wait_for(lambda: self._under_way == 0)

    def _count(self, change: int) -> None:
        with self._changed:
            self._under_way += change
            self._changed.notify_all()
