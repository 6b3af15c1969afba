"""Progress of an operation: counted in its thread, told on the event loop, and where cancelling takes hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_INTERVAL_S = 0.25
# From these steps on something is visible, or about to be: what has come so far is carried to its end.
_POINTS_OF_NO_RETURN = frozenset({"publish", "register", "catalog", "head", "audit", "converge", "delete"})


class Cancelled(Exception):
    """The operation was told to stop, and nothing of it is visible."""


class Receiver:
    """A ``Progress`` that remembers the step under way and calls ``tell`` a few times a second at most.

    ``leaving`` is set once it is cancelled; ``all_done`` counts the units of all steps.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._told_at = 0.0
        self._step: tuple[str, int, int | None] | None = None
        self._steps = 0
        self.leaving = threading.Event()
        self.all_done = 0
        self._committed = False

    def cancel(self) -> None:
        """Stop at the next step or advance, unless something of the operation is visible by then."""
        self.leaving.set()

    def next_part(self) -> None:
        """Begin another part of the work, which can be left again; what came before stays."""
        self._committed = False

    def to_json(self) -> dict[str, Any] | None:
        """Return the step under way; None before the first."""
        if self._step is None:
            return None
        step, done, total = self._step
        return {"step": step, "done": done, "total": total, "steps": self._steps}

    def started(self, step: str, total: int | None = None) -> None:
        """A step begins."""
        self._stop_here()
        self._committed = self._committed or step in _POINTS_OF_NO_RETURN
        self._step = (step, 0, total)
        self._say()

    def advanced(self, amount: int = 1) -> None:
        """The running step moved on."""
        self._stop_here()
        if self._step is not None:
            step, done, total = self._step
            self._step = (step, done + amount, total)
            self.all_done += amount
        self._say()

    def finished(self, step: str) -> None:
        """The step is complete."""
        self._steps += 1

    def _stop_here(self) -> None:
        if self.leaving.is_set() and not self._committed:
            raise Cancelled

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _INTERVAL_S:
            self._told_at = now
            self._tell()
