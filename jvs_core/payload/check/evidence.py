"""What was found of a payload, by the lines of its manifest: of a part of them, and of all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.payload.manifest.lines import under

IDENTITY = 16
"""How many bytes of an inode's stamp say which it is; the rest is its time of change."""

Reading = Literal["first", "shared", "all"]


@dataclass(frozen=True)
class Part:
    """Lines of a manifest, in its order, with newlines between them, and which of their files to read.

    ``first``: nothing was read before, so every small file is read, but one of several names in this tree. ``shared``:
    one of several names may be known from another snapshot, and is only looked at. ``all``: every file. Its lines are
    counted from ``start``.
    """

    start: int
    text: bytes
    reading: Reading


@dataclass
class Found:
    """What was found of lines of a manifest, by their positions.

    ``inodes``, one a line, has the identity and time of change of what may have other names, else ``b""``. ``unread``
    has the sizes of files that were only looked at, which all have an inode. ``other`` has the line of what is there
    instead, None for nothing; ``failures`` why something could not be read. ``children`` counts the names that
    the lines put into each folder, ``listed`` those that each of their folders has, -1 where it is none. ``groups`` are the
    lines in link groups.
    """

    inodes: list[bytes] = field(default_factory=list)
    unread: dict[int, int] = field(default_factory=dict)
    other: dict[int, bytes | None] = field(default_factory=dict)
    failures: dict[int, JvsError] = field(default_factory=dict)
    children: dict[bytes, int] = field(default_factory=dict)
    listed: dict[bytes, int] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)


@dataclass
class FoundInPart(Found):
    """What was found of one part; of ``inodes`` there is one for each of its own lines.

    ``records`` are its share of the root hash, ``paths`` the first and the last path; ``files`` counts the files that are
    settled. A ``malformed`` part is of no manifest; ``closed`` is why the payload could not be opened; then all else is
    empty.
    """

    files: int = 0
    records: bytes = b""
    paths: tuple[bytes, bytes] = (b"", b"")
    malformed: bool = False
    closed: JvsError | None = None

    def require_opened(self) -> None:
        """Raise what ``closed`` is, DescriptorCorrupt for malformed lines."""
        if self.closed:
            raise self.closed
        if self.malformed:
            raise corrupt("a line is malformed")


class Evidence(Found):
    """What was found of a whole payload."""

    @classmethod
    def of(cls, parts: Iterable[FoundInPart]) -> Evidence:
        """Put together all parts of a payload, in order.

        Raises PartialSnapshot where the payload is gone, DescriptorCorrupt where the lines are of no manifest.
        """
        evidence = cls()
        last: bytes | None = None
        for part in parts:
            part.require_opened()
            first, following = part.paths
            if first if last is None else first <= last:
                raise corrupt("a line is out of order")
            last = following
            evidence._take(part)
        evidence._require_tree(top_found=last is not None)
        return evidence

    def _take(self, part: FoundInPart) -> None:
        self.inodes.extend(part.inodes)
        self.unread.update(part.unread)
        self.other.update(part.other)
        self.failures.update(part.failures)
        self.groups.update(part.groups)
        self.listed.update(part.listed)
        for folder, count in part.children.items():
            self.children[folder] = self.children.get(folder, 0) + count

    def _require_tree(self, *, top_found: bool) -> None:
        if not top_found or not self.children.keys() <= self.listed.keys():
            raise corrupt("a folder is not listed")
        members = Counter(self.groups.values())
        if list(members) != list(range(1, len(members) + 1)) or any(count < 2 for count in members.values()):
            raise corrupt("the link groups are not numbered in order, or one has one name only")

    def read(self, positions: Sequence[int], parts: Sequence[FoundInPart]) -> None:
        """Take over what reading the files at ``positions``, in all parts together, found."""
        for part in parts:
            part.require_opened()
        inodes = [inode for part in parts for inode in part.inodes]
        for part in parts:
            self.other.update((positions[place], line) for place, line in part.other.items())
            self.failures.update((positions[place], error) for place, error in part.failures.items())
        for position, inode in zip(positions, inodes, strict=True):
            if position not in self.failures:
                self.inodes[position] = inode

    def settle(self, lines: Sequence[bytes], position: int, known: bytes) -> None:
        """Settle a file by the line of another name of it, which was read."""
        line = lines[position]
        if known != line and (made := under(known, line)) != line:
            self.other[position] = made

    def settle_as(self, lines: Sequence[bytes], position: int, read: int) -> None:
        """Settle a file by another name of it in this payload, at ``read``, which was read or could not be."""
        if read in self.failures:
            self.failures[position] = self.failures[read]
        else:
            self.settle(lines, position, self.other.get(read) or lines[read])


def corrupt(reason: str) -> DescriptorCorrupt:
    """Return the error for lines of no manifest."""
    return DescriptorCorrupt(f"this is no manifest: {reason}")
