"""The stat index: content hashes remembered by the state of the inode they were read from.

It saves time and nothing else. Whatever is wrong with it (missing, damaged, locked, not writable) it behaves as an
empty one; only ``verify`` must never use it, since it trusts that a change of content moves ``ctime``. ``writeback``
says when that may be trusted.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from jvs_core.payload.changes.digests import Digests
from jvs_core.payload.changes.packed_digests import Known, duplicate, gathered, unknown
from jvs_core.payload.changes.writeback_time import WritebackTime
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.tree.walk import Scan

if TYPE_CHECKING:
    import sqlite3

SCHEMA = 2
BUSY_SECONDS = 2.0
# Times as they are modulo 2^64: XFS has some after 2262, which 63 bits of nanoseconds cannot say.
_KEY = Struct("<QQQQQ")
_TIME = 2**64 - 1
_CHECK = Struct("<I")
# What the checksum over anything and its own checksum is.
_SOUND = crc32(_CHECK.pack(crc32(b"")))
_UNKNOWN, _KNOWN = 0, 1
# Where in a row the content hash stands: behind the key and the byte that says whether the xattrs are known.
_DIGEST = slice(_KEY.size + 1, _KEY.size + 33)


@dataclass(frozen=True)
class Recalled:
    """The index compared with a scan: ``digests`` parallel to its entries, and paths of the index that are gone."""

    digests: Sequence[Digests | None]
    stale: Sequence[bytes] = ()

    def unknown(self, scan: Scan) -> Sequence[int]:
        """Return the positions of the files of ``scan`` whose content has to be read."""
        return array(
            "Q",
            (
                position
                for position, (entry, known) in enumerate(zip(scan.entries, self.digests, strict=True))
                if known is None and entry.kind == FILE
            ),
        )


class StatIndex:
    """The hashes of one worktree's files, kept in the SQLite file ``path``; with None nothing is kept.

    A hash is filed under (path, dev, ino, size, mtime, ctime). ``learn`` stores only files of which the caller's
    ``WritebackTime``, from before it read them, tells: a later change to any other may leave no trace. Several
    processes may use one file; the last to learn wins.

    The object keeps the last scan and what is known of it, so that looking again within one operation is cheap. It is
    not for two threads at once.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._last: tuple[Scan, Known] | None = None

    @property
    def latest(self) -> Scan | None:
        """The scan that was looked up last, None before the first."""
        return None if self._last is None else self._last[0]

    def recall(self, scan: Scan) -> Recalled:
        """Return what is known of the files of ``scan``.

        On JuiceFS a change of extended attributes moves no ``ctime``, so there they count as never read.
        """
        recalled = self._again(scan) or self._read(scan)
        self._last = (scan, duplicate(recalled.digests))
        if juicefs.mount_at(scan.root) is not None:
            digests = (known and Digests(known.sha256, None) for known in recalled.digests)
            return Recalled(gathered(digests, len(scan.entries)), recalled.stale)
        return recalled

    def _again(self, scan: Scan) -> Recalled | None:
        """Return what is known of the files that are as they were in the last scan; None where that had other paths."""
        if self._last is None or len(self._last[0].entries) != len(scan.entries):
            return None
        last, known = self._last
        if last is scan or (last.entries == scan.entries and last.stamps == scan.stamps):
            return Recalled(known)
        if any(was.path != now.path for was, now in zip(last.entries, scan.entries, strict=True)):
            return None
        files = zip(last.entries, scan.entries, last.stamps, scan.stamps, known, strict=True)
        same = (digests if a == b and s == t else None for a, b, s, t, digests in files)
        return Recalled(gathered(same, len(scan.entries)))

    def _read(self, scan: Scan) -> Recalled:
        found = unknown(len(scan.entries))
        stale: list[bytes] = []
        if self.path is None or not self.path.exists():
            return Recalled(found)
        files = _files(scan.entries, scan.stamps)
        try:
            with _Database(self.path, write=False) as rows:
                position, path, key = next(files, _END)
                for stored, row in rows.execute("SELECT path, row FROM files ORDER BY path"):
                    while path is not None and path < stored:
                        position, path, key = next(files, _END)
                    if path != stored:
                        stale.append(stored)
                    # The file is written without fsync, so after a power cut a page may be half old.
                    elif row.startswith(key) and crc32(row) == _SOUND:
                        xattrs = row[_DIGEST.stop : -4] if row[_KEY.size] == _KNOWN else None
                        found[position] = tuple.__new__(Digests, (row[_DIGEST], xattrs))
        except _failures():
            return Recalled(unknown(len(scan.entries)))
        return Recalled(found, stale)

    def learn(
        self,
        scan: Scan,
        hashed: Iterable[Entry | None],
        recalled: Recalled,
        writeback: WritebackTime,
        *,
        changed: Collection[bytes] = (),
        xattrs_read: bool = True,
    ) -> None:
        """Store the digests that ``hashed`` has and ``recalled`` lacks, both parallel to ``scan``.

        Stale paths are removed. Files that are None, or whose path is in ``changed``, were not as scanned, and are not
        stored. A crash leaves the file as it was or empty.
        """
        if self.path is None or not writeback.now_ns:
            return
        filed = self._last[1] if self._last is not None and self._last[0].stamps is scan.stamps else None
        known_now = recalled.digests if filed is None else filed

        def news() -> Iterator[tuple[bytes, bytes]]:
            for position, (known, entry, stamp) in enumerate(
                zip(known_now, hashed, scan.stamps, strict=True)
            ):
                if (
                    (known is None or (known.xattrs is None and xattrs_read))
                    and entry is not None
                    and entry.sha256
                    and entry.path not in changed
                    and writeback.covers(stamp)
                ):
                    if filed is not None:
                        filed[position] = Digests(entry.sha256, entry.xattrs if xattrs_read else None)
                    for _, path, key in _files((entry,), (stamp,)):
                        yield path, _pack(key, entry, xattrs_read)

        rows = news()
        first = list(islice(rows, 1))
        if not first and not recalled.stale:
            return
        try:
            self._store(chain(first, rows), recalled.stale)
        except _failures() as error:
            if _is_damage(error):
                self.forget()

    def knows_all(self, scan: Scan, *, with_attributes: bool) -> bool:
        """Return whether every file of ``scan``, the last one, is known, so that a later change to any moves its ``ctime``."""
        if self._last is None or self._last[0].stamps is not scan.stamps:
            return False
        return all(
            entry.kind != FILE or (known is not None and not (with_attributes and known.xattrs is None))
            for entry, known in zip(scan.entries, self._last[1], strict=True)
        )

    def forget(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _store(self, rows: Iterable[tuple[bytes, bytes]], stale: Sequence[bytes]) -> None:
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _Database(self.path, write=True) as database:
            database.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in stale))
            database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", rows)
            database.commit()


_END: tuple[int, bytes | None, bytes] = (0, None, b"")


def _files(entries: Sequence[Entry], stamps: Sequence[Stamp]) -> Iterator[tuple[int, bytes, bytes]]:
    pack = _KEY.pack
    for position, (entry, stamp) in enumerate(zip(entries, stamps, strict=True)):
        if entry.kind == FILE:
            yield (
                position,
                entry.path,
                pack(stamp.dev, stamp.ino, entry.size, entry.mtime_ns & _TIME, stamp.ctime_ns & _TIME),
            )


def _pack(key: bytes, entry: Entry, xattrs_read: bool) -> bytes:
    row = key + bytes((_KNOWN if xattrs_read else _UNKNOWN,)) + entry.sha256 + entry.xattrs
    return row + _CHECK.pack(crc32(row))


class _Database:
    """One short connection; creates the table when it writes."""

    def __init__(self, path: Path, *, write: bool) -> None:
        import sqlite3

        self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS if write else 0.2, isolation_level=None)
        try:
            if write:
                self.connection.executescript(
                    "PRAGMA synchronous=OFF; PRAGMA journal_mode=TRUNCATE; BEGIN IMMEDIATE;"
                )
                (schema,) = self.connection.execute("PRAGMA user_version").fetchone()
                if schema != SCHEMA:
                    self.connection.execute("DROP TABLE IF EXISTS files")
                    self.connection.execute(
                        "CREATE TABLE files (path BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID"
                    )
                    self.connection.execute(f"PRAGMA user_version={SCHEMA}")
            else:
                (schema,) = self.connection.execute("PRAGMA user_version").fetchone()
                if schema != SCHEMA:
                    raise sqlite3.DatabaseError("another schema")
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> sqlite3.Connection:
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def _failures() -> tuple[type[Exception], ...]:
    import sqlite3

    return (sqlite3.Error, OSError, TypeError)


def _is_damage(error: Exception) -> bool:
    import sqlite3

    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
