"""The contents that files had over a history: which snapshots hold each, how large it is, and whether it was lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import accumulate, groupby, zip_longest
from typing import NamedTuple

from jvs_core.operations.change_index import KEEPS, ChangeIndex
from jvs_core.payload.changes import caches


class Version(NamedTuple):
    """One content of the file ``number``: held by the snapshots ``line[first:end]`` of a lineage, oldest first.

    ``lost_in`` is the snapshot in which it was removed or overwritten; None where it was edited, or is there still.
    """

    number: int
    line: Sequence[str]
    first: int
    end: int
    size: int
    lost_in: str | None

    @property
    def holders(self) -> Sequence[str]:
        """The snapshots that hold it."""
        return self.line[self.first : self.end]


def versions(index: ChangeIndex) -> Iterator[Version]:
    """Yield every content that a file had for a time in any lineage; of files that changed, and in no known cache.

    A content that several lineages share is yielded for each.
    """
    lines = [index.lineage(tip)[::-1] for tip in index.tips()]
    places = [{snapshot_id: place for place, snapshot_id in enumerate(line)} for line in lines]
    for number, rows in groupby(index.versions(), key=lambda row: row[0]):
        changes = [row[2:] for row in rows if not caches.is_in_known(row[1])]
        for line, place in zip(lines, places, strict=True):
            own = sorted((place[each[0]], *each) for each in changes if each[0] in place)
            for (first, _, size, _), after in zip_longest(own, own[1:]):
                if after is None:
                    yield Version(number, line, first, len(line), size, None)
                else:
                    lost_in = after[1] if after[3] != KEEPS else None
                    yield Version(number, line, first, after[0], size, lost_in)


def last_of_lost(
    found: Collection[Version], kept: Collection[str], is_recent: Callable[[str], bool]
) -> set[str]:
    """Return the snapshots that are to stay, beside those ``kept``, so that each content that was lost of late has one.

    As few as that takes: the last one that holds a content serves others that were lost later.
    """
    more: set[str] = set()
    have = set(kept)
    lost = [each for each in found if each.lost_in is not None and each.size and is_recent(each.lost_in)]
    for version in sorted(lost, key=lambda each: (each.end, -each.first)):
        if have.isdisjoint(version.holders):
            have.add(version.holders[-1])
            more.add(version.holders[-1])
    return more


def given_up(
    found: Collection[Version],
    going: Collection[str],
    candidates: Collection[str],
    copies: Mapping[str, int],
    limit: int,
) -> tuple[list[str], int]:
    """Return the oldest of ``candidates`` and ``copies`` without which no more than ``limit`` bytes are held by these only.

    Also how many bytes that is now. ``going`` are snapshots that go anyhow, ``candidates`` others that may, ``copies`` sizes
    of single files. An estimate: blocks that contents share count in full.
    """
    order = sorted({*candidates, *copies})
    position = {**{each: place for place, each in enumerate(order)}, **dict.fromkeys(going, -1)}
    freed = [copies.get(each, 0) for each in order]
    counted: dict[int, list[int]] = {}
    newest: dict[tuple[int, str], tuple[int | None, int]] = {}
    for version in found:
        line = version.line
        if id(line) not in counted:
            counted[id(line)] = [0, *accumulate(int(each in position) for each in line)]
        among = counted[id(line)]
        free = among[version.end] - among[version.first] == version.end - version.first
        place = max(map(position.__getitem__, version.holders)) if free else None
        key = (version.number, line[version.first])
        other = newest.get(key, (place, 0))[0]
        newest[key] = (None if place is None or other is None else max(place, other), version.size)
    for place, size in newest.values():
        if place is not None and place >= 0:
            freed[place] += size
    used = left = sum(freed)
    oldest: list[str] = []
    for snapshot_id, size in zip(order, freed, strict=True):
        if left <= limit:
            break
        left -= size
        oldest.append(snapshot_id)
    return oldest, used
