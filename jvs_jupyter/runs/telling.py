"""Telling those who look on how far a run came, and hearing that it is to stop: once a second, in a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jvs_core import Repository
from jvs_jupyter.runs.endings import Signals

_EVERY_S = 1.0
_SHARE = 0.05
logger = logging.getLogger("jvs.runs")


@dataclass(frozen=True)
class Seen:
    """How far the work came: the cell under way, from 1, of so many, None for a command; its metrics so far."""

    cell: int | None = None
    cells: int | None = None
    metrics: dict[str, Any] = field(default_factory=dict)


@contextmanager
def told(repository: Repository, run_id: str, look: Callable[[], Seen], signals: Signals) -> Iterator[None]:
    """In the block have what ``look`` sees told, where it changed, and ``signals`` told when somebody cancels the run.

    ``look`` is called in a thread. Work that is over within a second costs nothing and leaves nothing. Looking takes a
    twentieth of the time at most.
    """
    over = threading.Event()
    thread = threading.Thread(
        target=_tell, args=(repository, run_id, look, signals, over), name="jvs-telling", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        signals.no_longer_cancelled()


def _tell(
    repository: Repository,
    run_id: str,
    look: Callable[[], Seen],
    signals: Signals,
    over: threading.Event,
) -> None:
    last: Seen | None = None
    warned = False
    pause = _EVERY_S
    while not over.wait(pause):
        began = time.monotonic()
        try:
            if repository.runs.is_cancelled(run_id):
                signals.cancel()
            seen = look()
            if seen != last:
                repository.runs.tell(run_id, cell=seen.cell, cells=seen.cells, metrics=seen.metrics)
                last = seen
        except Exception as error:  # noqa: BLE001 - what a run wrote is anything; the run itself goes on
            if not warned:
                logger.warning("the progress of the run could not be read: %s", error)
            warned = True
        pause = max(_EVERY_S, (time.monotonic() - began) / _SHARE)
