"""The right to write to a worktree, for a time, as it lies in the worktree's lock file."""

from __future__ import annotations

from typing import Annotated, Any

from jvs_core.model.forms import Holder, LeaseSpan, Name, SessionId, Sha256, Timestamp, Uuid
from jvs_core.model.record import Record
from jvs_core.validated import Field


class LeaseRecord(Record):
    """A lease as it is in its lock file; ``secret_sha256`` proves the holder and is never shown."""

    lock_id: Uuid
    worktree: Name
    worktree_id: Uuid
    holder_id: Holder
    session_id: SessionId
    purpose: str
    acquired_at: Timestamp
    last_renewed_at: Timestamp
    lease_expires_at: Timestamp
    lease_duration_ms: LeaseSpan
    renew_interval_ms: LeaseSpan
    max_clock_skew_ms: LeaseSpan
    steal_grace_ms: LeaseSpan
    fencing_token: Annotated[int, Field(ge=1)]
    released_at: Timestamp | None = None
    secret_sha256: Sha256

    def to_json(self) -> dict[str, Any]:
        """Return the lock record as anyone may see it."""
        return self.model_dump(exclude={"released_at", "secret_sha256"})
