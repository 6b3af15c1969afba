"""Locking everybody out of a worktree, the caller's own session included, while it is moved or removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from jvs_core.control.lock import lock
from jvs_core.control.lock.lease import Lease
from jvs_core.errors import JvsError
from jvs_core.interrupts import uninterrupted
from jvs_core.operations import locking
from jvs_core.operations.context import Context


class Exclusion:
    """The lock of one worktree, held by this operation alone; ``lease`` is as it was last renewed."""

    def __init__(self, ctx: Context, lease: Lease) -> None:
        self._ctx = ctx
        self.lease = lease

    def check(self) -> None:
        """Make sure that the lease still is the worktree's only valid one. Raises as ``lock.check`` does."""
        lock.check(self._ctx.layout, self.lease)

    def _renew(self, lease: Lease) -> Lease:
        self.lease = lock.renew(self._ctx.layout, lease)
        return self.lease

    def _give_back(self) -> None:
        with suppress(JvsError), uninterrupted():  # lost meanwhile: whoever took it over has it
            lock.release(self._ctx.layout, self.lease, durable=False)


@contextmanager
def excluded(ctx: Context, name: str, purpose: str) -> Iterator[Exclusion]:
    """Hold the lock of worktree ``name`` for the block, hidden from the own session, renewed, and give it back.

    Callers call ``check`` before a change that cannot be undone, in the critical section. Raises LockConflict when
    anybody holds the lock.
    """
    record = ctx.worktree(name)
    locking.refuse_if_held(ctx, record)
    taken: list[Exclusion] = []
    try:
        with uninterrupted():
            lease = locking.take_once(
                ctx,
                name,
                record,
                ctx.config.lease.duration_ms,
                purpose,
                by_hand=False,
                keep=lambda lease: taken.append(Exclusion(ctx, lease)),
            )
        (held,) = taken
        with locking.renewing(lease, held._renew):
            yield held
    finally:
        for each in taken:
            each._give_back()
