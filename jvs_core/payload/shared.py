"""Reading the files of many snapshots, each inode once: snapshots share by hard links what did not change."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from jvs_core.payload import pool, reading
from jvs_core.payload.entry import FILE, Entry
from jvs_core.payload.index import Digests
from jvs_core.payload.tree import Scan
from jvs_core.progress import Progress

MOST_REMEMBERED = 4_000_000
_AGAIN = 3
Inode = tuple[int, int]


class SharedFiles:
    """The digests of the files read so far, kept while another snapshot may hold the same file.

    A file in two consecutive snapshots is remembered for the next one; one that the later of them lacks is kept too,
    for another worktree's snapshots, until there are ``MOST_REMEMBERED``; then the longest unseen are dropped, which
    costs reading them again and nothing else. ``threads`` and ``waiting`` as for ``reading.read``; in any case others
    read, and this process has time for the next snapshot.
    """

    def __init__(
        self, *, threads: int = 0, waiting: pool.Standby | None = None, most: int | None = None
    ) -> None:
        self._threads = threads
        self._waiting = waiting
        self._most = MOST_REMEMBERED if most is None else most
        self._known: dict[Inode, _Known] = {}

    def read(self, found: Scan, progress: Progress) -> list[Entry]:
        """Return the entries of ``found`` with the digests of their files, every file not known yet read now.

        Reports the step ``verify``, in files. Raises UnsupportedFile.
        """
        files = [position for position, entry in enumerate(found.entries) if entry.kind == FILE]
        progress.started("verify", len(files))
        digests: list[Digests | None] = [None] * len(found.entries)
        unread = []
        known, stamps = self._known, found.stamps
        for position in files:
            dev, ino, ctime_ns = stamps[position]
            seen = known.get((dev, ino))
            if seen is not None and seen[0] == ctime_ns:
                digests[position] = seen[1]
            else:
                unread.append(position)
        progress.advanced(len(files) - len(unread))
        for position, digest in zip(unread, self._read(found, unread, progress), strict=True):
            digests[position] = digest
        # While nothing is soon to be dropped it matters little which was seen last.
        for position in files if 2 * len(known) > self._most else unread:
            self._remember(found, position, digests[position])
        self._forget_oldest()
        progress.finished("verify")
        return reading.filled(found, digests)

    def _read(self, found: Scan, unread: list[int], progress: Progress) -> list[Digests | None]:
        digests = reading.read(
            found, unread, threads=self._threads, progress=progress, waiting=self._waiting, here=False
        )
        for _ in range(_AGAIN):
            moved = [place for place, digest in enumerate(digests) if digest is None]
            if not moved:
                break
            positions = [unread[place] for place in moved]  # a snapshot that is being taken links files
            fresh = reading.restamped(found, positions)
            for place, digest in zip(
                moved, reading.read(fresh, positions, threads=self._threads), strict=True
            ):
                digests[place] = digest
        return digests

    def _remember(self, found: Scan, position: int, digests: Digests | None) -> None:
        dev, ino, ctime_ns = found.stamps[position]
        self._known.pop((dev, ino), None)  # the newest stand last
        if digests is not None:
            self._known[dev, ino] = _Known(ctime_ns, digests)

    def _forget_oldest(self) -> None:
        for inode in list(islice(self._known, max(0, len(self._known) - self._most))):
            del self._known[inode]


class _Known(NamedTuple):
    ctime_ns: int
    digests: Digests
