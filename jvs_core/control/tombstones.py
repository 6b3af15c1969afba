"""Tombstones: that a snapshot was removed on purpose, one record each, kept for good.

From the moment a tombstone stands, nothing new can build on its snapshot: restoring, naming and pinning it is
refused, whatever of it still lies on the disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from jvs_core import canonical, files, regular
from jvs_core.control.layout import Layout
from jvs_core.model import SNAPSHOT_ID, Tombstone

_NAME = re.compile(SNAPSHOT_ID[1:-1] + r"\.json")


def path(layout: Layout, snapshot_id: str) -> Path:
    """Return where a snapshot's tombstone stands, or would."""
    return layout.gc / "tombstones" / f"{snapshot_id}.json"


def exists(layout: Layout, snapshot_id: str) -> bool:
    """Return whether a snapshot has a tombstone, readable or not."""
    return os.path.lexists(path(layout, snapshot_id))


def ids(layout: Layout) -> set[str]:
    """Return the ids of all snapshots that have a tombstone, readable or not."""
    return {name[:-5] for name in layout.listing(layout.gc / "tombstones") if _NAME.fullmatch(name)}


def read(layout: Layout, snapshot_id: str) -> Tombstone | None:
    """Return a snapshot's tombstone, or None. Raises DescriptorCorrupt when it is unreadable."""
    try:
        data = regular.read_regular(path(layout, snapshot_id))
    except FileNotFoundError:
        return None
    return Tombstone.parse(data, f"the tombstone of {snapshot_id}")


def write(layout: Layout, tombstones: Iterable[Tombstone]) -> None:
    """Put up tombstones, each whole or not at all, durable together when this returns, at one sync for all.

    One that stands already is left as it is.
    """
    standing = ids(layout)
    files.create_together(
        {
            path(layout, tombstone.snapshot_id): canonical.dumps(tombstone.to_json()) + b"\n"
            for tombstone in tombstones
            if tombstone.snapshot_id not in standing
        },
        mode=layout.file_mode,
    )
    files.sync_folder(layout.gc / "tombstones")  # also for those that a killed run may have left undurable


def remove(layout: Layout, snapshot_id: str) -> None:
    """Take a tombstone down, durable: its snapshot was not removed after all."""
    files.remove_file(path(layout, snapshot_id))
