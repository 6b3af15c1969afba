"""Taking, showing, renewing and giving back a worktree's lock, for the caller's session."""

from __future__ import annotations

import time
from collections.abc import Callable

from jvs_core.control import control_folders
from jvs_core.control.lock import lease_files, lock
from jvs_core.control.lock.lease import Lease, conflict, describe_holder, state_of
from jvs_core.errors import DescriptorCorrupt, InputError, JvsError, LockConflict, LockNotHeld
from jvs_core.interrupts import uninterrupted
from jvs_core.model import LEASE_MS_MAXIMUM, LeaseRecord, Worktree
from jvs_core.operations.context import Context
from jvs_core.results import LockStatus
from jvs_core.settings import INTERACTIVE_LEASE_MS, LEASE_MS_MINIMUM

_POLL_S = 0.1
TURN_S = 30.0


def acquire(
    ctx: Context,
    name: str,
    *,
    lease_ms: int | None = None,
    wait_s: float = 0.0,
    purpose: str = "",
    taken: list[Lease] | None = None,
    by_hand: bool = True,
) -> Lease:
    """Take the lock of worktree ``name`` for the caller's session, waiting up to ``wait_s`` seconds.

    Ctrl-C is held back until the lock is taken or not; the lease is appended to ``taken`` before it can act, so that a
    caller who is interrupted knows what to give back. Only a lock that is taken ``by_hand`` is logged, and one that is
    stolen: the record of the operation that takes one for itself carries its token.

    Raises LockConflict, ClockSkewExceeded, InputError (a lease shorter than a second or longer than a day).
    """
    lease_ms = INTERACTIVE_LEASE_MS if lease_ms is None else lease_ms
    if not LEASE_MS_MINIMUM <= lease_ms <= LEASE_MS_MAXIMUM:
        raise InputError(f"a lease lasts {LEASE_MS_MINIMUM} to {LEASE_MS_MAXIMUM} ms, not {lease_ms}")
    if len(purpose) > 200 or not purpose.isprintable():
        raise InputError("the purpose must be one line of at most 200 characters")
    worktree = ctx.worktree(name)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            with uninterrupted():
                session = ctx.session(worktree.worktree_id)
                session.make_folder()  # a lock whose secret cannot be kept would be nobody's
                lease = take_once(ctx, name, worktree, lease_ms, purpose, by_hand=by_hand, keep=session.save)
                if taken is not None:
                    taken.append(lease)
            return lease
        except LockConflict:
            if time.monotonic() >= deadline:
                raise
        time.sleep(min(_POLL_S, max(deadline - time.monotonic(), 0)))


def status(ctx: Context, name: str) -> LockStatus:
    """Return the state of a worktree's lock. Changes nothing."""
    record = current(ctx, ctx.worktree(name))
    state = state_of(record)
    return LockStatus(state=state, lock=None if state == "free" else record)


def current(ctx: Context, worktree: Worktree) -> LeaseRecord | None:
    """Return the newest lease record of a worktree; None when there is none that can be read."""
    try:
        return lock.current(ctx.layout, worktree.worktree_id)
    except (DescriptorCorrupt, FileNotFoundError, PermissionError):  # who may only read does not see leases
        return None


def renew(ctx: Context, name: str) -> Lease:
    """Extend the session's lease on a worktree. Raises LockNotHeld, LockExpired, FencingMismatch."""
    worktree = ctx.worktree(name)
    return renew_lease(ctx, require(ctx, name, worktree))


def release(ctx: Context, name: str) -> None:
    """Give the session's lock on a worktree back, after the session's operation under way, if there is one.

    Raises LockNotHeld, LockExpired, FencingMismatch, LockConflict (that operation went on for too long).
    """
    worktree = ctx.worktree(name)
    require(ctx, name, worktree)
    with ctx.session(worktree.worktree_id).turn(wait_s=TURN_S), uninterrupted():
        _release(ctx, require(ctx, name, worktree), logged=True)


def require(ctx: Context, name: str, worktree: Worktree) -> Lease:
    """Return the session's lease on a worktree, checked.

    Raises LockNotHeld (naming the holder, if there is one), LockExpired, FencingMismatch.
    """
    lease = ctx.session(worktree.worktree_id).load()
    if lease is None:
        record = current(ctx, worktree)
        holder = f": {describe_holder(record)}" if record and state_of(record) == "held" else ""
        raise LockNotHeld(
            f"this session does not hold the lock on worktree {name!r}{holder}",
            hint="jvs lock acquire",
            holder=record.to_json() if record and holder else None,
        )
    lock.check(ctx.layout, lease)
    return lease


def check(ctx: Context, lease: Lease) -> None:
    """Make sure that ``lease``, as it was last renewed, still is the worktree's only valid one.

    An operation may last longer than the lease that it began with. Raises as ``lock.check`` does.
    """
    renewed = ctx.session(lease.record.worktree_id).load()
    if renewed is not None and renewed.record.lock_id == lease.record.lock_id:
        lease = renewed
    lock.check(ctx.layout, lease)


def refuse_if_held(ctx: Context, worktree: Worktree) -> None:
    """Raise LockConflict when anybody holds the worktree's lock at this moment."""
    record = current(ctx, worktree)
    if record is not None and state_of(record) == "held":
        raise conflict(record)


def take_once(
    ctx: Context,
    name: str,
    worktree: Worktree,
    lease_ms: int,
    purpose: str,
    *,
    by_hand: bool,
    keep: Callable[[Lease], object],
) -> Lease:
    """Take a worktree's lock, ``keep`` the lease, and log what is to be logged; see ``acquire``."""
    control_folders.complete(ctx.layout)
    lease, replaced = lock.acquire(
        ctx.layout,
        ctx.settings,
        ctx.config.lease,
        worktree=name,
        worktree_id=worktree.worktree_id,
        lease_ms=lease_ms,
        purpose=purpose,
        floor=_published_token(worktree),
        own=ctx.session(worktree.worktree_id).load(),
    )
    keep(lease)
    lease_files.remove_superseded(ctx.layout, worktree.worktree_id, kept=2)
    stolen = replaced is not None and replaced.holder_id != lease.record.holder_id
    if not by_hand and not stolen:
        return lease
    with ctx.critical():
        ctx.audit(
            "lock_steal" if stolen else "lock_acquire",
            worktree=name,
            worktree_id=worktree.worktree_id,
            fencing_token=lease.token,
            target=lease.record.lock_id,
            reason=purpose or None,
            details={"from": replaced.holder_id, "expired_at": replaced.lease_expires_at}
            if stolen and replaced
            else {},
        )
    return lease


def _published_token(worktree: Worktree) -> int:
    return worktree.head.fencing_token or 0


def renew_lease(ctx: Context, lease: Lease) -> Lease:
    """Extend a lease by its duration, and keep it as the session's."""
    renewed = lock.renew(ctx.layout, lease)
    ctx.session(lease.record.worktree_id).save(renewed)
    return renewed


def _release(ctx: Context, lease: Lease, *, logged: bool) -> None:
    record = lease.record
    lock.release(ctx.layout, lease, durable=logged)
    ctx.session(record.worktree_id).forget(lease)
    if not logged:
        return
    with ctx.critical():
        ctx.audit(
            "lock_release",
            worktree=record.worktree,
            worktree_id=record.worktree_id,
            fencing_token=record.fencing_token,
            target=record.lock_id,
        )


def give_back(ctx: Context, lease: Lease, *, logged: bool) -> None:
    """Give a lease back that was taken here; one that was lost meanwhile needs nothing."""
    stored = ctx.session(lease.record.worktree_id).load()
    try:
        if stored is not None and stored.record.lock_id == lease.record.lock_id:
            _release(ctx, stored, logged=logged)
    except JvsError:
        return  # lost meanwhile: whoever took it over has it, and what was done under it was checked at the time
