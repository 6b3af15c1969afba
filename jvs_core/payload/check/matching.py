"""Comparing the lines of a manifest with what lies in a payload, many lines at a time."""

from __future__ import annotations

import os
import stat
import struct
from binascii import unhexlify
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from jvs_core.errors import JvsError, PartialSnapshot
from jvs_core.payload.check.evidence import FoundInPart, Part
from jvs_core.payload.manifest.lines import encode, encode_file, record, unescape
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree import content as transfer
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry, is_repository, printable
from jvs_core.payload.tree.faults import EXHAUSTED, GONE, translate
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.sealing import is_kept
from jvs_core.payload.tree.stat_comparison import place
from jvs_core.payload.tree.walk import KINDS

AT_ONCE = 1 << 20
_AGAIN = 3
_INODE = struct.Struct("<QQq")
_UNSTEADY = -(2**63)  # a time of change that no file has


@dataclass(frozen=True)
class MatchJob:
    """Compares parts of a manifest with the payload ``root``."""

    root: bytes

    @contextmanager
    def open(self) -> Iterator[Callable[[Part], FoundInPart]]:
        """Open the payload; yield the function that compares a part with it."""
        try:
            folders = Folders(self.root)
        except OSError as error:
            closed = FoundInPart(closed=unopened(error, self.root))
            yield lambda part: closed
            return
        with folders:
            yield lambda part: _Match(folders, part).run()


def unopened(error: OSError, root: bytes) -> JvsError:
    """Return the error for a payload ``root`` that cannot be opened: PartialSnapshot only where it is not there.

    Every other error is EngineFailed or UnsupportedFile, which says nothing about the payload.
    """
    if error.errno in GONE:
        return PartialSnapshot(f"the payload {printable(root)} is missing", path=printable(root))
    failure = translate(error, root, reading=True)
    if error.errno in EXHAUSTED:
        raise failure from error
    return failure


class _Match:
    """One part, compared with the payload line by line.

    All files to read are opened, and the kernel told to read ahead, before the first is read: the device gets many
    requests at a time.
    """

    def __init__(self, folders: Folders, part: Part) -> None:
        self.folders = folders
        self.reading = part.reading
        self.share = part.share
        self.start = part.start
        self.lines = part.text.split(b"\n")
        self.found = FoundInPart(inodes=[b""] * len(self.lines))
        self.opened: list[tuple[int, int, os.stat_result, bytes, bytes]] = []

    def run(self) -> FoundInPart:
        """Return what was found."""
        try:
            self.look()
            for opened in self.opened:
                self.read(*opened)
        except (ValueError, struct.error):
            return FoundInPart(malformed=True)
        finally:
            for _, fd, *_ in self.opened:
                os.close(fd)
        return self.found

    def look(self) -> None:
        found, records = self.found, []
        last: bytes | None = None
        first = b""
        for position, line in enumerate(self.lines, self.start):
            kind, mode, _, _, size, _, group, _, sha, raw, *more = line.split(b"\t")
            if raw == b".":
                path = b""
            else:
                path = unescape(raw) if b"\\" in raw else raw
                folder, _, name = path.rpartition(b"/")
                if name in (b"", b".", b"..") or path[0] == 47:
                    raise ValueError("a bad name")
                found.children[folder] = found.children.get(folder, 0) + 1
                target = unescape(more[0]) if more else b""
                content = unhexlify(sha) if sha != b"-" else b""
                records.append(record(path, kind, int(mode, 8), int(size), target, content))
            if last is None:
                first = path
            elif path <= last:
                raise ValueError("out of order")
            last = path
            if group != b"0":
                found.groups[position] = number = int(group)
                if b"%d" % number != group:
                    raise ValueError("a bad number")
            if kind == b"f":
                if more:
                    raise ValueError("a file of ten fields was expected")
                found.files += 1
                self.file(position, line, group, sha, raw, path)
            else:
                if kind == b"d":
                    if group != b"0" or is_repository(path, FOLDER):
                        raise ValueError("a folder in a link group, or a repository")
                    found.listed[path] = -1
                self.other(position, line, int(group), path)
        found.files -= len(found.unread)
        found.records = b"".join(records)
        found.paths = first, last or b""

    def file(self, position: int, line: bytes, group: bytes, sha: bytes, raw: bytes, path: bytes) -> None:
        """Open the file of ``line`` to be read at once, or leave it unread; one that is not in the share is looked at.

        Where a folder above it became a link, this is another file; then the line of that folder differs.
        """
        if self.share is not None and not self.share.has(sha):
            self.glance(position, line, group, raw, path)
            return
        try:
            folder, name = place(self.folders, path)
            if self.reading == "shared":
                st = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(st.st_mode) and not self.now(st, group):
                    self.defer(position, st)
                    return
            fd, st = transfer.open_regular(name, folder)
        except (transfer.Changed, FileNotFoundError):
            self.other(position, line, int(group), path)
            return
        except OSError as error:
            self.fail(position, path, error)
            return
        if not self.now(st, group):
            os.close(fd)
            self.defer(position, st)
            return
        with suppress(OSError):  # advice only
            os.posix_fadvise(fd, 0, min(st.st_size, AT_ONCE), os.POSIX_FADV_WILLNEED)
        self.opened.append((position, fd, st, group, raw))

    def glance(self, position: int, line: bytes, group: bytes, raw: bytes, path: bytes) -> None:
        """Compare a file with its line without reading it; what only its content says is taken from the line.

        Whether another name of it was read is not known by this, so that it is named as one that nobody read.
        """
        try:
            folder, name = place(self.folders, path)
            st = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            self.other(position, line, int(group), path)
            return
        except OSError as error:
            self.fail(position, path, error)
            return
        if not stat.S_ISREG(st.st_mode):
            self.other(position, line, int(group), path)
            return
        _, octal, _, _, size, _, _, xattrs, sha, _ = line.split(b"\t")
        kept, mode = int(octal, 8), st.st_mode & 0o7777
        made = encode_file(
            st,
            kept if is_kept(FILE, mode, kept) else mode,
            group,
            b"" if xattrs == b"-" else unhexlify(xattrs),
            unhexlify(sha) if size == b"%d" % st.st_size else b"",
            raw,
        )
        if made != line:
            self.found.other[position] = made
        if st.st_nlink > 1:
            self.name(position, st, _UNSTEADY)
        self.found.left += 1

    def now(self, st: os.stat_result, group: bytes) -> bool:
        if self.reading == "all":
            return True
        return st.st_size <= AT_ONCE and (st.st_nlink == 1 or (self.reading == "first" and group == b"0"))

    def defer(self, position: int, st: os.stat_result) -> None:
        self.name(position, st, st.st_ctime_ns)
        self.found.unread.append(position)

    def name(self, position: int, st: os.stat_result, ctime_ns: int) -> None:
        self.found.inodes[position - self.start] = _INODE.pack(st.st_dev, st.st_ino, ctime_ns)

    def read(self, position: int, fd: int, before: os.stat_result, group: bytes, raw: bytes) -> None:
        """Read an open file, again if it changes, and compare it with its line; one of another size is not read."""
        line = self.lines[position - self.start]
        _, octal, _, _, size, _ = line.split(b"\t", 5)
        kept = int(octal, 8)
        if size != b"%d" % before.st_size:
            self.found.other[position] = encode_file(before, before.st_mode & 0o7777, group, b"", b"", raw)
            if before.st_nlink > 1:
                self.name(position, before, _UNSTEADY)
            return
        for _ in range(_AGAIN):
            try:
                sha256 = transfer.hash_fd(fd, before.st_size)
                xattrs = attributes.digest(attributes.with_mode(attributes.read_xattrs(fd), kept))
                st = os.fstat(fd)
            except OSError as error:
                self.fail(position, unescape(raw), error)
                return
            mode = st.st_mode & 0o7777
            made = encode_file(st, kept if is_kept(FILE, mode, kept) else mode, group, xattrs, sha256, raw)
            steady = st.st_ctime_ns == before.st_ctime_ns
            if made == line or steady:
                break
            before = st  # a snapshot that is being taken links files
        if made != line:
            self.found.other[position] = made
        if st.st_nlink > 1:
            self.name(position, st, st.st_ctime_ns if steady else _UNSTEADY)

    def other(self, position: int, line: bytes, group: int, path: bytes) -> None:
        """Compare an entry that is no regular file, or is none any more, with its line."""
        try:
            entry = self.entry(position, path)
        except OSError as error:
            if error.errno not in GONE:
                self.fail(position, path, error)
                return
            entry = None
        made = None if entry is None else encode([entry._replace(link_group=group)])[0]
        if made != line:
            self.found.other[position] = made

    def fail(self, position: int, path: bytes, error: OSError) -> None:
        failure = translate(error, path, reading=True)
        if error.errno in EXHAUSTED:  # says nothing about the file
            raise failure from error
        self.found.failures[position] = failure

    def entry(self, position: int, path: bytes) -> Entry | None:
        """Return the entry at ``path``; None for a socket or device, which no snapshot keeps."""
        folder, name = place(self.folders, path) if path else (self.folders.top, b".")
        st = os.stat(name, dir_fd=folder, follow_symlinks=False)
        kind = KINDS.get(stat.S_IFMT(st.st_mode))
        if kind is None:
            return None
        entry = Entry(path, kind, st.st_mode & 0o7777, st.st_uid, st.st_gid, 0, st.st_mtime_ns)
        if kind == FOLDER:
            fd = self.folders.at(path)
            self.found.listed[path] = len(os.listdir(fd))
            return entry._replace(xattrs=attributes.digest(attributes.read_xattrs(fd)))
        if st.st_nlink > 1:
            self.name(position, st, _UNSTEADY)
        if kind == SYMLINK:
            return entry._replace(target=os.readlink(name, dir_fd=folder))
        if kind == FIFO:
            where = attributes.below(folder, name)
            return entry._replace(xattrs=attributes.digest(attributes.read_xattrs(where)))
        return entry._replace(
            size=st.st_size
        )  # a file in the place of something else: its content does not matter
