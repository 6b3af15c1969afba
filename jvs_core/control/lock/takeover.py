"""When a lock that was not given back may be taken: never while its holder may still be alive."""

from __future__ import annotations

from jvs_core import clock, files
from jvs_core.control.layout import Layout
from jvs_core.control.lock import lease_files
from jvs_core.control.lock.lease import Lease, conflict
from jvs_core.errors import ClockSkewExceeded, DescriptorCorrupt, LockConflict
from jvs_core.model import LeaseRecord
from jvs_core.settings import LeaseConfig


def require_takeable(
    layout: Layout, worktree: str, worktree_id: str, token: int, config: LeaseConfig, own: Lease | None
) -> LeaseRecord | None:
    """Return the record of the lease that ran out long enough ago to be replaced; None where nobody holds the lock.

    Raises LockConflict, ClockSkewExceeded.
    """
    now = clock.now_ms()
    try:
        record = lease_files.read(layout, worktree_id, token)
    except FileNotFoundError as error:  # superseded and tidied away since the listing
        raise overtaken(worktree) from error
    except DescriptorCorrupt as error:
        _require_abandoned(layout, worktree, worktree_id, token, config, error)
        return None
    if record.released_at is not None:
        return None
    if clock.parse(record.last_renewed_at) > now + record.max_clock_skew_ms:
        raise _skewed(worktree, "renewed", record.last_renewed_at, now)
    if own is not None and own.record == record and own.has_run_out():
        return record
    if now > clock.parse(record.lease_expires_at) + record.max_clock_skew_ms + record.steal_grace_ms:
        return record
    raise conflict(record)


def _require_abandoned(
    layout: Layout,
    worktree: str,
    worktree_id: str,
    token: int,
    config: LeaseConfig,
    error: DescriptorCorrupt,
) -> None:
    """Make sure that whoever created a lock file and has not written it is dead: a live one needs time to write."""
    now = clock.now_ms()
    try:
        created = files.status(layout.locks(worktree_id) / str(token)).st_mtime_ns // 1_000_000
    except FileNotFoundError:
        raise overtaken(worktree) from error
    if created > now + config.max_clock_skew_ms:
        raise _skewed(worktree, "created", clock.timestamp(created), now) from error
    if now <= created + config.duration_ms + config.max_clock_skew_ms + config.steal_grace_ms:
        raise LockConflict(
            f"worktree {worktree!r}: somebody else is taking its lock now",
            hint="try again in half a minute",
        ) from error


def _skewed(worktree: str, what: str, at: str, now: int) -> ClockSkewExceeded:
    return ClockSkewExceeded(
        f"the lock on worktree {worktree!r} was {what} at {at}, which is in the future for this host ({clock.timestamp(now)})",
        hint="set the clocks of both hosts (NTP), then try again",
    )


def overtaken(worktree: str) -> LockConflict:
    """Return the error for a lock that another one took at the same moment."""
    return LockConflict(f"somebody else just took the lock on worktree {worktree!r}", hint="jvs lock status")
