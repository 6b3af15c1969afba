"""Tombstones: that a snapshot was removed on purpose, one record each, kept for good.

From the moment a tombstone stands, nothing new can build on its snapshot: restoring, naming and pinning it is
refused, whatever of it still lies on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable

from jvs_core.control.layout import Layout
from jvs_core.control.records.register import Register
from jvs_core.model import SNAPSHOT_ID, Tombstone

TOMBSTONES = Register("gc/tombstones", Tombstone, "snapshot_id", SNAPSHOT_ID, "the tombstone of {}")


def write(layout: Layout, tombstones: Iterable[Tombstone]) -> None:
    """Write tombstones, each whole or not at all, durable together; one that is there already stays as it is.

    The caller is in the critical section.
    """
    standing = set(TOMBSTONES.keys(layout))
    TOMBSTONES.create_together(layout, (each for each in tombstones if each.snapshot_id not in standing))
