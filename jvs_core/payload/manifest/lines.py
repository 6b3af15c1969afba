"""The lines of a manifest, one an entry: made, taken apart, and compared without being taken apart."""

from __future__ import annotations

import os
from binascii import hexlify, unhexlify
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from jvs_core.payload.tree.entry import SYMLINK, Entry

_RECORD = Struct(">IcIQIB")
_AT_ONCE = 1000


def encode(entries: Iterable[Entry]) -> list[bytes]:
    """Return the line of each entry, without the newline at its end."""
    return [
        b"%b\t%o\t%d\t%d\t%d\t%d\t%d\t%b\t%b\t%b%b"
        % (
            kind.encode(),
            mode,
            uid,
            gid,
            size,
            mtime_ns,
            group,
            hexlify(xattrs) if xattrs else b"-",
            hexlify(sha) if sha else b"-",
            escape(path) if path else b".",
            b"\t" + escape(target) if kind == SYMLINK else b"",
        )
        for path, kind, mode, uid, gid, size, mtime_ns, target, group, xattrs, sha in entries
    ]


def encoded(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield what ``encode`` returns, without holding more than some of it."""
    for start in range(0, len(entries), _AT_ONCE):
        yield from encode(entries[start : start + _AT_ONCE])


def encode_file(
    st: os.stat_result, mode: int, group: bytes, xattrs: bytes, sha256: bytes, path: bytes
) -> bytes:
    """Return the line of a regular file that was read and has ``mode``; ``group`` and ``path`` are as the line has them."""
    return b"f\t%o\t%d\t%d\t%d\t%d\t%b\t%b\t%b\t%b" % (
        mode,
        st.st_uid,
        st.st_gid,
        st.st_size,
        st.st_mtime_ns,
        group,
        hexlify(xattrs) if xattrs else b"-",
        hexlify(sha256),
        path,
    )


def under(line: bytes, other: bytes) -> bytes:
    """Return what ``line``, of a file, would be under the name of ``other`` and in its link group."""
    fields, others = line.split(b"\t"), other.split(b"\t")
    return b"\t".join([*fields[:6], others[6], *fields[7:9], others[9]])


def record(path: bytes, kind: bytes, mode: int, size: int, target: bytes, sha256: bytes) -> bytes:
    """Return what stands for an entry in the payload's root hash."""
    return _RECORD.pack(len(path), kind, mode, size, len(target), len(sha256)) + path + target + sha256


class Compared(NamedTuple):
    """A manifest compared with another: 1 for each of its lines that the other has too, and the other's other lines by path."""

    shared: bytearray
    others: dict[bytes, bytes]


def compare(lines: Iterable[bytes], others: Iterable[bytes], count: int) -> Compared:
    """Compare ``count`` ``lines`` with ``others``, both in the order of a manifest; each is iterated once."""
    shared, left = bytearray(count), {}
    following = iter(others)
    other = next(following, None)
    for position, line in enumerate(lines):
        if line != other:
            path = path_of(line)
            while other is not None and (place := path_of(other)) < path:
                left[place] = other
                other = next(following, None)
        if line == other:
            shared[position] = 1
            other = next(following, None)
    if other is not None:
        left.update((path_of(line), line) for line in (other, *following))
    return Compared(shared, left)


def decode(line: bytes) -> Entry:
    """Return the entry of a line that ``encode`` made, without its newline; nothing is checked."""
    kind, mode, uid, gid, size, mtime_ns, group, xattrs, sha, _, *target = line.split(b"\t")
    return Entry(
        path_of(line), kind.decode(), int(mode, 8), int(uid), int(gid), int(size), int(mtime_ns),
        unescape(target[0]) if target else b"", int(group),
        b"" if xattrs == b"-" else unhexlify(xattrs), b"" if sha == b"-" else unhexlify(sha),
    )  # fmt: skip


def path_of(line: bytes) -> bytes:
    """Return the path that a line is about."""
    path = line.split(b"\t", 10)[9]
    return b"" if path == b"." else unescape(path)


def escape(path: bytes) -> bytes:
    """Return ``path`` as a line carries it."""
    if b"\\" in path or b"\n" in path or b"\t" in path:
        return path.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")
    return path


def unescape(text: bytes) -> bytes:
    """Return the path that ``text`` carries. Raises ValueError when there is another way to write it."""
    if b"\\" not in text:
        return text
    parts = text.split(b"\\\\")
    plain = b"\\".join(part.replace(b"\\t", b"\t").replace(b"\\n", b"\n") for part in parts)
    if escape(plain) != text:
        raise ValueError("a bad escape")
    return plain
