"""Reading that takes the processor for long: in a process of its own, so that the event loop keeps this one."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import ParamSpec, TypeVar

from jvs_core import JvsError
from jvs_jupyter.server.paths import Place

P = ParamSpec("P")
T = TypeVar("T")

_LARGE_FILES = 1000
_PR_SET_PDEATHSIG = 1


class Reader:
    """A process that reads, started when it is first needed. One interpreter runs one thread at a time: walking and
    comparing tens of thousands of files in a thread would hold the event loop up again and again.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a module-level function with plain values there; raise what it raises. Once more where it was killed."""
        loop = asyncio.get_running_loop()
        call = partial(function, *args, **kwargs)
        try:
            return await loop.run_in_executor(self._started(), call)
        except BrokenProcessPool:
            self.close()
        return await loop.run_in_executor(self._started(), call)

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(os.getpid(),))
        return self._pool


def is_large(place: Place) -> bool:
    """Return whether looking over the place's worktree takes long; nobody knows before its first snapshot."""
    try:
        return place.repository.show("HEAD").descriptor.files >= _LARGE_FILES
    except JvsError:
        return True


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the server, and end with it even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
