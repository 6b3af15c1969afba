"""What keeps a snapshot, what a gc run is to remove, and what is left of a removed one."""

from __future__ import annotations

from typing import Any

from jvs_core.model.forms import Holder, ShortId, SnapshotId, Timestamp
from jvs_core.model.record import Record
from jvs_core.validated import Field


class Pin(Record):
    """A mark that keeps a snapshot, whatever a policy says."""

    pin_id: ShortId
    snapshot_id: SnapshotId
    reason: str
    created_at: Timestamp
    created_by: Holder
    expires_at: Timestamp | None = None
    lineage: bool = False


class Plan(Record):
    """What a gc run is to remove, as decided at one moment.

    ``thinning`` says that a policy or a person decided: a snapshot that only its descendants need may then lose its payload.
    ``copies`` are kept copies of files that go with the snapshots.
    """

    plan_id: ShortId
    created_at: Timestamp
    created_by: Holder
    policy: dict[str, Any]
    thinning: bool
    candidates: tuple[SnapshotId, ...] = Field(strict=False)
    copies: tuple[SnapshotId, ...] = Field(default=(), strict=False)
    finished_at: Timestamp | None = None


class Tombstone(Record):
    """That a snapshot was removed on purpose, and its descriptor as it was; as a ``stub`` that one stays in place.

    ``dropped`` says that a person named this very snapshot, and no policy chose it.
    """

    snapshot_id: SnapshotId
    plan_id: ShortId
    removed_at: Timestamp
    removed_by: Holder
    stub: bool
    dropped: bool = False
    descriptor: dict[str, Any]
