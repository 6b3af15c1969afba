"""Holding back the interpreter's cycle collector while very many small values are made."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector:
    """Who wants the interpreter's collector off, and whether it was on before the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._was_on = False

    def hold(self) -> None:
        with self._lock:
            if not self._users:
                self._was_on = gc.isenabled()
                gc.disable()
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._was_on:
                gc.enable()


_collector = _Collector()


@contextmanager
def held_back() -> Iterator[None]:
    """Switch the collector off for the block; on again when the last such block of any thread ends.

    Entries and stamps are tuples that the collector tracks and walks again and again, a third of the time of a scan,
    though they can form no cycle.
    """
    _collector.hold()
    try:
        yield
    finally:
        _collector.release()
