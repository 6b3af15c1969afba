"""Starting the worker processes of ``pool``, and feeding them from threads."""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from time import monotonic
from typing import IO, Generic, Protocol, TypeVar

from jvs_core import anchored
from jvs_core.errors import EngineFailed
from jvs_core.payload.work import worker

Batch = TypeVar("Batch")
Result = TypeVar("Result")
Batch_contra = TypeVar("Batch_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)

Standby = list[subprocess.Popen[bytes]]

# How many batches a process has under way: more of those that it does sooner than a thread here gets its turn.
_FEW, _MANY, _SOON_S = 2, 6, 0.01
_MOMENT_S = 0.1
_PIPE_BYTES, _PAGE = 1 << 20, 4096
_RUN_AGAIN = "run the command again; the system's log says whether the process was killed, for example because memory was full"


class Job(Protocol[Batch_contra, Result_co]):
    """Work on batches. It is pickled, so it is a module-level class and holds plain values."""

    def open(self) -> AbstractContextManager[Callable[[Batch_contra], Result_co]]:
        """Open what the batches share (folders, say) in the process that does the work; yield the function."""


class Shared(Generic[Batch, Result]):
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


class Helpers(Generic[Batch, Result]):
    """The other processes and the threads that feed them."""

    def __init__(
        self,
        job: Job[Batch, Result],
        shared: Shared[Batch, Result],
        count: int,
        waiting: Standby,
        *,
        keep: bool,
    ) -> None:
        self.job = job
        self.keep = keep
        self.shared = shared
        self.count = count
        self.waiting = waiting
        self.processes: list[subprocess.Popen[bytes]] = []
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        for _ in range(self.count):
            try:
                process = self.waiting.pop() if self.waiting else spawn()
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
            worker.send(stdin, (anchored.enclosed(), self.job))
            room = fcntl.fcntl(stdin, fcntl.F_GETPIPE_SZ)
            waiting: list[tuple[Batch, int]] = []
            ahead = _FEW
            coming: tuple[Batch, bytes] | None = None
            while True:
                # Some batches under way, so that the process never waits for this thread to get its turn; no more than
                # fit into the pipe, or each would wait for the other to read.
                while len(waiting) < ahead and (coming := coming or self.next()):
                    size = -(-len(coming[1]) // _PAGE) * _PAGE
                    if waiting and size + sum(taken for _, taken in waiting) > room:
                        break
                    stdin.write(coming[1])
                    stdin.flush()
                    waiting.append((coming[0], size))
                    coming = None
                if not waiting:
                    break
                asked = monotonic()
                failed, answer = worker.receive(stdout)
                ahead = _MANY if monotonic() - asked < _SOON_S else _FEW
                if failed:
                    self.shared.fail(answer)
                    return
                self.shared.give(waiting.pop(0)[0], answer)
            if self.keep:
                worker.send(stdin, None)
            else:
                stdin.close()
        except (OSError, EOFError, pickle.PickleError) as error:
            with suppress(OSError):
                stdin.close()
            reason = _last_words(stdout)
            process.wait()
            ended = f"a worker process ended early (status {process.returncode}): {error}"
            self.shared.fail(reason or EngineFailed(ended, hint=_RUN_AGAIN))
        except BaseException as error:  # noqa: BLE001  # handed to the calling thread, which raises it
            self.shared.fail(error)

    def next(self) -> tuple[Batch, bytes] | None:
        """Return a batch that nobody took yet, and how it is sent."""
        taken = self.shared.take()
        return None if taken is None else (taken[0], worker.frame(taken[0]))

    def joined(self) -> bool:
        """Wait a moment for the threads; return whether all have ended."""
        for thread in self.threads:
            thread.join(_MOMENT_S)
            if thread.is_alive():
                return False
        return True

    def part(self) -> None:
        """Let the processes that are to be kept wait for other work."""
        if self.keep:
            self.waiting.extend(self.processes)
            self.processes = []

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
            end(process)


def _last_words(stdout: IO[bytes]) -> BaseException | None:
    """Return why a process ended, if it said so before it was sent what it did not read any more."""
    with suppress(OSError, EOFError, pickle.PickleError):
        while True:
            failed, answer = worker.receive(stdout)
            if failed:
                found: BaseException = answer
                return found
    return None


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def spawn() -> subprocess.Popen[bytes]:
    home = Path(worker.__file__).parents[3]
    options = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
    program = f"import sys; sys.path.append({str(home)!r}); from jvs_core.payload.work.worker import main; main({os.getpid()})"
    process = subprocess.Popen(
        [sys.executable, *options, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(OSError):  # smaller ones do, for somebody who has many
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return process
