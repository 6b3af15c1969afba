"""Stamps in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from jvs_core.payload.tree.stamp import Stamp

CHUNK = 1024
_SMALLEST, _LARGEST = -(2**63), 2**63


class PackedStamps(Sequence[Stamp]):
    """The stamps of very many entries, each made anew when it is asked for. A time beyond 64 bits is in ``others``."""

    def __init__(self) -> None:
        self.devices = array("Q")
        self.inodes = array("Q")
        self.ctimes = array("q")
        self.others: dict[int, Stamp] = {}

    def take(self, stamps: Iterable[Stamp]) -> None:
        """Add ``stamps`` at the end."""
        for stamp in stamps:
            dev, ino, ctime_ns = stamp
            if not _SMALLEST <= ctime_ns < _LARGEST:
                self.others[len(self.inodes)] = stamp
                ctime_ns = 0
            self.devices.append(dev)
            self.inodes.append(ino)
            self.ctimes.append(ctime_ns)

    def __len__(self) -> int:
        return len(self.inodes)

    @overload
    def __getitem__(self, position: int) -> Stamp: ...
    @overload
    def __getitem__(self, position: slice) -> list[Stamp]: ...
    def __getitem__(self, position: int | slice) -> Stamp | list[Stamp]:
        if isinstance(position, slice):
            return [self[place] for place in range(*position.indices(len(self)))]
        if position in self.others:
            return self.others[position]
        return tuple.__new__(Stamp, (self.devices[position], self.inodes[position], self.ctimes[position]))

    def __iter__(self) -> Iterator[Stamp]:
        if self.others:
            yield from (self[position] for position in range(len(self)))
            return
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            columns = zip(self.devices[part], self.inodes[part], self.ctimes[part], strict=True)
            yield from [tuple.__new__(Stamp, fields) for fields in columns]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedStamps):
            return (self.devices, self.inodes, self.ctimes, self.others) == (
                (other.devices, other.inodes, other.ctimes, other.others)
            )
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]
