"""Where a sweep's points run: processes of this machine, or dask's workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

from jvs_core import InputError

DASK = "dask:"
_stopped = False


@contextmanager
def named(executor: str, jobs: int | None) -> Iterator[Executor]:
    """Yield the executor that ``local`` or ``dask:ADDRESS`` means; its own processes end with the block.

    Raises InputError for another name, for ``jobs`` with dask, and where dask is not installed.
    """
    if executor == "local":
        with processes(jobs or os.cpu_count() or 1) as pool:
            yield pool
    elif executor.startswith(DASK) and executor != DASK:
        if jobs is not None:
            raise InputError("--jobs needs --executor local", hint="with dask, its workers decide")
        with _dask(executor.removeprefix(DASK)) as pool:
            yield pool
    else:
        raise InputError(f"unknown executor {executor!r}", hint="local, or dask:ADDRESS")


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Yield a pool of ``jobs`` processes. When the block is left early, runs under way are terminated and say so."""
    pool = ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_stop_when_idle
    )
    try:
        yield pool
    except BaseException:
        for child in list((pool._processes or {}).values()):
            if child.is_alive():
                child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def threads(jobs: int | None) -> ThreadPoolExecutor:
    """Return a pool of threads. The cells run in kernels, which are processes of their own anyway."""
    return ThreadPoolExecutor(jobs or os.cpu_count() or 1, thread_name_prefix="jvs-sweep")


@contextmanager
def event_loop_of_thread() -> Iterator[None]:
    """Close, after the block, the event loop that nbclient opens in a thread and leaves to the collector."""
    try:
        yield
    finally:
        if "nbclient" in sys.modules and threading.current_thread() is not threading.main_thread():
            from jupyter_core.utils import ensure_event_loop

            loop = ensure_event_loop()
            if not loop.is_running():
                loop.close()


def refuse_after_stop() -> None:
    """Raise KeyboardInterrupt in a worker process that was told to stop: what is still queued is not run."""
    if _stopped:
        raise KeyboardInterrupt


def stop() -> None:
    """Let this worker process run nothing more."""
    global _stopped  # noqa: PLW0603 - one fact about this process
    _stopped = True


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise InputError("dask is not installed", hint="pip install distributed") from error
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise InputError(f"no dask scheduler at {address!r}: {error}") from error
    with client:
        executor: Any = client.get_executor(pure=False, retries=0)
        yield executor


def _stop_when_idle() -> None:
    """A signal between two runs ends the worker quietly; during a run the run handles it."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
