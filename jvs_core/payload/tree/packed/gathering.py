"""Gathering what a walk finds, in any order, and putting it in order by path."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from jvs_core.payload.tree.packed.entries import PackedEntries, worth
from jvs_core.payload.tree.packed.stamps import PackedStamps

if TYPE_CHECKING:
    from jvs_core.payload.tree.entry import Entry
    from jvs_core.payload.tree.stamp import Stamp

Row = tuple[bytes, "Entry", "Stamp"]
_FEW = 10_000


class Gathering:
    """Entries and stamps of a walk: ``rows`` as they come, which ``settle`` puts into columns once they are very many.

    ``rows`` is one list, to which several threads may append; ``settle`` and ``sorted`` are for one of them.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.paths: list[bytes] = []
        self.entries = PackedEntries()
        self.stamps = PackedStamps()

    def __len__(self) -> int:
        return len(self.paths) + len(self.rows)

    def settle(self) -> None:
        """Put what came into columns, if it is very many by now."""
        if (self.paths and len(self.rows) > _FEW) or worth(len(self.rows)):
            self._pack(len(self.rows))

    def _pack(self, count: int) -> None:
        some = self.rows[:count]
        del self.rows[:count]
        put = self.entries.put
        for path, entry, _ in some:
            self.paths.append(path)
            put(entry)
        self.stamps.take([row[2] for row in some])

    def sorted(self, without: frozenset[bytes]) -> tuple[Sequence[Entry], Sequence[Stamp]]:
        """Return all entries but those at the paths ``without``, in order of their paths, and their stamps. Nothing is left."""
        if not self.paths:
            rows = [row for row in self.rows if row[0] not in without] if without else self.rows
            self.rows = []
            rows.sort(key=itemgetter(0))
            return [row[1] for row in rows], [row[2] for row in rows]
        self._pack(len(self.rows))
        paths, self.paths = self.paths, []
        order = array("Q", sorted(range(len(paths)), key=paths.__getitem__))
        if without:
            order = array("Q", [place for place in order if paths[place] not in without])
        entries, stamps = PackedEntries(), PackedStamps()
        length = 0
        for place in order:
            path = paths[place]
            length += len(path)
            entries.ends.append(length)
            entries.paths += path
        del paths
        was, seen = self.entries, self.stamps
        entries.shapes, entries.numbers = was.shapes, was.numbers
        entries.forms = array("I", map(was.forms.__getitem__, order))
        entries.sizes = array("Q", map(was.sizes.__getitem__, order))
        entries.times = array("q", map(was.times.__getitem__, order))
        stamps.devices = array("Q", map(seen.devices.__getitem__, order))
        stamps.inodes = array("Q", map(seen.inodes.__getitem__, order))
        stamps.ctimes = array("q", map(seen.ctimes.__getitem__, order))
        if was.others or seen.others:
            for number, place in enumerate(order):
                if place in was.others:
                    entries.others[number] = was.others[place]
                if place in seen.others:
                    stamps.others[number] = seen.others[place]
        self.entries, self.stamps = PackedEntries(), PackedStamps()
        return entries, stamps
