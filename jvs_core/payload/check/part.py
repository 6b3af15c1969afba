"""A part of a manifest that is held against a payload, and what that found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from jvs_core.errors import JvsError

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
class Seen:
    """What was seen of a payload, by the positions of its manifest's lines.

    ``inodes``, one a line, has the identity and time of change of what may have other names, else ``b""``. ``unread``
    has the sizes of files that were only looked at, which all have an inode. ``found`` has the line of what is there
    instead, None for nothing; ``failures`` why something could not be read. ``children`` counts the names that
    the lines put into each folder, ``listed`` those that each of their folders has, -1 where it is none. ``groups`` are the
    lines in link groups.
    """

    inodes: list[bytes] = field(default_factory=list)
    unread: dict[int, int] = field(default_factory=dict)
    found: dict[int, bytes | None] = field(default_factory=dict)
    failures: dict[int, JvsError] = field(default_factory=dict)
    children: dict[bytes, int] = field(default_factory=dict)
    listed: dict[bytes, int] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)


@dataclass
class Held(Seen):
    """What holding a part against the payload found; of ``inodes`` there is one for each of its own lines.

    ``records`` are its share of the root hash, ``paths`` the first and the last path; ``files`` counts the files that are
    settled. A ``malformed`` part is of no manifest; ``closed`` says why the payload could not be opened; then all else is
    empty.
    """

    files: int = 0
    records: bytes = b""
    paths: tuple[bytes, bytes] = (b"", b"")
    malformed: bool = False
    closed: str = ""
