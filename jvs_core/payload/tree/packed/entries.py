"""Entries in columns: a list of a million takes half a gigabyte, this a fifth of that, and twice the time to go through."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from jvs_core.payload.tree.entry import Entry

# Below this the time that a list saves is worth its memory.
WORTH = 120_000
CHUNK = 1024
DIGEST = 32
NO_DIGEST = bytes(DIGEST)
Shape = tuple[str, int, int, int]
"""Kind, mode, uid and gid, of which a tree has few."""
_LARGEST, _LATEST = 2**64, 2**63


def worth(count: int) -> bool:
    """Say whether so many entries are held in columns."""
    return count >= WORTH


def held(entries: Iterable[Entry]) -> Sequence[Entry]:
    """Return ``entries``, read once: few as a list, many in columns."""
    coming = iter(entries)
    some = list(islice(coming, WORTH))
    if len(some) < WORTH:
        return some
    packed = PackedEntries()
    packed.take(some)
    some.clear()
    while chunk := list(islice(coming, CHUNK)):
        packed.take(chunk)
    return packed


class PackedEntries(Sequence[Entry]):
    """Entries of one tree, each made anew when it is asked for, so that ``is`` says nothing.

    Paths follow each other in one ``bytearray``; kind, mode and owners are a number of ``shapes``; size, time and digest
    have a column each. What does not fit (links, names of one file, extended attributes, numbers beyond 64 bits, a
    digest of zeros) is in ``others`` as it is. A copy shares the columns until it is changed; only entries at places
    can be changed, and None put there for what is gone.
    """

    def __init__(self) -> None:
        self.paths = bytearray()
        self.ends = array("Q")
        self.shapes: list[Shape] = []
        self.numbers: dict[Shape, int] = {}
        self.forms = array("I")
        self.sizes = array("Q")
        self.times = array("q")
        self.digests = bytearray()  # empty while there are none
        self.others: dict[int, Entry | None] = {}
        self._shared = False

    def take(self, entries: Iterable[Entry]) -> None:
        """Add ``entries`` at the end."""
        for entry in entries:
            self.paths += entry.path
            self.ends.append(len(self.paths))
            self.put(entry)

    def put(self, entry: Entry) -> None:
        """Add all of ``entry`` but its path."""
        _, kind, mode, uid, gid, size, mtime_ns, target, group, xattrs, sha = entry
        self.forms.append(self.number((kind, mode, uid, gid)))
        if target or group or xattrs or not _fits(size, mtime_ns, sha):
            self.others[len(self.sizes)] = entry
            size, mtime_ns, sha = 0, 0, b""
        self.sizes.append(size)
        self.times.append(mtime_ns)
        if sha and not self.digests:
            self.digests.extend(bytes(DIGEST * (len(self.sizes) - 1)))
        if sha or self.digests:
            self.digests += sha or NO_DIGEST

    def number(self, shape: Shape) -> int:
        """Return the number of a shape."""
        found = self.numbers.get(shape)
        if found is None:
            found = self.numbers[shape] = len(self.shapes)
            self.shapes.append(shape)
        return found

    def copy(self) -> PackedEntries:
        """Return a copy that can be changed."""
        other = PackedEntries.__new__(PackedEntries)
        other.__dict__.update(self.__dict__)
        other.others = dict(self.others)
        self._shared = other._shared = True
        return other

    def __len__(self) -> int:
        return len(self.sizes)

    @overload
    def __getitem__(self, position: int) -> Entry: ...
    @overload
    def __getitem__(self, position: slice) -> list[Entry]: ...
    def __getitem__(self, position: int | slice) -> Entry | list[Entry]:
        if isinstance(position, slice):
            start, stop, step = position.indices(len(self))
            if step == 1:
                return self._chunk(start, max(start, stop))
            return [self[place] for place in range(start, stop, step)]
        place = position + len(self) if position < 0 else position
        if not 0 <= place < len(self):
            raise IndexError(position)
        if self.others and place in self.others:
            return self.others[place]  # type: ignore[return-value]
        sha = bytes(self.digests[place * DIGEST : (place + 1) * DIGEST]) if self.digests else b""
        if sha == NO_DIGEST:
            sha = b""
        path = bytes(self.paths[self.ends[place - 1] if place else 0 : self.ends[place]])
        shape = self.shapes[self.forms[place]]
        fields = (path, *shape, self.sizes[place], self.times[place], b"", 0, b"", sha)
        return tuple.__new__(Entry, fields)

    def __iter__(self) -> Iterator[Entry]:
        for start in range(0, len(self), CHUNK):
            yield from self._chunk(start, min(start + CHUNK, len(self)))

    def _chunk(self, start: int, stop: int) -> list[Entry]:
        shapes, paths, new = self.shapes, self.paths, tuple.__new__
        first = self.ends[start - 1] if start else 0
        ends = self.ends[start:stop]
        text = bytes(paths[first : ends[-1]]) if ends else b""
        begin = 0
        found = []
        digests = bytes(self.digests[start * DIGEST : stop * DIGEST])
        place = 0
        columns = zip(
            ends, self.forms[start:stop], self.sizes[start:stop], self.times[start:stop], strict=True
        )
        for end, form, size, mtime_ns in columns:
            finish = end - first
            kind, mode, uid, gid = shapes[form]
            sha = digests[place : place + DIGEST]
            place += DIGEST
            if sha == NO_DIGEST:
                sha = b""
            fields = (text[begin:finish], kind, mode, uid, gid, size, mtime_ns, b"", 0, b"", sha)
            found.append(new(Entry, fields))
            begin = finish
        if self.others:
            for number in range(start, stop) if len(self.others) > stop - start else list(self.others):
                if start <= number < stop and number in self.others:
                    found[number - start] = self.others[number]  # type: ignore[assignment]
        return found

    def __setitem__(self, position: int, entry: Entry | None) -> None:
        """Put ``entry``, which has the same path, in the place of the one at ``position``; None for one that is gone."""
        if entry is not None and position not in self.others:
            _, kind, mode, uid, gid, size, mtime_ns, target, group, xattrs, sha = entry
            same = self.sizes[position] == size and self.times[position] == mtime_ns
            if same and not (target or group or xattrs) and _fits(size, mtime_ns, sha):
                form = self.number((kind, mode, uid, gid))
                if form != self.forms[position]:
                    self._own()
                    self.forms[position] = form
                self.give_digest(position, sha)
                return
        self.others[position] = entry

    def give_digest(self, position: int, sha256: bytes) -> None:
        """Give the entry at ``position``, one without others, the digest ``sha256`` of its content, ``b""`` for none."""
        if self._shared or not self.digests:
            self._own()
        self.digests[position * DIGEST : (position + 1) * DIGEST] = sha256 or NO_DIGEST

    def _own(self) -> None:
        """Make the columns that can be changed this object's own."""
        if self._shared:
            self.forms, self.digests = self.forms[:], self.digests[:]
            self._shared = False
        if not self.digests:
            self.digests = bytearray(DIGEST * len(self))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def _fits(size: int, mtime_ns: int, sha256: bytes) -> bool:
    return (
        0 <= size < _LARGEST
        and -_LATEST <= mtime_ns < _LATEST
        and (not sha256 or (len(sha256) == DIGEST and sha256 != NO_DIGEST))
    )
