"""Time that passes at once: leases run out and locks lose trust in tests that do not wait for it.

All of JVS reads the two clocks of ``jvs_core.clock``. Here they are set forward, in this process and in those that are
forked from it, stopped ones too, as if everybody had slept. Programs that are started anew have the machine's time.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from unittest import mock

from jvs_core import Repository, clock

LetPass = Callable[[float], None]
_PATIENCE_S = 60.0
_functions: list[LetPass] = []


@contextmanager
def passing() -> Iterator[LetPass]:
    """Yield a function that lets so many seconds pass; after the block the clocks are right again."""
    now, boot = clock.now_ms, clock.boot_ms
    with mmap.mmap(-1, 8) as shared, memoryview(shared) as raw, raw.cast("q") as gone:

        def now_ms() -> int:
            return now() + gone[0]

        def boot_ms() -> int:
            return boot() + gone[0]

        def forward(seconds: float) -> None:
            gone[0] += round(seconds * 1000)

        with mock.patch.object(clock, "now_ms", now_ms), mock.patch.object(clock, "boot_ms", boot_ms):
            _functions.append(forward)
            try:
                yield forward
            finally:
                _functions.pop()


def let_pass(seconds: float) -> None:
    """Let time pass in the block of ``passing`` that this is called from."""
    _functions[-1](seconds)


def outlast(repo: Repository, let_pass: LetPass, seconds: float, worktree: str | None = None) -> None:
    """Let ``seconds`` pass twice, each time as soon as whoever holds the lock of a worktree has renewed it.

    The first renewal that shows may have looked at the clock before; the one after it has not.
    """
    for _ in range(2):
        for _ in range(2):
            await_renewal(repo, end_of_lease(repo, worktree), worktree)
        let_pass(seconds)


def await_renewal(repo: Repository, end: str, worktree: str | None = None) -> None:
    """Return as soon as the lease of a worktree's lock ends at another time than ``end``."""
    pause, deadline = Event(), time.monotonic() + _PATIENCE_S
    while end_of_lease(repo, worktree) == end:
        assert time.monotonic() < deadline, "the lock was not renewed"
        pause.wait(0.01)


def end_of_lease(repo: Repository, worktree: str | None = None) -> str:
    """Return when the lease of a worktree's lock ends, which somebody holds."""
    held = repo.locks.status(worktree).lock
    assert held is not None
    return held.lease_expires_at
