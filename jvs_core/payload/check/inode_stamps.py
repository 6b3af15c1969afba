"""What says which inode a file is, and when it changed, for the lines of a manifest."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import overload

from jvs_core.payload.tree.packed import PackedInodes, worth

SIZE = 24
"""Device, inode number and ``ctime``, in eight bytes each."""
_NOTHING = bytes(SIZE)
_AT_ONCE = 1000
_IDENTITY = Struct("<QQ")


class InodeStamps(Sequence[bytes]):
    """Stamps of ``SIZE`` bytes, ``b""`` for none, one after the other."""

    def __init__(self) -> None:
        self._stamps = bytearray()

    def extend(self, stamps: Iterable[bytes]) -> None:
        """Add ``stamps`` at the end."""
        for stamp in stamps:
            self._stamps += stamp or _NOTHING

    def __len__(self) -> int:
        return len(self._stamps) // SIZE

    @overload
    def __getitem__(self, position: int) -> bytes: ...
    @overload
    def __getitem__(self, position: slice) -> list[bytes]: ...
    def __getitem__(self, position: int | slice) -> bytes | list[bytes]:
        if isinstance(position, slice):
            return [self[place] for place in range(*position.indices(len(self)))]
        if not 0 <= position < len(self):
            raise IndexError(position)
        stamp = bytes(self._stamps[position * SIZE : (position + 1) * SIZE])
        return b"" if stamp == _NOTHING else stamp

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._stamps), _AT_ONCE * SIZE):
            some = bytes(self._stamps[start : start + _AT_ONCE * SIZE])
            for place in range(0, len(some), SIZE):
                stamp = some[place : place + SIZE]
                yield b"" if stamp == _NOTHING else stamp

    def __setitem__(self, position: int, stamp: bytes) -> None:
        self._stamps[position * SIZE : (position + 1) * SIZE] = stamp or _NOTHING

    def identities(self) -> Sequence[tuple[int, ...]]:
        """Return which inode each is, without the time."""
        if not worth(len(self)):
            return [_IDENTITY.unpack_from(stamp) if stamp else () for stamp in self]
        found = PackedInodes(len(self))
        with memoryview(self._stamps) as stamps, stamps.cast("Q") as every:
            found.devices, found.numbers = array("Q", every[0::3]), array("Q", every[1::3])
            if not all(found.devices):
                found.known = bytearray(map(any, zip(every[0::3], every[1::3], every[2::3], strict=True)))
            else:
                found.known = bytearray(b"\1") * len(self)
        if sys.byteorder == "big":
            found.devices.byteswap()
            found.numbers.byteswap()
        return found
