"""What an archive of a snapshot holds, and the name of the folder in it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from jvs_core.payload.tree.entry import Entry, is_below
from jvs_core.payload.tree.link_groups import whole_groups


def top_of(worktree: str, snapshot_id: str) -> str:
    """Return the name of the folder that holds a snapshot: its worktree's, and the end of its id."""
    return f"{worktree}-{snapshot_id.rpartition('-')[2]}"


def name_of(path: bytes, top: str) -> str:
    """Return the name that an entry has in an archive whose folder is ``top``."""
    return f"{top}/{os.fsdecode(path)}" if path else top


def part(entries: Sequence[Entry], path: bytes) -> Sequence[Entry]:
    """Return the entries at and below ``path``, ``b""`` for all, and the folders that it lies in."""
    if not path:
        return entries
    return whole_groups(
        [
            entry
            for entry in entries
            if is_below(entry.path, path) or not entry.path or is_below(path, entry.path)
        ]
    )
