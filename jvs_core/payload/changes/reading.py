"""Reading content hashes and extended attributes of files, without copying them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from jvs_core.payload.changes.index import Digests, Recalled
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.content import Changed, hash_fd, open_regular, same
from jvs_core.payload.tree.entry import FIFO, FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.stat_comparison import place
from jvs_core.payload.tree.walk import Scan, Stamp
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.payload.work.threads import each
from jvs_core.progress import SILENT, Progress

_ASKED_FOR = 1 << 20


class Wanted(NamedTuple):
    """A regular file to read, as a scan saw it."""

    path: bytes
    stamp: tuple[int, int, int]
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class ReadJob:
    """Reads batches of files below ``root``; None stands for a file that was not, or not for long, as scanned.

    With ``flush`` each is fsynced first, which also brings out what another program has written to it so far.
    """

    root: bytes
    flush: bool = False

    @contextmanager
    def open(self) -> Iterator[Callable[[list[Wanted]], list[Digests | None]]]:
        """Open the tree; yield the function that reads a batch."""
        with Folders(self.root) as folders:
            yield lambda batch: self.read(folders, batch)

    def read(self, folders: Folders, batch: list[Wanted]) -> list[Digests | None]:
        """Return the digests of a batch of files, at most some hundred.

        All are opened and asked for before the first is read, so that the device has many requests at a time.
        """
        opened: list[int | None] = []
        try:
            for wanted in batch:
                fd = self._ask_for(folders, wanted)
                opened.append(fd)
            return [
                None if fd is None else self._read(fd, wanted)
                for fd, wanted in zip(opened, batch, strict=True)
            ]
        finally:
            for fd in opened:
                if fd is not None:
                    os.close(fd)

    def _ask_for(self, folders: Folders, wanted: Wanted) -> int | None:
        try:
            folder, name = place(folders, wanted.path)
            fd, _ = open_regular(name, folder, wanted.stamp[:2])
        except (Changed, FileNotFoundError):
            return None
        except OSError as error:
            raise translate(error, wanted.path, reading=True) from error
        with suppress(OSError):  # advice only
            os.posix_fadvise(fd, 0, min(wanted.size, _ASKED_FOR), os.POSIX_FADV_WILLNEED)
        return fd

    def _read(self, fd: int, wanted: Wanted) -> Digests | None:
        try:
            if self.flush:
                os.fsync(fd)
            sha256 = hash_fd(fd, wanted.size)
            xattrs = attributes.digest(attributes.read_xattrs(fd))
            steady = same(os.fstat(fd), Stamp(*wanted.stamp), wanted.size, wanted.mtime_ns)
            return Digests(sha256, xattrs) if steady else None
        except OSError as error:
            raise translate(error, wanted.path, reading=True) from error


def read(
    scan: Scan,
    positions: Sequence[int],
    *,
    threads: int = 0,
    flush: bool = False,
    progress: Progress = SILENT,
) -> list[Digests | None]:
    """Return the digests of the files at ``positions`` of ``scan``; None where a file changed since.

    Names of one inode are read once. With ``threads`` it works in that many of them, for file systems where every
    call waits; else in several processes where there is enough to do, which report how many files are done.
    Raises UnsupportedFile, with the path.
    """
    first: dict[tuple[int, int], int] = {}
    for position in positions:
        first.setdefault(scan.stamps[position][:2], position)
    chosen = [_wanted(scan, position) for position in first.values()]
    job = ReadJob(os.fsencode(os.path.abspath(scan.root)), flush)
    progress.advanced(len(positions) - len(chosen))
    found = _in_threads(job, chosen, threads) if threads else _in_processes(job, chosen, progress)
    by_inode = dict(zip(first, found, strict=True))
    return [by_inode[scan.stamps[position][:2]] for position in positions]


def _wanted(scan: Scan, position: int) -> Wanted:
    entry = scan.entries[position]
    stamp = scan.stamps[position]
    return Wanted(entry.path, (stamp.dev, stamp.ino, stamp.ctime_ns), entry.size, entry.mtime_ns)


def _in_threads(job: ReadJob, chosen: list[Wanted], threads: int) -> list[Digests | None]:
    @contextmanager
    def opened() -> Iterator[Callable[[Wanted], Digests | None]]:
        with Folders(job.root) as folders:
            yield lambda wanted: job.read(folders, [wanted])[0]

    return each(chosen, opened, threads)


def _in_processes(job: ReadJob, chosen: list[Wanted], progress: Progress) -> list[Digests | None]:
    results: dict[bytes, Digests | None] = {}

    def keep(batch: list[Wanted], answer: list[Digests | None]) -> None:
        results.update((wanted.path, digests) for wanted, digests in zip(batch, answer, strict=True))
        progress.advanced(len(batch))

    count = pool.processes(len(chosen), sum(wanted.size for wanted in chosen))
    batches = ([chosen[place] for place in places] for places in cut([wanted.size for wanted in chosen]))
    pool.run(job, batches, count=count, done=keep)
    return [results[wanted.path] for wanted in chosen]


def filled(scan: Scan, digests: Sequence[Digests | None], *, threads: int = 1) -> list[Entry]:
    """Return the entries of ``scan`` with the digests of its files (parallel), and the xattrs of all else read now."""
    others = [entry.path for entry in scan.entries if entry.kind in (FOLDER, FIFO)]

    @contextmanager
    def opened() -> Iterator[Callable[[bytes], bytes]]:
        with Folders(scan.root) as folders:
            yield lambda path: _xattrs_at(folders, path)

    xattrs = dict(zip(others, each(others, opened, threads), strict=True))
    entries = []
    for entry, known in zip(scan.entries, digests, strict=True):
        if known is not None:
            entries.append(tuple.__new__(Entry, (*entry[:9], known.xattrs or b"", known.sha256)))
        elif digest := xattrs.get(entry.path):
            entries.append(entry._replace(xattrs=digest))
        else:
            entries.append(entry)
    return entries


def attributes_of(root: Path, entries: Sequence[Entry], *, threads: int) -> list[bytes]:
    """Return the digests of the extended attributes that ``entries`` have now in ``root``, in ``threads`` threads."""

    @contextmanager
    def opened() -> Iterator[Callable[[Entry], bytes]]:
        with Folders(root) as folders:
            yield lambda entry: b"" if entry.kind == SYMLINK else _xattrs_at(folders, entry.path)

    with Folders(root) as folders:
        if not attributes.supported(folders.top):
            return [b""] * len(entries)
    return each(entries, opened, threads)


def attributes_now(scan: Scan, recalled: Recalled, *, threads: int) -> Recalled:
    """Return ``recalled`` with the extended attributes of the files that it knows but for them, read now."""
    wanted = [p for p, known in enumerate(recalled.digests) if known is not None and known.xattrs is None]
    if not wanted:
        return recalled
    digests = list(recalled.digests)
    found = attributes_of(scan.root, [scan.entries[position] for position in wanted], threads=threads)
    for position, xattrs in zip(wanted, found, strict=True):
        known = digests[position]
        assert known is not None
        digests[position] = Digests(known.sha256, xattrs)
    return replace(recalled, digests=digests)


def _xattrs_at(folders: Folders, path: bytes) -> bytes:
    try:
        if not path:
            return attributes.digest(attributes.read_xattrs(folders.top))
        return attributes.digest(attributes.read_xattrs(attributes.below(*place(folders, path))))
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise translate(error, path, reading=True) from error
