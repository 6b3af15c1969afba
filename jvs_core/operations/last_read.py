"""When the contents of each snapshot were last read by ``verify`` and found sound, share by share.

It is an SQLite file in the caller's cache folder, where nobody else can plant anything, and decides nothing: what ``verify``
says of a snapshot comes from reading it. Losing the file costs that one is told "never", and that shares come round anew.

Copies of a repository have its identity and its snapshots, but files of their own, which nobody read: a copy on a backup disk,
or what was put back from there. So each has a memory of its own, known by the inode of its ``repo_id`` and when that was
made: the file is never written again, and no copy can have its ``ctime``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from jvs_core import clock
from jvs_core.control import identity
from jvs_core.operations.context import Context
from jvs_core.payload.check.evidence import Share

_SCHEMA = 1
_BUSY_S = 5.0
_TABLES = f"""
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS runs;
DROP TABLE IF EXISTS reads;
CREATE TABLE runs (parts INTEGER, part INTEGER, number INTEGER, PRIMARY KEY (parts, part)) WITHOUT ROWID;
CREATE TABLE reads (snapshot TEXT, parts INTEGER, part INTEGER, at TEXT,
    PRIMARY KEY (snapshot, parts, part)) WITHOUT ROWID;
PRAGMA user_version={_SCHEMA};
COMMIT;
"""


@dataclass(frozen=True)
class LastRead:
    """When each share of each snapshot was last read; a share ``1/1`` is all of it."""

    at: dict[tuple[str, int, int], str]

    def of_share(self, snapshot_id: str, share: Share) -> str | None:
        """Return when a share of a snapshot was last read, alone or with all of it."""
        keys = ((snapshot_id, share.of, share.number), (snapshot_id, 1, 1))
        return max((self.at[key] for key in keys if key in self.at), default=None)

    def whole(self, snapshot_id: str, of: int) -> str | None:
        """Return since when all of a snapshot has been read, at once or in ``of`` shares; None where a share was not."""
        found = [self.of_share(snapshot_id, Share(number, of)) for number in range(1, of + 1)]
        return None if None in found else min(each for each in found if each is not None)


def next_share(ctx: Context, of: int) -> Share:
    """Return the share that was read longest ago by order of runs, the first one that never was."""
    try:
        with _opened(ctx) as database:
            rows = database.execute(
                "SELECT part, number FROM runs WHERE parts = ? AND typeof(number) = 'integer'", (of,)
            ).fetchall()
    except (sqlite3.Error, OSError):
        rows = []
    last = dict(rows)
    return Share(min(range(1, of + 1), key=lambda part: (last.get(part, -1), part)), of)


def remember(ctx: Context, share: Share, snapshots: Collection[str], there: Collection[str]) -> bool:
    """Remember that a share of these snapshots was read now, and forget all of snapshots that are not ``there``, or not sound.

    Return whether that was possible.
    """
    now = clock.timestamp()
    try:
        with _opened(ctx) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "INSERT OR REPLACE INTO runs SELECT ?, ?, COALESCE(MAX(number), 0) + 1 FROM runs",
                (share.of, share.number),
            )
            database.executemany(
                "INSERT OR REPLACE INTO reads VALUES (?, ?, ?, ?)",
                ((each, share.of, share.number, now) for each in snapshots),
            )
            known = {row[0] for row in database.execute("SELECT DISTINCT snapshot FROM reads")}
            gone = known.difference(there)
            database.executemany("DELETE FROM reads WHERE snapshot = ?", ((each,) for each in gone))
            database.execute("COMMIT")
    except (sqlite3.Error, OSError):
        return False
    return True


def read(ctx: Context, of: int) -> LastRead:
    """Return what is remembered of shares of ``of``, and of whole snapshots; nothing where it cannot be read."""
    try:
        with _opened(ctx) as database:
            rows = database.execute(
                "SELECT snapshot, parts, part, at FROM reads WHERE parts IN (1, ?) AND typeof(at) = 'text'",
                (of,),
            ).fetchall()
    except (sqlite3.Error, OSError):
        rows = []
    return LastRead({(snapshot, parts, part): at for snapshot, parts, part, at in rows})


@contextmanager
def _opened(ctx: Context) -> Iterator[sqlite3.Connection]:
    """Open the file; a damaged one is made again."""
    copy = os.lstat(identity.place(ctx.layout))
    name = f"{ctx.repo_id}.{copy.st_ino:x}.{copy.st_ctime_ns:x}.sqlite"
    path = ctx.settings.cache_dir / "verified" / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for attempt in range(2):
        database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            (schema,) = database.execute("PRAGMA user_version").fetchone()
            if schema != _SCHEMA:
                database.executescript(_TABLES)
            break
        except sqlite3.OperationalError:
            database.close()
            raise
        except sqlite3.DatabaseError:
            database.close()
            if attempt:
                raise
            path.unlink(missing_ok=True)
    with closing(database):
        yield database
