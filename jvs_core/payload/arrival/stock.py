"""The stock: what lies in the payloads of a repository that is being filled, so that nothing comes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jvs_core.payload.tree.entry import FILE, Entry

Identity = tuple[bytes, int, int, int, int, bytes]
"""Digest, mode, uid, gid, time and extended attributes: what all names of one file have in common."""


class Place(NamedTuple):
    """A file in a payload that is there already."""

    payload: Path
    path: bytes


def identity(entry: Entry) -> Identity:
    """Return what ``entry``, a regular file, shares with all names of the same file."""
    return entry.sha256, entry.mode, entry.uid, entry.gid, entry.mtime_ns, entry.xattrs


@dataclass
class Stock:
    """Where whole files (content and attributes), and where contents are found.

    Every entry in it was made, or looked at, and is what its manifest says.
    """

    files: dict[Identity, Place] = field(default_factory=dict)
    contents: dict[bytes, Place] = field(default_factory=dict)

    def add(self, payload: Path, entries: Iterable[Entry]) -> None:
        """Enter the files among ``entries`` of ``payload``; what is known stays where it is."""
        for entry in entries:
            if entry.kind == FILE:
                place = Place(payload, entry.path)
                self.files.setdefault(identity(entry), place)
                self.contents.setdefault(entry.sha256, place)

    def replace(self, payload: Path, entries: Iterable[Entry]) -> None:
        """Enter files whose earlier places take no further names."""
        for entry in entries:
            self.files[identity(entry)] = Place(payload, entry.path)


@dataclass(frozen=True)
class Base:
    """A payload that is there already, which the next one is made after."""

    payload: Path
    entries: Sequence[Entry]


def shareable(
    entries: Sequence[Entry], leaders: Sequence[int], stock: Stock, base: Base | None
) -> dict[int, Place]:
    """Return the ``leaders`` among ``entries`` that can be further names of files in stock, and of which.

    Two files of one payload never become one. So a file that equals another one in the same payload shares only with
    that of the same path in ``base``, whose paths are different files; any other with whatever has its identity.
    """
    files = [position for position in leaders if entries[position].kind == FILE]
    count = Counter(identity(entries[position]) for position in files)
    before: Mapping[bytes, Entry] = (
        {entry.path: entry for entry in base.entries if not entry.link_group} if base else {}
    )
    found: dict[int, Place] = {}
    for position in files:
        entry = entries[position]
        own = identity(entry)
        old = before.get(entry.path)
        if base is not None and old is not None and old.kind == FILE and identity(old) == own:
            if not entry.link_group or count[own] == 1:
                found[position] = Place(base.payload, entry.path)
        elif count[own] == 1 and own in stock.files:
            found[position] = stock.files[own]
    return found
