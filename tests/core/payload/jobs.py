"""Work for ``pool``: it is unpickled in a bare interpreter, so nothing here needs more than the standard library."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jvs_core.errors import NoSpace


@dataclass(frozen=True)
class Squares:
    """Squares numbers and says in which process; ends, or fails, at the number that it is told."""

    kill_at: int = -1
    fail_at: int = -1
    caller: int = 0

    @contextmanager
    def open(self) -> Iterator[Callable[[list[int]], tuple[int, list[int]]]]:
        """Yield the function that does a batch."""

        def work(batch: list[int]) -> tuple[int, list[int]]:
            if self.kill_at in batch and os.getpid() != self.caller:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fail_at in batch:
                raise NoSpace("no room for a square", path="here")
            return os.getpid(), [number**2 for number in batch]

        yield work


@dataclass(frozen=True)
class Echo:
    """Answers each batch with itself and the number of the process."""

    @contextmanager
    def open(self) -> Iterator[Callable[[bytes], tuple[int, bytes]]]:
        """Yield the function that does a batch."""
        yield lambda batch: (os.getpid(), batch)


@dataclass(frozen=True)
class Lingers:
    """Leaves the number of its process as a name in ``folder``, and works on for a minute."""

    folder: str

    @contextmanager
    def open(self) -> Iterator[Callable[[int], None]]:
        """Yield the function that does a batch."""

        def work(batch: int) -> None:
            os.close(os.open(os.path.join(self.folder, str(os.getpid())), os.O_CREAT))
            time.sleep(60)

        yield work
