"""Finding files that may change while they are copied, without their size and times showing it."""

from __future__ import annotations

from collections.abc import Sequence

from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.changes.writeback_time import WritebackTime
from jvs_core.payload.tree.packed import Editable
from jvs_core.payload.tree.walk import Scan


class RacyFiles:
    """The ``unknown`` positions of ``found`` that ``writeback`` does not cover; the files are hashed before a copy.

    Usually none; on a file system in memory, all that are unknown.
    """

    def __init__(self, found: Scan, unknown: Sequence[int], writeback: WritebackTime) -> None:
        self.positions = [position for position in unknown if not writeback.covers(found.stamps[position])]
        self.found = hash_files(
            found.root,
            [found.entries[position] for position in self.positions],
            [found.stamps[position] for position in self.positions],
            flush=writeback.one_by_one,
        )

    def changed(self, copies: Editable) -> set[bytes]:
        """Return the paths whose copy has other content than was read before; ``copies`` is parallel to the scan."""
        pairs = (
            (copies[position], hashed) for position, hashed in zip(self.positions, self.found, strict=True)
        )
        return {
            copy.path
            for copy, hashed in pairs
            if copy is not None and (hashed is None or copy.sha256 != hashed.sha256)
        }
