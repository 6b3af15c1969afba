"""Results of comparing a payload with the lines of its manifest: of one part of the lines, and of all parts."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.payload.check.inode_stamps import InodeStamps
from jvs_core.payload.manifest.lines import under

IDENTITY = 16
"""How many bytes of an inode's stamp say which it is; the rest is its time of change."""

Reading = Literal["first", "shared", "all"]


class Share(NamedTuple):
    """The contents that are read, as one of ``of`` shares; ``number`` is from 1.

    A content belongs to a share by its digest, so to the same one in whatever snapshot and on whatever day it is.
    """

    number: int
    of: int

    def has(self, sha256: bytes) -> bool:
        """Return whether a content is in the share, by the hexadecimal digits of its digest."""
        return int(sha256[:15], 16) % self.of == self.number - 1


@dataclass(frozen=True)
class Part:
    """Consecutive lines of a manifest, separated by newlines, and which of their files to read at once.

    ``first``: small files, but for hard links within this tree, since no payload was read before. ``shared``: small
    files without hard links, since another snapshot may have had the others read. ``all``: every file. ``start`` is the
    position of the first line in the manifest. Files whose content is in no ``share`` are looked at and not read, where
    that is given.
    """

    start: int
    text: bytes
    reading: Reading
    share: Share | None = None


@dataclass
class Found:
    """What was found for lines of a manifest, by the position of the line.

    ``inodes``, one a line, has device, inode and ``ctime`` of files with hard links, and of those not read yet, else
    ``b""``. ``unread`` has the positions of files that are still to be read. ``other`` has the line that would be right for
    what is there instead, None where nothing is there; ``failures`` has why a file could not be read. ``children``
    counts the names that the lines put into each folder, ``listed`` the names that each folder really has, -1 where it
    is no folder. ``groups`` has the link group of each line in one.
    """

    inodes: list[bytes] = field(default_factory=list)
    unread: array[int] = field(default_factory=partial(array, "Q"))
    other: dict[int, bytes | None] = field(default_factory=dict)
    failures: dict[int, JvsError] = field(default_factory=dict)
    children: dict[bytes, int] = field(default_factory=dict)
    listed: dict[bytes, int] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)


@dataclass
class FoundInPart(Found):
    """What was found for one part; ``inodes`` has one for each of its own lines.

    ``records`` are its share of the root hash, ``paths`` its first and last path; ``files`` counts the files that need
    no further reading, ``left`` those that were only looked at. A ``malformed`` part has lines that no manifest can have; ``closed`` is why the payload could
    not be opened. In both cases everything else is empty.
    """

    files: int = 0
    left: int = 0
    records: bytes = b""
    paths: tuple[bytes, bytes] = (b"", b"")
    malformed: bool = False
    closed: JvsError | None = None

    def require_opened(self) -> None:
        """Raise ``closed`` if the payload could not be opened, DescriptorCorrupt if a line is malformed."""
        if self.closed:
            raise self.closed
        if self.malformed:
            raise corrupt("a line is malformed")


@dataclass
class Evidence(Found):
    """What was found for all lines of a manifest; ``left`` files were only looked at, ``last`` is the last path."""

    inodes: InodeStamps = field(default_factory=InodeStamps)  # type: ignore[assignment]
    left: int = 0
    last: bytes | None = None

    def add(self, part: FoundInPart) -> None:
        """Add the next part of a payload.

        Raises PartialSnapshot where the payload is gone, DescriptorCorrupt where no manifest can have the lines.
        """
        part.require_opened()
        first, following = part.paths
        if first if self.last is None else first <= self.last:
            raise corrupt("a line is out of order")
        self.last = following
        self.inodes.extend(part.inodes)
        self.unread.extend(part.unread)
        self.other.update(part.other)
        self.failures.update(part.failures)
        self.groups.update(part.groups)
        self.listed.update(part.listed)
        self.left += part.left
        for folder, count in part.children.items():
            self.children[folder] = self.children.get(folder, 0) + count

    def require_tree(self) -> None:
        """Raise DescriptorCorrupt where no manifest can have the lines of all parts together."""
        if self.last is None or not self.children.keys() <= self.listed.keys():
            raise corrupt("a folder is not listed")
        members = Counter(self.groups.values())
        if list(members) != list(range(1, len(members) + 1)) or any(count < 2 for count in members.values()):
            raise corrupt("the link groups are not numbered in order, or one of them has only one name")

    def read(self, positions: Sequence[int], parts: Sequence[FoundInPart]) -> None:
        """Add what was found by reading the files at ``positions`` afterwards."""
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
        """Record the result for an unread file, by the line of a hard link to it that was read."""
        line = lines[position]
        if known != line and (made := under(known, line)) != line:
            self.other[position] = made

    def settle_as(self, lines: Sequence[bytes], position: int, read: int) -> None:
        """Record the result for an unread file: that of its hard link at ``read`` in this payload."""
        if read in self.failures:
            self.failures[position] = self.failures[read]
        else:
            self.settle(lines, position, self.other.get(read) or lines[read])


def corrupt(reason: str) -> DescriptorCorrupt:
    """Return the error for lines that no manifest can have."""
    return DescriptorCorrupt(f"this is not a manifest: {reason}")
