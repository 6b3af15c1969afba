"""Reading many files of a tree at once: the hash of their content, and of their extended attributes where asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jvs_core.errors import UnsupportedFile
from jvs_core.faults import DENIED
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.content import Changed, State, hash_fd, open_regular, same
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.tree.stat_comparison import place
from jvs_core.payload.work.batches import cut
from jvs_core.payload.work.threads import each
from jvs_core.progress import SILENT, Progress

_ASKED_FOR = 1 << 20


class Wanted(NamedTuple):
    """A regular file to read, as a scan saw it; what has no stamp is never found unsteady."""

    path: bytes
    stamp: State | None
    size: int
    mtime_ns: int


class Hashed(NamedTuple):
    """What was read of a file, and whether it was all the while as it had been seen. ``closed``: it may not be read."""

    sha256: bytes
    xattrs: bytes
    steady: bool
    closed: bool = False


@dataclass(frozen=True)
class HashJob:
    """Reads batches of files below ``root``; None stands for a name that no regular file has any more.

    With ``exact`` nor has it another file than the one seen. With ``flush`` each is fsynced first, which also brings out
    what another program has written to it so far. Raises EngineFailed, with the path.
    """

    root: bytes
    exact: bool = False
    xattrs: bool = False
    flush: bool = False

    @contextmanager
    def open(self) -> Iterator[Callable[[list[Wanted]], list[Hashed | None]]]:
        """Open the tree; yield the function that reads a batch."""
        with Folders(self.root) as folders:
            yield lambda batch: self.read(folders, batch)

    def read(self, folders: Folders, batch: list[Wanted]) -> list[Hashed | None]:
        """Read a batch of files, at most some hundred.

        All are opened and asked for before the first is read, so that the device has many requests at a time.
        """
        opened: list[tuple[int, int] | Hashed | None] = []
        try:
            for wanted in batch:
                asked = self._ask_for(folders, wanted)
                opened.append(asked)
            return [
                asked if asked is None or isinstance(asked, Hashed) else self._read(*asked, wanted)
                for asked, wanted in zip(opened, batch, strict=True)
            ]
        finally:
            for asked in opened:
                if asked is not None and not isinstance(asked, Hashed):
                    os.close(asked[0])

    def _ask_for(self, folders: Folders, wanted: Wanted) -> tuple[int, int] | Hashed | None:
        """Return a file's descriptor, and its size."""
        try:
            if self.exact:
                folder, name = place(folders, wanted.path)
                fd, st = open_regular(name, folder, wanted.stamp[:2] if wanted.stamp else None)
            else:
                above, name = split(wanted.path)
                fd, st = open_regular(name, folders.at(above))
        except Changed:
            return None
        except OSError as error:
            if error.errno in GONE:
                return None
            if error.errno in DENIED:
                return Hashed(b"", b"", steady=False, closed=True)
            raise translate(error, wanted.path, reading=True) from error
        with suppress(OSError):  # advice only
            os.posix_fadvise(fd, 0, min(wanted.size, _ASKED_FOR), os.POSIX_FADV_WILLNEED)
        return fd, wanted.size if self.exact else st.st_size

    def _read(self, fd: int, size: int, wanted: Wanted) -> Hashed:
        try:
            if self.flush:
                os.fsync(fd)
            sha256 = hash_fd(fd, size)
            xattrs = attributes.digest(attributes.read_xattrs(fd)) if self.xattrs else b""
            stamp = wanted.stamp
            steady = stamp is None or same(os.fstat(fd), stamp, wanted.size, wanted.mtime_ns)
            return Hashed(sha256, xattrs, steady)
        except OSError as error:
            raise translate(error, wanted.path, reading=True) from error


def hash_files(
    root: Path,
    entries: Sequence[Entry],
    stamps: Sequence[Stamp] | None = None,
    *,
    exact: bool = False,
    xattrs: bool = False,
    flush: bool = False,
    threads: int = 0,
    progress: Progress = SILENT,
) -> list[Hashed | None]:
    """Read the regular files ``entries`` below ``root``; return what they hold, parallel to them, None for what is gone.

    ``stamps``, parallel and of the scan that saw them, have names of one inode read once, and say what is steady;
    without them everything is that. See ``HashJob`` for ``exact``, ``xattrs`` and ``flush``. With ``threads`` it works in
    that many of them, for file systems where every call waits; else in several processes where there is enough to do.

    Raises UnsupportedFile, naming all files that the caller may not read; EngineFailed for any other reason why one was
    not read.
    """
    chosen: list[Wanted] = []
    first: dict[State | int, int] = {}
    places: list[int] = []
    for position, entry in enumerate(entries):
        stamp: State | None = None if stamps is None else stamps[position]
        number = first.setdefault(stamp or position, len(chosen))
        places.append(number)
        if number == len(chosen):
            chosen.append(Wanted(entry.path, stamp, entry.size, entry.mtime_ns))
    job = HashJob(os.path.abspath(os.fsencode(root)), exact and stamps is not None, xattrs, flush)
    progress.started("hash", len(chosen))
    found = _in_threads(job, chosen, threads) if threads else _in_processes(job, chosen, progress)
    progress.finished("hash")
    closed = [wanted.path for wanted, hashed in zip(chosen, found, strict=True) if hashed and hashed.closed]
    if closed:
        raise UnsupportedFile(
            f"cannot read {listed(closed)}", hint="make them readable, or move them away", paths=closed
        )
    return [found[number] for number in places]


def _in_threads(job: HashJob, chosen: list[Wanted], threads: int) -> list[Hashed | None]:
    @contextmanager
    def opened() -> Iterator[Callable[[Wanted], Hashed | None]]:
        with Folders(job.root) as folders:
            yield lambda wanted: job.read(folders, [wanted])[0]

    return each(chosen, opened, threads)


def _in_processes(job: HashJob, chosen: list[Wanted], progress: Progress) -> list[Hashed | None]:
    from jvs_core.payload.work import pool

    results: dict[bytes, Hashed | None] = {}
    sizes = [wanted.size for wanted in chosen]

    def done(batch: list[Wanted], answer: list[Hashed | None]) -> None:
        results.update((wanted.path, hashed) for wanted, hashed in zip(batch, answer, strict=True))
        progress.advanced(len(batch))

    batches = ([chosen[number] for number in part] for part in cut(sizes))
    pool.run(job, batches, count=pool.processes(len(chosen), sum(sizes)), done=done)
    return [results[wanted.path] for wanted in chosen]
