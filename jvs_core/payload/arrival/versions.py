"""Making the next version of a file out of the earlier one: what did not change in it goes on sharing blocks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jvs_core.payload.arrival.stock import Base, Stock
from jvs_core.payload.arrival.ways import Way
from jvs_core.payload.copy.transfer import Outcome
from jvs_core.payload.tree import attributes, content
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.sealing import sealed

_WORTH_BYTES = 1 << 20
"""Smaller files are copied, where that is not done in place anyway."""
_CHUNK = 1 << 20
_BLOCK = 4096


def large(
    entries: Sequence[Entry], positions: Sequence[int], base: Base | None, stock: Stock, way: Way
) -> dict[int, Entry]:
    """Return the files at ``positions`` of which blocks can be shared with an earlier version in ``base``, and that one."""
    if base is None or way.method == "copy":
        return {}
    wanted = {
        entries[position].path: position
        for position in positions
        if entries[position].kind == FILE
        and entries[position].size >= _WORTH_BYTES
        and entries[position].sha256 not in stock.contents
    }
    return {
        wanted[entry.path]: entry
        for entry in (base.entries if wanted else ())
        if entry.path in wanted and entry.kind == FILE and entry.size >= _WORTH_BYTES
    }


@dataclass(frozen=True)
class Versions:
    """Makes files next versions of ``others``, which they were, in place, or with ``fresh`` of clones of them.

    ``wanted`` are all entries of the payload, and the keys of ``others`` are positions in it.
    """

    wanted: Sequence[Entry]
    others: Mapping[int, Entry]
    way: Way
    fresh: bool = False

    @contextmanager
    def open(self, source: Path, target: Path, earlier: Path) -> Iterator[Callable[[int], bytes | Outcome]]:
        """Open the trees; yield the function that makes the file at one position."""
        with Folders(source) as sources, Folders(target) as targets, Folders(earlier) as before:
            yield lambda position: self._one(position, sources, targets, before)

    def _one(self, position: int, sources: Folders, targets: Folders, earlier: Folders) -> bytes | Outcome:
        entry, before = self.wanted[position], self.others[position]
        folder, name = split(entry.path)
        try:
            opened, _ = content.open_regular(name, sources.at(folder))
        except (content.Changed, FileNotFoundError, NotADirectoryError):
            return Outcome(gone=True)
        except OSError as error:
            raise translate(error, entry.path, reading=True) from error
        try:
            here = targets.at(folder)
            if self.fresh:
                old, st = content.open_regular(name, earlier.at(folder))
                try:
                    made = os.open(name, content.MAKE_FLAGS, 0o600, dir_fd=here)
                    content.clone(old, st, made)
                finally:
                    os.close(old)
            else:
                os.chmod(name, 0o600, dir_fd=here)
                made = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            try:
                return _rewrite(entry, before, opened, made, seal=self.way.seal, durable=self.way.durable)
            finally:
                os.close(made)
        except content.Changed:
            return Outcome(gone=True)
        except OSError as error:
            raise translate(error, entry.path) from error
        finally:
            os.close(opened)


def _rewrite(entry: Entry, before: Entry, opened: int, made: int, *, seal: bool, durable: bool) -> Outcome:
    """Make ``made``, a file that is as ``before`` and nobody else's, what ``entry`` says, with the content of ``opened``.

    The digest in the answer is that of the content that it has then. The caller may write to ``made`` whatever its mode.
    """
    digest = before.sha256 if before.sha256 == entry.sha256 else _update(opened, made)
    now = os.fstat(made)
    if (now.st_uid, now.st_gid) != (entry.uid, entry.gid):
        os.fchown(made, entry.uid, entry.gid)
    refused: tuple[str, ...] = ()
    drifted = False
    if entry.xattrs != before.xattrs or entry.xattrs:
        xattrs, drifted = attributes.kept_as(attributes.read_xattrs(opened), entry.mode, entry.xattrs)
        refused = attributes.set_xattrs(made, xattrs, clear=True)
    os.fchmod(made, sealed(entry.mode) if seal else entry.mode)
    os.utime(made, ns=(entry.mtime_ns, entry.mtime_ns))
    if durable:
        os.fsync(made)
    return Outcome(digest, refused=refused, drifted=drifted)


def _update(opened: int, made: int) -> bytes:
    """Write to ``made`` the blocks in which ``opened`` differs; return the digest of what it holds then."""
    state = sha256(usedforsecurity=False)
    end = 0
    while data := os.pread(opened, _CHUNK, end):
        state.update(data)
        if data != os.pread(made, len(data), end):
            _write_differing(data, made, end)
        end += len(data)
    os.ftruncate(made, end)
    content.require_sized(opened)
    return state.digest()


def _write_differing(data: bytes, made: int, offset: int) -> None:
    """Write the runs of blocks of ``data`` that ``made`` has not at ``offset``."""
    old = os.pread(made, len(data), offset)
    start: int | None = None
    for at in range(0, len(data) + _BLOCK, _BLOCK):
        differs = at < len(data) and data[at : at + _BLOCK] != old[at : at + _BLOCK]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            _write_all(made, memoryview(data)[start:at], offset + start)
            start = None


def _write_all(made: int, view: memoryview, offset: int) -> None:
    while view:
        count = os.pwrite(made, view, offset)
        view, offset = view[count:], offset + count
