"""A name that somebody gave to a snapshot."""

from __future__ import annotations

from jvs_core.model.forms import Holder, Name, SnapshotId, Timestamp
from jvs_core.model.record import Record


class Ref(Record):
    """A name for a snapshot; it never moves."""

    name: Name
    snapshot_id: SnapshotId
    note: str
    created_at: Timestamp
    created_by: Holder
