"""Holding back Ctrl-C while a commit is made, so that it is all or nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C, and other signals that this program heeds, until the block is complete; then let them act.

    Only the main thread receives signals, so in any other thread this does nothing; nor does it where an embedding
    program handles a signal outside Python.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _STOPPING}
    heeded = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in heeded:
        signal.signal(number, lambda number, _frame: pending.append(number))
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
        if pending:
            signal.raise_signal(pending[0])
