"""One writer a worktree: leases with fencing tokens.

A lease is the file ``locks/<worktree_id>/<token>``. Any number of contenders on any number of hosts try to create the
next number exclusively; the one who succeeds has the lock. Tokens only grow. A holder that slept past its lease finds a
higher number before it publishes anything, and stops. Neither rename nor file locks are relied on, because other
clients of a shared JuiceFS volume may see a renamed-over name late and lose file locks; exclusive creation, listings
and in-place writes they see at once.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Any

from jvs_core import clock, files
from jvs_core.control.layout import Layout
from jvs_core.control.lock import lease_files, slots, takeover
from jvs_core.control.lock.lease import Lease
from jvs_core.control.lock.lease_files import LAST_TOKEN
from jvs_core.errors import (
    AlreadyExists,
    DescriptorCorrupt,
    FencingMismatch,
    LockExpired,
    LockNotHeld,
)
from jvs_core.model import LeaseRecord
from jvs_core.settings import LeaseConfig, Settings


def current(layout: Layout, worktree_id: str) -> LeaseRecord | None:
    """Return the newest lease record of a worktree, whatever its state; None when there never was one.

    Raises DescriptorCorrupt when the newest file holds no readable record.
    """
    given = lease_files.tokens(layout, worktree_id)
    return lease_files.read(layout, worktree_id, given[-1]) if given else None


def acquire(
    layout: Layout,
    settings: Settings,
    config: LeaseConfig,
    *,
    worktree: str,
    worktree_id: str,
    lease_ms: int,
    purpose: str,
    floor: int,
    own: Lease | None = None,
) -> tuple[Lease, LeaseRecord | None]:
    """Take a worktree's lock, durable, and return the lease with the expired record it replaced, if any.

    ``floor`` is the highest token that published anything: a new token is above it even when the lock files were
    not migrated. ``own`` is the caller's previous lease; once it ran out, its holder need not wait for itself.
    A failure leaves no lock; a crash leaves one that nobody can use, until its lease ends.

    Raises
    ------
    LockConflict
        Somebody holds the lock, or was quicker, or let it expire less than skew and grace ago.
    ClockSkewExceeded
        The holder renewed in our future: one of the two clocks is wrong, and nothing is stolen.
    """
    began, boot = clock.boot_ms(), clock.boot_id()
    files.make_folder(layout.locks(worktree_id), mode=layout.folder_mode, exist_ok=True)
    given = lease_files.tokens(layout, worktree_id, above=floor)
    replaced = (
        takeover.require_takeable(layout, worktree, worktree_id, given[-1], config, own) if given else None
    )
    token = max([floor, *given]) + 1
    if token > LAST_TOKEN:
        raise DescriptorCorrupt(
            f"the lock of worktree {worktree!r} has no number left above {token - 1}", hint="jvs doctor"
        )
    secret = secrets.token_hex(32)
    now = clock.now_ms()
    record = LeaseRecord(
        lock_id=str(uuid.uuid4()),
        worktree=worktree,
        worktree_id=worktree_id,
        holder_id=settings.holder_id,
        session_id=settings.session,
        purpose=purpose,
        acquired_at=clock.timestamp(now),
        last_renewed_at=clock.timestamp(now),
        lease_expires_at=clock.timestamp(now + lease_ms),
        lease_duration_ms=lease_ms,
        renew_interval_ms=min(config.renew_interval_ms, max(lease_ms // 3, 1)),
        max_clock_skew_ms=config.max_clock_skew_ms,
        steal_grace_ms=config.steal_grace_ms,
        fencing_token=token,
        secret_sha256=_proof(secret),
    )
    try:
        slots.create(layout.locks(worktree_id) / str(token), record.model_dump(), mode=layout.lock_mode)
    except AlreadyExists as error:
        raise takeover.overtaken(worktree) from error
    if lease_files.tokens(layout, worktree_id, above=floor)[-1:] != [token]:
        raise takeover.overtaken(
            worktree
        )  # it was stopped between creating and writing, and given up for dead
    return Lease(record, secret, began + lease_ms, boot), replaced


def renew(layout: Layout, lease: Lease) -> Lease:
    """Extend a lease by its duration from now, in place and durable.

    Raises FencingMismatch, LockExpired, LockNotHeld.
    """
    began = clock.boot_ms()
    check(layout, lease)
    now = clock.now_ms()
    record = _rewrite(
        layout,
        lease,
        last_renewed_at=clock.timestamp(now),
        lease_expires_at=clock.timestamp(now + lease.record.lease_duration_ms),
    )
    renewed = Lease(record, lease.secret, began + record.lease_duration_ms, clock.boot_id())
    check(layout, renewed)
    return renewed


def release(layout: Layout, lease: Lease, *, durable: bool = True) -> None:
    """Give a lease back, in place. One that is not ``durable`` may be held again after a power cut, until it runs out.

    Raises FencingMismatch, LockExpired, LockNotHeld.
    """
    check(layout, lease)
    _rewrite(layout, lease, durable=durable, released_at=clock.timestamp())


def check(layout: Layout, lease: Lease) -> None:
    """Make sure that the lease is still the worktree's only valid one.

    Raises
    ------
    FencingMismatch
        The lock was taken over: a higher token exists.
    LockExpired
        The lease ran out on the local clock.
    LockNotHeld
        The lease was given back, or its file is gone.
    """
    record = lease.record
    _require_newest(layout, record)
    if lease.has_run_out():
        raise LockExpired(
            f"the lease on worktree {record.worktree!r} expired at {record.lease_expires_at}",
            hint="jvs lock acquire",
        )
    try:
        found = lease_files.read(layout, record.worktree_id, record.fencing_token)
    except FileNotFoundError as error:  # taken over, and its file tidied away, since the listing
        _require_newest(layout, record)
        raise _gone(record) from error
    _require_own(found, lease)


def _rewrite(layout: Layout, lease: Lease, *, durable: bool = True, **fields: str) -> LeaseRecord:
    """Change a lease's record on disk; a release by another command of the same session is never undone."""
    path = layout.locks(lease.record.worktree_id) / str(lease.token)
    written: list[LeaseRecord] = []

    def change(value: dict[str, Any]) -> dict[str, Any]:
        found = lease_files.validated(value, path.name)
        _require_own(found, lease)
        written.append(found.changed(**fields))
        return written[0].model_dump()

    try:
        slots.update(path, change, durable=durable)
    except FileNotFoundError as error:
        _require_newest(layout, lease.record)
        raise _gone(lease.record) from error
    return written[0]


def _require_own(found: LeaseRecord, lease: Lease) -> None:
    if found.secret_sha256 != _proof(lease.secret) or found.released_at is not None:
        raise LockNotHeld(f"the lock on worktree {found.worktree!r} was released", hint="jvs lock acquire")


def _require_newest(layout: Layout, record: LeaseRecord) -> None:
    given = lease_files.tokens(layout, record.worktree_id, above=record.fencing_token)
    if given and given[-1] > record.fencing_token:
        successor = _try_read(layout, record.worktree_id, given[-1])
        by = f" by {successor.holder_id} at {successor.acquired_at}" if successor else ""
        raise FencingMismatch(
            f"the lock on worktree {record.worktree!r} was taken over{by}: token {given[-1]} is above {record.fencing_token}",
            hint="jvs lock acquire",
        )
    if record.fencing_token not in given:
        raise _gone(record)


def _gone(record: LeaseRecord) -> LockNotHeld:
    return LockNotHeld(f"the lock on worktree {record.worktree!r} is gone", hint="jvs lock acquire")


def _try_read(layout: Layout, worktree_id: str, token: int) -> LeaseRecord | None:
    try:
        return lease_files.read(layout, worktree_id, token)
    except (DescriptorCorrupt, FileNotFoundError):
        return None


def _proof(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
