"""Finding entries by path: for few in one table, for very many in one a folder, which is made while the folder is looked at."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate

from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.payload.tree.packed.entries import worth


class Places:
    """The positions of ``entries``, sorted by path, below each of their folders. For any number of threads."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._all: dict[bytes, int] | None = None
        if not worth(len(entries)):
            self._all = {entry.path: position for position, entry in enumerate(entries)}
            return
        # Which folder each entry is in, and from that the entries of each folder one after the other.
        self._folders: dict[bytes, int] = {}
        above = array("q")
        for entry in entries:
            folder, _, name = entry.path.rpartition(b"/")
            above.append(self._folders.get(folder, -1) if name else -1)
            if entry.kind == FOLDER:
                self._folders[entry.path] = len(self._folders)
        counts = array("Q", bytes(8 * (len(self._folders) + 1)))
        for number in above:
            counts[number + 1] += 1
        ends = array("Q", accumulate(counts))
        self._ends = ends[:]
        self._grouped = array("Q", bytes(8 * len(entries)))
        for position in range(len(entries) - 1, -1, -1):
            number = above[position] + 1
            ends[number] -= 1
            self._grouped[ends[number]] = position

    def below(self, folder: bytes) -> Mapping[bytes, int]:
        """Return a table that has, of what lies directly in ``folder``, the positions by path; it may have more."""
        if self._all is not None:
            return self._all
        number = self._folders.get(folder)
        if number is None:
            return {}
        here = self._grouped[self._ends[number] : self._ends[number + 1]]
        return {self._entries[position].path: position for position in here}
