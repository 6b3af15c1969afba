"""What was seen of one payload, put together from the parts of its manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core.errors import DescriptorCorrupt, JvsError, PartialSnapshot
from jvs_core.payload.lines import under
from jvs_core.payload.matching import Held


@dataclass
class Sighting:
    """What was seen of a payload; positions are those of the lines of its manifest. Fields as for ``Held``.

    ``there`` is what was found in place of what differs.
    """

    inodes: list[bytes] = field(default_factory=list)
    unread: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    there: dict[int, bytes | None] = field(default_factory=dict)
    failures: dict[int, JvsError] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    children: Counter[bytes] = field(default_factory=Counter)
    listed: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path, parts: Iterable[tuple[int, Held]]) -> Sighting:
        """Put together ``parts`` of the payload ``root``, each with the position of its first line, in order.

        Raises PartialSnapshot where the payload cannot be opened, DescriptorCorrupt where the lines are of no manifest.
        """
        seen = cls()
        last: bytes | None = None
        for start, held in parts:
            if held.closed:
                raise PartialSnapshot(f"the payload {root} cannot be opened: {held.closed}", path=str(root))
            first, following = held.paths
            if held.malformed or (first if last is None else first <= last):
                raise _corrupt("a line is malformed or out of order")
            last = following
            seen._take(start, held)
        seen._require_tree(top_seen=last is not None)
        return seen

    def _take(self, start: int, held: Held) -> None:
        self.inodes.extend(held.inodes)
        self.unread.update((start + place, seen) for place, seen in held.unread.items())
        self.there.update((start + place, line) for place, line in held.found.items())
        self.failures.update((start + place, error) for place, error in held.failures.items())
        self.groups.update((start + place, group) for place, group in held.groups.items())
        self.children.update(held.children)
        self.listed.update(held.listed)

    def _require_tree(self, *, top_seen: bool) -> None:
        if not top_seen or not self.children.keys() <= self.listed.keys():
            raise _corrupt("a folder is not listed")
        members = Counter(self.groups.values())
        if list(members) != list(range(1, len(members) + 1)) or any(count < 2 for count in members.values()):
            raise _corrupt("the link groups are not numbered in order, or one has one name only")

    def read(self, positions: Sequence[int], held: Held) -> None:
        """Take over what reading the files at ``positions`` found."""
        for place, position in enumerate(positions):
            self.inodes[position] = held.inodes[place]
            if place in held.found:
                self.there[position] = held.found[place]
            if place in held.failures:
                self.failures[position] = held.failures[place]

    def settle(self, lines: Sequence[bytes], position: int, known: bytes) -> None:
        """Settle a file that is not read by the line of another name of it that was."""
        line = lines[position]
        if known != line and (made := under(known, line)) != line:
            self.there[position] = made

    def settle_as(self, lines: Sequence[bytes], position: int, read: int) -> None:
        """Settle a file that is not read by another name of it in this payload, at ``read``, that was."""
        if read in self.failures:
            self.failures[position] = self.failures[read]
        elif (known := self.there.get(read, lines[read])) is None:
            self.there[position] = None
        else:
            self.settle(lines, position, known)


def _corrupt(reason: str) -> DescriptorCorrupt:
    return DescriptorCorrupt(f"this is no manifest: {reason}")
