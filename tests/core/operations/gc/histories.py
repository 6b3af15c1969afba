"""Snapshots of one worktree, as retention sees them."""

from __future__ import annotations

from datetime import UTC, datetime

from jvs_core import clock
from jvs_core.model import Descriptor

WORDS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
TAGS = ("red", "green")
DURATIONS = ("1d", "5h", "2m", "1m", "1y3d", "1y1m1d1h")
LATER = round(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
_HASH = {"algo": "sha256", "value": "0" * 64}


def snapshot(
    number: int, moment: datetime, tags: tuple[str, ...] = (), parent: str | None = None
) -> Descriptor:
    """Return the descriptor of a snapshot taken at ``moment``."""
    ms = round(moment.timestamp() * 1000)
    return Descriptor.model_validate(
        {
            "snapshot_id": f"{ms:013d}-{number:08x}",
            "worktree_id": "00000000-0000-4000-8000-000000000001",
            "worktree": "main",
            "parent_snapshot_id": parent,
            "created_at": clock.timestamp(ms),
            "note": "",
            "tags": tags,
            "engine": "copy",
            "requested_engine": "auto",
            "consistency_level": "quiesced",
            "fencing_token": 1,
            "holder_id": "h",
            "files": 0,
            "bytes": 0,
            "degraded": (),
            "payload_root_hash": _HASH,
            "manifest_hash": _HASH,
        }
    )
