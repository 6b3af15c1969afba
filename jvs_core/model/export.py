"""Which part of a snapshot an export with a proof holds."""

from __future__ import annotations

from jvs_core.model.forms import HexPath, SnapshotId
from jvs_core.model.record import Record


class ExportedPart(Record):
    """What was exported: a snapshot, and the path inside it in hexadecimal, empty for all of it."""

    snapshot_id: SnapshotId
    path: HexPath
