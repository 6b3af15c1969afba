"""Reading a manifest; a line that JVS could not have written is refused."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from jvs_core.errors import DescriptorCorrupt, PartialSnapshot
from jvs_core.payload.manifest.lines import unescape
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry, is_repository
from jvs_core.payload.tree.packed import held
from jvs_core.wording import counted

_NUMBER_LIMIT = 2**63
_TIME_LIMIT = 2**63 * 10**9  # seconds of 64 bits, in nanoseconds
_OWNER_LIMIT = 2**32


class Parser:
    """One reading of one manifest: line by line, refusing what is not canonical."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: dict[bytes, int] = {}
        self.modes: dict[bytes, int] = {}
        self.folders: set[bytes] = {b""}
        self.groups: dict[int, list[Entry]] = {}
        self.line = b""
        self.count = 0

    def read(self, file: IO[bytes], header: bytes) -> Sequence[Entry]:
        """Return the entries. Raises PartialSnapshot, DescriptorCorrupt."""
        if file.readline() != header:
            raise DescriptorCorrupt(
                f"{self.path}, line 1: not a manifest of format 1", path=str(self.path), line=1
            )
        try:
            entries = held(self.entries(file))
            self.close(entries, self.line, file.read(1))
        except (ValueError, IndexError) as error:
            number = self.count + 2
            if not self.line.endswith(b"\n"):
                raise PartialSnapshot(
                    f"{self.path} ends in the middle of line {number}", path=str(self.path)
                ) from error
            raise DescriptorCorrupt(
                f"{self.path}, line {number}: {error}", path=str(self.path), line=number
            ) from error
        return entries

    def entries(self, file: IO[bytes]) -> Iterator[Entry]:
        """Yield the entries up to the closing line. At its end, ``line`` is the last one read, ``count`` those before it."""
        parse = self.parse
        last = line = b""
        count = 0
        try:
            for line in file:
                if line.startswith(b"end "):
                    return
                entry = parse(line)
                if entry.path <= last and count:
                    raise ValueError("out of order")
                last = entry.path
                yield entry
                count += 1
        finally:
            self.line, self.count = line, count
        raise PartialSnapshot(
            f"{self.path} ends after {counted(count, 'entry', 'entries')}, without its closing line",
            path=str(self.path),
        )

    def close(self, entries: Sequence[Entry], line: bytes, following: bytes) -> None:
        """Check the closing ``line``, and that nothing follows it."""
        if line != b"end %d\n" % len(entries):
            raise ValueError(
                f"{counted(len(entries), 'entry was', 'entries were')} read, but the closing line has another number"
            )
        if following:
            raise ValueError("something follows the closing line")
        if not entries or entries[0].path or entries[0].kind != FOLDER:
            raise ValueError("the top folder is missing")
        if any(len(members) < 2 for members in self.groups.values()):
            raise ValueError("a link group with one name")

    def inside(self, path: bytes) -> bytes:
        """Return the name at the end of ``path``, whose folder must be listed before it."""
        folder, inner, name = path.rpartition(b"/")
        if folder not in self.folders or (inner and not folder):
            raise ValueError("its folder is not listed")
        return name

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
            mtime_ns = -_number(mtime[1:], _TIME_LIMIT + 1, 1) if mtime[:1] == b"-" else _number(mtime, 1)
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
                raise ValueError("a content hash for something that is not a regular file")
            content, length, target = b"", 0, b""
            if kind == b"l":
                if len(fields) != 11:
                    raise ValueError("a link without a target")
                name_kind = SYMLINK
                target = unescape(fields[10][:-1])
                if not target or b"\0" in target:
                    raise ValueError("a bad link target")
            elif kind == b"d" or kind == b"p":
                if len(fields) != 10:
                    raise ValueError("too many fields")
                path = path[:-1]
                name_kind = FOLDER if kind == b"d" else FIFO
            else:
                raise ValueError("an unknown kind")
        if mtime_ns >= _TIME_LIMIT:
            raise ValueError("a time out of range")
        if b"\\" in path:
            path = unescape(path)
        if path == b".":
            path = b""
        else:
            name = self.inside(path)
            if name in (b"", b".", b"..") or b"\0" in name:
                raise ValueError("a bad name")
        if name_kind is FOLDER:
            if is_repository(path, FOLDER):
                raise ValueError("a repository, which no snapshot holds")
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
    if not text.isdigit() or len(text) > 28 or (text[0] == 48 and len(text) > 1):
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
