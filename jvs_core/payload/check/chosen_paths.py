"""Paths of some of very many entries, taken from them when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import overload

from jvs_core.payload.tree.entry import Entry


class ChosenPaths(Sequence[bytes]):
    """The paths of those ``entries`` whose byte in ``chosen``, parallel to them, is not 0."""

    def __init__(self, entries: Sequence[Entry], chosen: bytearray) -> None:
        self._entries = entries
        self._chosen = chosen

    def __len__(self) -> int:
        return len(self._chosen) - self._chosen.count(0)

    def __iter__(self) -> Iterator[bytes]:
        if any(self._chosen):
            for entry in compress(self._entries, self._chosen):
                yield entry.path

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        return list(self)[place]
