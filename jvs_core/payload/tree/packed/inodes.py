"""Which inode is at each of very many places."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

from jvs_core.payload.tree.packed.entries import worth
from jvs_core.payload.tree.packed.stamps import PackedStamps

Inode = tuple[int, ...]
"""Device and number, nothing where nothing is known to be."""


class PackedInodes(Sequence[Inode]):
    """Device and number of each inode, in columns."""

    def __init__(self, count: int) -> None:
        self.devices = array("Q", bytes(8 * count))
        self.numbers = array("Q", bytes(8 * count))
        self.known = bytearray(count)

    def __len__(self) -> int:
        return len(self.known)

    @overload
    def __getitem__(self, position: int) -> Inode: ...
    @overload
    def __getitem__(self, position: slice) -> list[Inode]: ...
    def __getitem__(self, position: int | slice) -> Inode | list[Inode]:
        if isinstance(position, slice):
            return [self[place] for place in range(*position.indices(len(self)))]
        return (self.devices[position], self.numbers[position]) if self.known[position] else ()

    def __iter__(self) -> Iterator[Inode]:
        for known, device, number in zip(self.known, self.devices, self.numbers, strict=True):
            yield (device, number) if known else ()

    def __setitem__(self, position: int, inode: Inode) -> None:
        self.known[position] = bool(inode)
        if inode:
            self.devices[position], self.numbers[position] = inode

    def distinct(self) -> bool:
        """Say whether no inode is at two places."""
        if len(set(self.devices)) <= 2:  # what is not known has device 0
            ordered = sorted(number for number, known in zip(self.numbers, self.known, strict=True) if known)
            return all(one != other for one, other in pairwise(ordered)) or self._pairs_distinct()
        return self._pairs_distinct()

    def _pairs_distinct(self) -> bool:
        pairs = sorted(inode for inode in self if inode)
        return all(one != other for one, other in pairwise(pairs))

    def stamps(self) -> PackedStamps:
        """Return the stamps of all, every one known, with no time."""
        stamps = PackedStamps()
        stamps.devices, stamps.inodes = self.devices, self.numbers
        stamps.ctimes = array("q", (-1,)) * len(self)
        return stamps


def inodes(count: int) -> list[Inode] | PackedInodes:
    """Return places for ``count`` inodes, none of which is known."""
    return PackedInodes(count) if worth(count) else [()] * count


def distinct(files: Sequence[Inode | bytes]) -> bool:
    """Say whether no file is at two places of ``files``; a false value says that none is there."""
    if isinstance(files, PackedInodes):
        return files.distinct()
    there = [file for file in files if file]
    return len(set(there)) == len(there)
