"""The same work on many batches, in several processes, because one interpreter runs one thread at a time."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import IO, Generic, Protocol, TypeVar

from jvs_core.errors import EngineFailed
from jvs_core.payload import worker
from jvs_core.payload.batches import BATCH_BYTES, BATCH_FILES

__all__ = ["BATCH_BYTES", "BATCH_FILES", "Job", "Standby", "processes", "run", "standby"]

Batch = TypeVar("Batch")
Result = TypeVar("Result")
Batch_contra = TypeVar("Batch_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)

Standby = list[subprocess.Popen[bytes]]

MOST_PROCESSES = 8
WORTH_FILES = 2000
WORTH_BYTES = 32 << 20
# How many batches a process has under way: more of those that it does sooner than a thread here gets its turn.
_FEW, _MANY, _SOON_S = 2, 6, 0.01
_MOMENT_S = 0.1


class Job(Protocol[Batch_contra, Result_co]):
    """Work on batches. It is pickled, so it is a module-level class and holds plain values."""

    def open(self) -> AbstractContextManager[Callable[[Batch_contra], Result_co]]:
        """Open what the batches share (folders, say) in the process that does the work; yield the function."""


def processes(files: int, size: int, limit: int | None = None) -> int:
    """Return how many processes ``files`` files of ``size`` bytes in all are worth, this one included."""
    if files < 2 or (files < WORTH_FILES and size < WORTH_BYTES) or not sys.executable:
        return 1
    return max(1, min(limit or MOST_PROCESSES, len(os.sched_getaffinity(0)), files))


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
                waiting.append(_spawn())
        yield waiting
    finally:
        for process in waiting:
            _end(process)


def run(
    job: Job[Batch, Result],
    batches: Iterable[Batch],
    *,
    count: int,
    done: Callable[[Batch, Result], None],
    before: Callable[[], None] = lambda: None,
    waiting: Standby | None = None,
    here: bool = True,
) -> None:
    """Run ``job`` on every one of ``batches`` with ``count`` processes, this one included.

    Not ``here``, the others do all the work of many: another thread of this process has something else to do.
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
    shared: _Shared[Batch, Result] = _Shared(iter(batches))
    helpers = _Helpers(job, shared, _others(count, here), [] if waiting is None else waiting)

    def hand_on() -> None:
        for finished in shared.collect():
            done(*finished)

    try:
        helpers.start()
        if here or not helpers.processes:
            with job.open() as work:
                while (taken := shared.take()) is not None and shared.failure is None:
                    before()
                    done(taken[0], work(taken[0]))
                    hand_on()
        while not helpers.joined():
            hand_on()
        if shared.failure is not None:
            raise shared.failure
        hand_on()
    finally:
        helpers.end()


class _Shared(Generic[Batch, Result]):
    """The batches not yet taken and the results not yet handed on, shared by all threads."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self.batches = batches
        self.lock = threading.Lock()
        self.results: list[tuple[Batch, Result]] = []
        self.failure: BaseException | None = None

    def take(self) -> tuple[Batch] | None:
        with self.lock:
            for batch in self.batches:
                return (batch,)
        return None

    def give(self, batch: Batch, result: Result) -> None:
        with self.lock:
            self.results.append((batch, result))

    def collect(self) -> list[tuple[Batch, Result]]:
        with self.lock:
            results, self.results = self.results, []
        return results

    def fail(self, error: BaseException) -> None:
        with self.lock:
            self.failure = self.failure or error
            self.batches = iter(())


class _Helpers(Generic[Batch, Result]):
    """The other processes and the threads that feed them."""

    def __init__(
        self, job: Job[Batch, Result], shared: _Shared[Batch, Result], count: int, waiting: Standby
    ) -> None:
        self.job = job
        self.shared = shared
        self.count = count
        self.waiting = waiting
        self.processes: list[subprocess.Popen[bytes]] = []
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        for _ in range(self.count):
            try:
                process = self.waiting.pop() if self.waiting else _spawn()
            except OSError:
                break  # no room for another process: fewer do the work
            self.processes.append(process)
            thread = threading.Thread(target=self.feed, args=(process,), name="jvs-feeder", daemon=True)
            self.threads.append(thread)
            thread.start()

    def feed(self, process: subprocess.Popen[bytes]) -> None:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            worker.send(stdin, self.job)
            waiting: list[Batch] = []
            ahead = _FEW
            while True:
                # Some batches under way, so that the process never waits for this thread to get its turn.
                while len(waiting) < ahead and (taken := self.shared.take()) is not None:
                    worker.send(stdin, taken[0])
                    waiting.append(taken[0])
                if not waiting:
                    break
                asked = monotonic()
                failed, answer = worker.receive(stdout)
                ahead = _MANY if monotonic() - asked < _SOON_S else _FEW
                if failed:
                    self.shared.fail(answer)
                    return
                self.shared.give(waiting.pop(0), answer)
            stdin.close()
        except (OSError, EOFError, pickle.PickleError) as error:
            with suppress(OSError):
                stdin.close()
            reason = _last_words(stdout)
            process.wait()
            self.shared.fail(
                reason or EngineFailed(f"a worker process ended early (status {process.returncode}): {error}")
            )
        except BaseException as error:  # noqa: BLE001  # handed to the calling thread, which raises it
            self.shared.fail(error)

    def joined(self) -> bool:
        """Wait a moment for the threads; return whether all have ended."""
        for thread in self.threads:
            thread.join(_MOMENT_S)
            if thread.is_alive():
                return False
        return True

    def end(self) -> None:
        for process in self.processes:
            # One that did all its work has closed what it wrote to; there is nothing to wait for.
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait()
        while not self.joined():
            pass
        for process in self.processes:
            _end(process)


def _last_words(stdout: IO[bytes]) -> BaseException | None:
    """Return why a process ended, if it said so before it was sent what it did not read any more."""
    with suppress(OSError, EOFError, pickle.PickleError):
        while True:
            failed, answer = worker.receive(stdout)
            if failed:
                found: BaseException = answer
                return found
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _spawn() -> subprocess.Popen[bytes]:
    home = Path(worker.__file__).parents[2]
    options = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
    program = f"import sys; sys.path.append({str(home)!r}); from jvs_core.payload.worker import main; main()"
    return subprocess.Popen(
        [sys.executable, *options, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
