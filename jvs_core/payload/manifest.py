"""The manifest: every entry of a payload with its hash and metadata, one line each, and the root hash over it.

Format 1 is a file of bytes. Its first line is ``jvs-manifest 1``, its last ``end N`` with the number of entries;
between them is one line an entry, sorted by path bytes, the top folder first::

    kind mode uid gid size mtime_ns link_group xattrs sha256 path [target]

separated by tabs. ``mode`` is octal, the digests are hexadecimal or ``-`` for none, the top folder's path is ``.``,
``target`` is there for symbolic links only. In path and target a backslash, tab and newline are written ``\\\\``,
``\\t`` and ``\\n``; all other bytes stand as they are. There is exactly one way to write a list of entries, and
``read`` accepts no other.
"""

from __future__ import annotations

import hashlib
import os
from binascii import hexlify, unhexlify
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import IO, NamedTuple

from jvs_core.errors import AlreadyExists, DescriptorCorrupt, EngineFailed, PartialSnapshot
from jvs_core.payload.collector import held_back
from jvs_core.payload.entry import FIFO, FILE, FOLDER, SYMLINK, Entry
from jvs_core.payload.faults import translate

HEADER = b"jvs-manifest 1\n"
CHUNK = 1000
_RECORD = Struct(">IcIQIB")
_NUMBER_LIMIT = 2**63
_OWNER_LIMIT = 2**32


class Written(NamedTuple):
    """What ``write`` wrote: the SHA-256 of the whole file (hex), its size in bytes, the number of entries."""

    sha256: str
    size: int
    entries: int


def write(path: Path, entries: Sequence[Entry], lines: Sequence[bytes | None] = ()) -> Written:
    """Write ``entries`` to the new file ``path`` and make it durable (the folder's own entry is the caller's to sync).

    ``lines``, parallel to ``entries`` where given, holds what ``encode`` made of them already. A crash leaves a file
    without its closing line, which ``read`` refuses. Raises AlreadyExists when ``path`` exists; nothing is overwritten.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        with open(path, "xb", buffering=0) as file:
            for chunk in _chunks(entries, lines):
                digest.update(chunk)
                size += len(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[file.write(view) :]
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise AlreadyExists(f"{path} exists already", path=str(path)) from error
    except OSError as error:
        raise translate(error, os.fsencode(path)) from error
    return Written(digest.hexdigest(), size, len(entries))


@held_back()
def read(path: Path, *, sha256: str | None = None) -> list[Entry]:
    """Read the manifest ``path``; with ``sha256`` (hex) hold the whole file against it first.

    Raises
    ------
    PartialSnapshot
        The file is missing or ends early.
    DescriptorCorrupt
        Its digest is not ``sha256``, or a line is not one that ``write`` could have written; the message has the
        line number.
    """
    try:
        with open(path, "rb", buffering=1 << 20) as file:
            if sha256 is not None and _digest_of(file) != sha256:
                raise DescriptorCorrupt(f"the manifest {path} is not the one recorded", path=str(path))
            file.seek(0)
            return _Reader(path).read(file)
    except FileNotFoundError as error:
        raise PartialSnapshot(f"no manifest at {path}", path=str(path)) from error
    except OSError as error:
        raise EngineFailed(f"cannot read the manifest {path}: {error.strerror}", path=str(path)) from error


def read_lines(path: Path, *, sha256: str) -> Iterator[bytes]:
    """Return the lines of the manifest ``path``, one an entry, once the file's digest is ``sha256`` (hex).

    Raises PartialSnapshot when it is missing, DescriptorCorrupt when it has another digest.
    """
    try:
        file = open(path, "rb", buffering=1 << 20)  # noqa: SIM115 - open for as long as the lines are asked for
        try:
            if _digest_of(file) != sha256:
                raise DescriptorCorrupt(f"the manifest {path} is not the one recorded", path=str(path))
            file.seek(0)
        except BaseException:
            file.close()
            raise
    except FileNotFoundError as error:
        raise PartialSnapshot(f"no manifest at {path}", path=str(path)) from error
    except OSError as error:
        raise EngineFailed(f"cannot read the manifest {path}: {error.strerror}", path=str(path)) from error
    return _lines(file)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.readline()
        for line in file:
            if line.startswith(b"end "):
                return
            yield line[:-1]


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
        _unescape(target[0]) if target else b"", int(group),
        b"" if xattrs == b"-" else unhexlify(xattrs), b"" if sha == b"-" else unhexlify(sha),
    )  # fmt: skip


def _path_of(line: bytes) -> bytes:
    path = line.split(b"\t", 10)[9]
    return b"" if path == b"." else _unescape(path)


def root_hash(entries: Sequence[Entry]) -> str:
    """Return the payload root hash (hex) of ``entries``.

    SHA-256 over one record for each entry but the top folder: path, kind, mode, size, link target, content hash,
    with the lengths of path and target written before them. Times, owners, extended attributes and link groups
    stay out, so equal content has an equal hash on every engine and file system.
    """
    digest = hashlib.sha256(b"jvs-root 1\n")
    pack = _RECORD.pack
    records = iter(entries)
    while chunk := list(islice(records, CHUNK)):
        digest.update(
            b"".join(
                [
                    pack(len(path), kind.encode(), mode, size, len(target), len(sha)) + path + target + sha
                    for path, kind, mode, _, _, size, _, target, _, _, sha in chunk
                    if path
                ]
            )
        )
    return digest.hexdigest()


def totals(entries: Iterable[Entry]) -> tuple[int, int]:
    """Return the number of regular files and the sum of their sizes in bytes."""
    sizes = [entry.size for entry in entries if entry.kind == FILE]
    return len(sizes), sum(sizes)


def _digest_of(file: IO[bytes]) -> str:
    state = hashlib.sha256()
    while data := file.read(1 << 20):
        state.update(data)
    return state.hexdigest()


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
            _escape(path) if path else b".",
            b"\t" + _escape(target) if kind == SYMLINK else b"",
        )
        for path, kind, mode, uid, gid, size, mtime_ns, target, group, xattrs, sha in entries
    ]


def _chunks(entries: Sequence[Entry], lines: Sequence[bytes | None]) -> Iterable[bytes]:
    yield HEADER
    for start in range(0, len(entries), CHUNK):
        part = entries[start : start + CHUNK]
        if lines:
            ready = lines[start : start + CHUNK]
            made = [line or encode([entry])[0] for entry, line in zip(part, ready, strict=True)]
        else:
            made = encode(part)
        yield b"\n".join([*made, b""])
    yield b"end %d\n" % len(entries)


def _escape(path: bytes) -> bytes:
    if b"\\" in path or b"\n" in path or b"\t" in path:
        return path.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")
    return path


def _unescape(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    parts = text.split(b"\\\\")
    plain = b"\\".join(part.replace(b"\\t", b"\t").replace(b"\\n", b"\n") for part in parts)
    if _escape(plain) != text:
        raise ValueError("a bad escape")
    return plain


class _Reader:
    """One reading of one manifest: line by line, refusing what is not canonical."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: dict[bytes, int] = {}
        self.modes: dict[bytes, int] = {}
        self.folders: set[bytes] = {b""}
        self.groups: dict[int, list[Entry]] = {}

    def read(self, file: IO[bytes]) -> list[Entry]:
        if file.readline() != HEADER:
            raise DescriptorCorrupt(
                f"{self.path}, line 1: not a manifest of format 1", path=str(self.path), line=1
            )
        entries: list[Entry] = []
        append, parse = entries.append, self.parse
        last = b""
        line = b""
        try:
            for line in file:
                if line.startswith(b"end "):
                    break
                entry = parse(line)
                if entry.path <= last and entries:
                    raise ValueError("out of order")
                last = entry.path
                append(entry)
            else:
                raise PartialSnapshot(
                    f"{self.path} ends after {len(entries)} entries, without its closing line",
                    path=str(self.path),
                )
            if line != b"end %d\n" % len(entries):
                raise ValueError(f"{len(entries)} entries were read, the closing line says otherwise")
            if file.read(1):
                raise ValueError("something follows the closing line")
            if not entries or entries[0].path or entries[0].kind != FOLDER:
                raise ValueError("the top folder is missing")
            if any(len(members) < 2 for members in self.groups.values()):
                raise ValueError("a link group of one")
        except (ValueError, IndexError) as error:
            if not line.endswith(b"\n"):
                raise PartialSnapshot(
                    f"{self.path} ends in the middle of line {len(entries) + 2}", path=str(self.path)
                ) from error
            number = len(entries) + 2
            raise DescriptorCorrupt(
                f"{self.path}, line {number}: {error}", path=str(self.path), line=number
            ) from error
        return entries

    def parse(self, line: bytes) -> Entry:  # noqa: C901 - one check a field
        fields = line.split(b"\t")
        kind, mode, uid, gid, size, mtime, group, xattrs, sha, path = fields[:10]
        if line[-1] != 10:
            raise ValueError("cut off")
        numbers = self.numbers
        owner = numbers.get(uid)
        if owner is None:
            owner = numbers[uid] = _number(uid, _OWNER_LIMIT)
        owner_group = numbers.get(gid)
        if owner_group is None:
            owner_group = numbers[gid] = _number(gid, _OWNER_LIMIT)
        bits = self.modes.get(mode)
        if bits is None:
            bits = self.modes[mode] = _mode(mode)
        if mtime.isdigit() and mtime[0] != 48:
            mtime_ns = int(mtime)
        else:
            mtime_ns = (
                -_number(mtime[1:], _NUMBER_LIMIT, 1) if mtime[:1] == b"-" else _number(mtime, _NUMBER_LIMIT)
            )
        if kind == b"f":
            if len(fields) != 10:
                raise ValueError("a file of ten fields was expected")
            path = path[:-1]
            if len(sha) != 64 or sha.lower() != sha:
                raise ValueError("a bad content hash")
            content = unhexlify(sha)
            name_kind, target = FILE, b""
            length = (
                _number(size, _NUMBER_LIMIT)
                if len(size) > 15 or not size.isdigit() or size[0] == 48
                else int(size)
            )
        else:
            if sha != b"-" or size != b"0":
                raise ValueError("content where there can be none")
            content, length, target = b"", 0, b""
            if kind == b"l":
                if len(fields) != 11:
                    raise ValueError("a link without a target")
                name_kind = SYMLINK
                target = _unescape(fields[10][:-1])
                if not target or b"\0" in target:
                    raise ValueError("a bad link target")
            elif kind == b"d" or kind == b"p":
                if len(fields) != 10:
                    raise ValueError("too many fields")
                path = path[:-1]
                name_kind = FOLDER if kind == b"d" else FIFO
            else:
                raise ValueError("an unknown kind")
        if mtime_ns >= _NUMBER_LIMIT:
            raise ValueError("a time out of range")
        if b"\\" in path:
            path = _unescape(path)
        if path == b".":
            path = b""
        else:
            folder, inner, name = path.rpartition(b"/")
            if folder not in self.folders or (inner and not folder):
                raise ValueError("its folder is not listed")
            if name in (b"", b".", b"..") or b"\0" in name:
                raise ValueError("a bad name")
        if name_kind is FOLDER:
            self.folders.add(path)
        attributes = b"" if xattrs == b"-" else _digest(xattrs)
        entry = Entry(
            path, name_kind, bits, owner, owner_group, length, mtime_ns, target, 0, attributes, content
        )
        return entry if group == b"0" else self.grouped(entry, _number(group, _NUMBER_LIMIT))

    def grouped(self, entry: Entry, group: int) -> Entry:
        members = self.groups.setdefault(group, [])
        entry = entry._replace(link_group=group)
        if entry.kind == FOLDER:
            raise ValueError("a folder in a link group")
        if not members and group != len(self.groups):
            raise ValueError("link groups out of order")
        if members and members[0]._replace(path=entry.path) != entry:
            raise ValueError("names of one file that differ")
        if len(members) < 2:
            members.append(entry)
        return entry


def _number(text: bytes, limit: int, least: int = 0) -> int:
    if not text.isdigit() or len(text) > 19 or (text[0] == 48 and len(text) > 1):
        raise ValueError("a bad number")
    number = int(text)
    if not least <= number < limit:
        raise ValueError("a number out of range")
    return number


def _mode(text: bytes) -> int:
    mode = int(text, 8) if text.isdigit() and len(text) <= 4 else -1
    if b"%o" % mode != text:
        raise ValueError("a bad mode")
    return mode


def _digest(text: bytes) -> bytes:
    if len(text) != 64 or text.lower() != text:
        raise ValueError("a bad digest")
    return unhexlify(text)
