"""A lock that somebody holds, and what to say of whoever holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jvs_core import clock
from jvs_core.errors import LockConflict
from jvs_core.model import LeaseRecord

LockState = Literal["free", "held", "expired"]


@dataclass(frozen=True)
class Lease:
    """A lock that the bearer holds: the public record, the secret that proves it, and its end on the local clock."""

    record: LeaseRecord
    secret: str
    deadline_boot_ms: int
    boot_id: str

    @property
    def token(self) -> int:
        """The fencing token."""
        return self.record.fencing_token

    def has_run_out(self) -> bool:
        """Return whether the lease is over, by the clock that counts sleep and that nobody can set."""
        if self.boot_id == clock.boot_id():
            return clock.boot_ms() >= self.deadline_boot_ms
        return clock.now_ms() >= clock.parse(self.record.lease_expires_at)


def state_of(record: LeaseRecord | None) -> LockState:
    """Return whether the worktree's lock is free, held, or left behind by a holder whose lease ran out."""
    if record is None or record.released_at is not None:
        return "free"
    return "held" if clock.now_ms() < clock.parse(record.lease_expires_at) else "expired"


def describe_holder(record: LeaseRecord) -> str:
    """Return who holds a lock, since when and until when, for messages."""
    purpose = f" ({record.purpose})" if record.purpose else ""
    return f"held by {record.holder_id}{purpose} since {record.acquired_at}, until {record.lease_expires_at}"


def conflict(record: LeaseRecord) -> LockConflict:
    """Return the error that names a lock's holder."""
    return LockConflict(
        f"worktree {record.worktree!r} is locked: {describe_holder(record)}",
        hint="wait (--wait SECONDS), or ask the holder to run: jvs lock release",
        holder=record.to_json(),
    )
