"""The lines of a manifest, one an entry: made, taken apart, and compared without being taken apart."""

from __future__ import annotations

from binascii import hexlify, unhexlify
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jvs_core.payload.entry import SYMLINK, Entry


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


class Compared(NamedTuple):
    """A manifest held against another: 1 for each of its lines that the other has too, and the other's other lines by path."""

    shared: bytearray
    others: dict[bytes, bytes]


def compare(lines: Sequence[bytes], others: Iterable[bytes]) -> Compared:
    """Hold ``lines`` against ``others``, both in the order of a manifest and each asked for once."""
    shared, left = bytearray(len(lines)), {}
    following = iter(others)
    other = next(following, None)
    for position, line in enumerate(lines):
        if line != other:
            path = _path_of(line)
            while other is not None and (place := _path_of(other)) < path:
                left[place] = other
                other = next(following, None)
        if line == other:
            shared[position] = 1
            other = next(following, None)
    if other is not None:
        left.update((_path_of(line), line) for line in (other, *following))
    return Compared(shared, left)


def decode(line: bytes) -> Entry:
    """Return the entry of a line that ``encode`` made, without its newline; nothing is checked."""
    kind, mode, uid, gid, size, mtime_ns, group, xattrs, sha, _, *target = line.split(b"\t")
    return Entry(
        _path_of(line), kind.decode(), int(mode, 8), int(uid), int(gid), int(size), int(mtime_ns),
        unescape(target[0]) if target else b"", int(group),
        b"" if xattrs == b"-" else unhexlify(xattrs), b"" if sha == b"-" else unhexlify(sha),
    )  # fmt: skip


def _path_of(line: bytes) -> bytes:
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
