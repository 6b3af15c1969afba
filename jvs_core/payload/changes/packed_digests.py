"""What an index knows of very many files, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, overload

from jvs_core.payload.changes.digests import Digests
from jvs_core.payload.tree.packed.entries import CHUNK, DIGEST, NO_DIGEST, worth

_UNKNOWN, _CONTENT, _WITHOUT_XATTRS, _OTHER = range(4)


class PackedDigests(Sequence[Digests | None]):
    """Digests by position, None for what is not known; the few files that have extended attributes are in ``others``."""

    def __init__(self, count: int) -> None:
        self.states = bytearray(count)
        self.contents = bytearray(DIGEST * count)
        self.others: dict[int, Digests] = {}
        self._shared = False

    def copy(self) -> PackedDigests:
        """Return a copy that can be changed; until one of the two is, they share the columns."""
        other = PackedDigests(0)
        other.states, other.contents, other.others = self.states, self.contents, self.others
        self._shared = other._shared = True
        return other

    def __len__(self) -> int:
        return len(self.states)

    @overload
    def __getitem__(self, position: int) -> Digests | None: ...
    @overload
    def __getitem__(self, position: slice) -> list[Digests | None]: ...
    def __getitem__(self, position: int | slice) -> Digests | list[Digests | None] | None:
        if isinstance(position, slice):
            return [self[place] for place in range(*position.indices(len(self)))]
        state = self.states[position]
        if state == _UNKNOWN:
            return None
        if state == _OTHER:
            return self.others[position]
        content = bytes(self.contents[position * DIGEST : (position + 1) * DIGEST])
        return tuple.__new__(Digests, (content, None if state == _CONTENT else b""))

    def __iter__(self) -> Iterator[Digests | None]:
        new, others = tuple.__new__, self.others
        for start in range(0, len(self), CHUNK):
            states = bytes(self.states[start : start + CHUNK])
            contents = bytes(self.contents[start * DIGEST : (start + CHUNK) * DIGEST])
            place = 0
            for number, state in enumerate(states, start):
                if state == _UNKNOWN:
                    yield None
                elif state == _OTHER:
                    yield others[number]
                else:
                    content = contents[place : place + DIGEST]
                    yield new(Digests, (content, None if state == _CONTENT else b""))
                place += DIGEST

    def __setitem__(self, position: int, known: Digests | None) -> None:
        if self._shared:
            self.states, self.contents, self.others = self.states[:], self.contents[:], dict(self.others)
            self._shared = False
        if known is None:
            self.states[position] = _UNKNOWN
            return
        sha256, xattrs = known
        if len(sha256) != DIGEST or sha256 == NO_DIGEST or xattrs:
            self.states[position] = _OTHER
            self.others[position] = known
            return
        self.states[position] = _CONTENT if xattrs is None else _WITHOUT_XATTRS
        self.contents[position * DIGEST : (position + 1) * DIGEST] = sha256


Known: TypeAlias = "list[Digests | None] | PackedDigests"
"""What is known by position, to be changed in place."""


def unknown(count: int) -> Known:
    """Return what is known of ``count`` entries before anything is."""
    if worth(count):
        return PackedDigests(count)
    return [None] * count


def duplicate(digests: Sequence[Digests | None]) -> Known:
    """Return a copy that can be changed."""
    return digests.copy() if isinstance(digests, PackedDigests) else list(digests)


def gathered(digests: Iterable[Digests | None], count: int) -> Known:
    """Return ``digests``, of ``count`` entries: few as a list, very many in columns."""
    found = unknown(count)
    for position, known in enumerate(digests):
        found[position] = known
    return found
