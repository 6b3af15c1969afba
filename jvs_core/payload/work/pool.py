"""Running the same work on many batches in several processes, since one interpreter runs one thread at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from jvs_core.payload.work import helpers
from jvs_core.payload.work.helpers import Helpers, Job, Shared, Standby

__all__ = ["Job", "Standby", "processes", "run", "standby"]

Batch = TypeVar("Batch")
Result = TypeVar("Result")

MOST_PROCESSES = 8
WORTH_FILES = 2000
WORTH_BYTES = 32 << 20


def processes(files: int, size: int) -> int:
    """Return how many processes ``files`` files of ``size`` bytes in all are worth, this one included."""
    if files < 2 or (files < WORTH_FILES and size < WORTH_BYTES) or not sys.executable:
        return 1
    return max(1, min(MOST_PROCESSES, len(os.sched_getaffinity(0)), files))


def _others(count: int, here: bool) -> int:
    return count - 1 if here or count == 1 else count


@contextmanager
def standby(files: int, *, here: bool = True) -> Iterator[Standby]:
    """Start the other processes that work on ``files`` files is worth, while the caller still looks for that work.

    ``run`` takes them; those not taken are gone when the block ends. ``here`` as for ``run``.
    """
    waiting: Standby = []
    try:
        with suppress(OSError):
            for _ in range(_others(processes(files, 0), here)):
                waiting.append(helpers.spawn())
        yield waiting
    finally:
        for process in waiting:
            helpers.end(process)


def run(
    job: Job[Batch, Result],
    batches: Iterable[Batch],
    *,
    count: int,
    done: Callable[[Batch, Result], None],
    before: Callable[[], None] = lambda: None,
    waiting: Standby | None = None,
    here: bool = True,
    keep: bool = False,
) -> None:
    """Run ``job`` on every one of ``batches`` with ``count`` processes, this one included.

    Not ``here``, the others do all the work of many: another thread of this process has something else to do.
    With ``keep`` the processes that did it wait in ``waiting`` for more.
    ``done(batch, result)`` is called in the calling thread, in any order, and there ``before()`` is called before
    anything is done and again before each batch that the thread does itself. The first failure, from whichever process,
    is raised here as it was raised there; then, and on Ctrl-C, every process is gone before this returns. What was
    written until then stays.
    """
    if count <= 1:
        with job.open() as work:
            for batch in batches:
                before()
                done(batch, work(batch))
        return
    before()
    shared: Shared[Batch, Result] = Shared(iter(batches))
    others = Helpers(job, shared, _others(count, here), [] if waiting is None else waiting, keep=keep)

    def hand_on() -> None:
        for finished in shared.collect():
            done(*finished)

    try:
        others.start()
        if here or not others.processes:
            with job.open() as work:
                while (taken := shared.take()) is not None and shared.failure is None:
                    before()
                    done(taken[0], work(taken[0]))
                    hand_on()
        while not others.joined():
            hand_on()
        if shared.failure is not None:
            raise shared.failure
        hand_on()
        others.part()
    finally:
        others.end()
