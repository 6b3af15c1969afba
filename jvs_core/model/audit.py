"""The audit log's records, its end, and the checkpoints of it that others keep."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from jvs_core.model.forms import (
    LARGEST,
    Count,
    Name,
    OperationName,
    SessionId,
    Sha256,
    SnapshotId,
    Timestamp,
    Uuid,
)
from jvs_core.model.record import Record
from jvs_core.validated import Config, Field


class AuditHead(Record):
    """The log's end. Another record can follow it."""

    origin: Uuid
    seq: Annotated[int, Field(ge=0, lt=LARGEST)]
    head_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    size: Annotated[int, Field(ge=0, lt=LARGEST)]


class AuditRecord(Record):
    """One line of the audit log; ``record_hash`` covers every other field."""

    seq: Annotated[int, Field(ge=1)]
    event_id: Uuid
    timestamp: Timestamp
    operation: OperationName
    actor: str
    session_id: SessionId
    worktree: Name | None
    worktree_id: Uuid | None
    snapshot_id: SnapshotId | None
    fencing_token: Count | None
    target: str | None
    reason: str | None
    details: dict[str, Any]
    prev_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    record_hash: Sha256

    model_config = Config(extra="allow")


class Signature(Record):
    """A signature and its public key, both in Base64."""

    algo: Literal["ed25519"]
    public_key: str
    value: str


class Checkpoint(Record):
    """The end of the audit log at one moment, for somebody outside the repository to keep."""

    origin: Uuid
    seq: Count
    head_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    created_at: Timestamp
    signature: Signature | None = None

    model_config = Config(extra="allow")

    def to_json(self) -> dict[str, Any]:
        """Return the checkpoint; ``signature`` only where it has one."""
        return self.model_dump(exclude=None if self.signature else {"signature"})
