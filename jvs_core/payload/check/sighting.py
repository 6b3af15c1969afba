"""What was seen of one payload, put together from the parts of its manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from jvs_core.errors import DescriptorCorrupt, PartialSnapshot
from jvs_core.payload.check.part import Held, Seen
from jvs_core.payload.manifest.lines import under


class Sighting(Seen):
    """What was seen of a whole payload."""

    @classmethod
    def of(cls, root: Path, parts: Iterable[Held]) -> Sighting:
        """Put together all parts of the payload ``root``, in order.

        Raises PartialSnapshot where the payload cannot be opened, DescriptorCorrupt where the lines are of no manifest.
        """
        seen = cls()
        last: bytes | None = None
        for held in parts:
            if held.closed:
                raise PartialSnapshot(f"the payload {root} cannot be opened: {held.closed}", path=str(root))
            first, following = held.paths
            if held.malformed or (first if last is None else first <= last):
                raise _corrupt("a line is malformed or out of order")
            last = following
            seen._take(held)
        seen._require_tree(top_seen=last is not None)
        return seen

    def _take(self, held: Held) -> None:
        self.inodes.extend(held.inodes)
        self.unread.update(held.unread)
        self.found.update(held.found)
        self.failures.update(held.failures)
        self.groups.update(held.groups)
        self.listed.update(held.listed)
        for folder, count in held.children.items():
            self.children[folder] = self.children.get(folder, 0) + count

    def _require_tree(self, *, top_seen: bool) -> None:
        if not top_seen or not self.children.keys() <= self.listed.keys():
            raise _corrupt("a folder is not listed")
        members = Counter(self.groups.values())
        if list(members) != list(range(1, len(members) + 1)) or any(count < 2 for count in members.values()):
            raise _corrupt("the link groups are not numbered in order, or one has one name only")

    def read(self, positions: Sequence[int], parts: Sequence[Held]) -> None:
        """Take over what reading the files at ``positions``, in all parts together, found."""
        for held in parts:
            if held.closed:
                raise PartialSnapshot(f"the payload cannot be opened any more: {held.closed}")
            if held.malformed:
                raise _corrupt("a line is malformed")
        inodes = [inode for held in parts for inode in held.inodes]
        for held in parts:
            self.found.update((positions[place], line) for place, line in held.found.items())
            self.failures.update((positions[place], error) for place, error in held.failures.items())
        for position, inode in zip(positions, inodes, strict=True):
            if position not in self.failures:
                self.inodes[position] = inode

    def settle(self, lines: Sequence[bytes], position: int, known: bytes) -> None:
        """Settle a file by the line of another name of it, which was read."""
        line = lines[position]
        if known != line and (made := under(known, line)) != line:
            self.found[position] = made

    def settle_as(self, lines: Sequence[bytes], position: int, read: int) -> None:
        """Settle a file by another name of it in this payload, at ``read``, which was read or could not be."""
        if read in self.failures:
            self.failures[position] = self.failures[read]
        else:
            self.settle(lines, position, self.found.get(read) or lines[read])


def _corrupt(reason: str) -> DescriptorCorrupt:
    return DescriptorCorrupt(f"this is no manifest: {reason}")
