"""Holding a worktree's lock for the time of one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from jvs_core.control.lock.lease import Lease
from jvs_core.errors import JvsError, LockConflict
from jvs_core.interrupts import uninterrupted
from jvs_core.operations.context import Context
from jvs_core.operations.locking.renewal import renewing
from jvs_core.operations.locking.session_lock import TURN_S, acquire, give_back, renew_lease, require


@dataclass(frozen=True)
class Locking:
    """How an operation gets the lock: the session holds it already, or it is taken for this operation, within ``wait_s``."""

    take: bool = False
    wait_s: float = 0.0


@contextmanager
def writing(ctx: Context, name: str, locking: Locking, *, purpose: str) -> Iterator[Lease]:
    """Take the session's turn on a worktree and yield its checked lease for one operation.

    With ``locking.take`` the lock is acquired unless the session holds it, and given back if it was acquired here. The
    lease is renewed meanwhile, so that an operation may last longer than what was left of it.
    """
    worktree = ctx.worktree(name)
    with ctx.session(worktree.worktree_id).turn(wait_s=max(locking.wait_s, TURN_S)):
        if locking.take:
            with hold(
                ctx,
                name,
                wait_s=locking.wait_s,
                purpose=purpose,
                reuse=True,
                in_turn=True,
                by_hand=False,
            ) as lease:
                yield lease
        else:
            lease = require(ctx, name, worktree)
            with _renewing(ctx, lease):
                yield lease


@contextmanager
def hold(
    ctx: Context,
    name: str,
    *,
    wait_s: float = 0.0,
    purpose: str = "",
    lease_ms: int | None = None,
    reuse: bool = False,
    in_turn: bool = False,
    by_hand: bool = True,
) -> Iterator[Lease]:
    """Hold a worktree's lock for the block, renewed by a daemon thread, and give it back.

    A renewal that the lock refuses ends the renewing; the next operation that needs the lock then raises what the
    renewal raised. A lock lost meanwhile is not given back twice. Another operation of the session that uses the lock
    is waited for, unless the caller is ``in_turn`` itself; one that goes on for too long leaves the lock to its lease.
    With ``reuse`` a lock that the session holds already is used, renewed, and kept.
    """
    worktree = ctx.worktree(name)
    if reuse:
        try:
            lease = require(ctx, name, worktree)
        except JvsError:
            pass
        else:
            with _renewing(ctx, lease):
                yield lease
            return
    taken: list[Lease] = []
    with ExitStack() as renewing:
        try:
            lease = acquire(
                ctx,
                name,
                lease_ms=ctx.config.lease.duration_ms if lease_ms is None else lease_ms,
                wait_s=wait_s,
                purpose=purpose,
                taken=taken,
                by_hand=by_hand,
            )
            renewing.callback(renewing.enter_context(_renewing(ctx, lease)))
            yield lease
        finally:
            with (
                suppress(LockConflict),
                nullcontext()
                if in_turn or not taken
                else ctx.session(worktree.worktree_id).turn(wait_s=TURN_S),
                uninterrupted(),
            ):
                renewing.close()
                for lease in taken:
                    give_back(ctx, lease, logged=by_hand)


def _renewing(ctx: Context, lease: Lease) -> AbstractContextManager[Callable[[], None]]:
    return renewing(lease, lambda lease: renew_lease(ctx, lease))
