"""The lines of a manifest in memory: few as a list, very many as one text, a third of the size."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from jvs_core.payload.tree.packed import entries

_AT_ONCE = 1000


def held_lines(lines: Iterable[bytes]) -> Sequence[bytes]:
    """Return ``lines``, read once."""
    coming = iter(lines)
    some = list(islice(coming, entries.WORTH))
    if not entries.worth(len(some)):
        return some
    held = HeldLines()
    while some:
        held.take(some)
        some = list(islice(coming, _AT_ONCE))
    return held


class HeldLines(Sequence[bytes]):
    """Very many lines, each made anew when it is asked for."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("Q")

    def take(self, lines: Iterable[bytes]) -> None:
        """Add ``lines`` at the end."""
        for line in lines:
            self._text += line
            self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, position: int) -> bytes: ...
    @overload
    def __getitem__(self, position: slice) -> list[bytes]: ...
    def __getitem__(self, position: int | slice) -> bytes | list[bytes]:
        if isinstance(position, slice):
            return [self[place] for place in range(*position.indices(len(self)))]
        place = position + len(self) if position < 0 else position
        return bytes(self._text[self._ends[place - 1] if place else 0 : self._ends[place]])

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for end in self._ends:
            yield bytes(self._text[start:end])
            start = end
