"""The identity and times of a file, to tell later whether it was replaced or written to."""

from __future__ import annotations

import os
from typing import NamedTuple

from jvs_core.payload.tree.entry import FILE
from jvs_core.payload.tree.walk import Scan


class FileState(NamedTuple):
    """What tells one state of a file from another.

    ``ctime_ns`` is -1, and not compared, where hard links come and go.
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def at(cls, found: Scan, position: int, *, named: bool = False) -> FileState:
        """Return the state of a file as a scan found it; ``named``: it is to be renamed, or to get hard links."""
        entry, stamp = found.entries[position], found.stamps[position]
        size = entry.size if entry.kind == FILE else -1
        ctime_ns = -1 if named or entry.link_group else stamp.ctime_ns
        return cls(stamp.dev, stamp.ino, size, entry.mtime_ns, ctime_ns)

    def is_still(self, now: os.stat_result) -> bool:
        """Say whether the status ``now`` is that of the same file, which nobody has written to since."""
        return (
            (now.st_dev, now.st_ino) == self[:2]
            and now.st_mtime_ns == self.mtime_ns
            and (now.st_size == self.size or self.size < 0)
            and self.ctime_ns in (-1, now.st_ctime_ns)
        )
