"""The index of changes: which files each snapshot changed since the one before, so that one look-up finds a file in all.

It is an SQLite file in the caller's cache folder, made from manifests and brought up to date before every look-up: it costs
what is new, and what retention or gc took away goes. It saves time and nothing else; without it, or where it is damaged or
cannot be written, it is made again, in memory if need be. Whatever is restored is read from the manifests.

A snapshot is compared with its nearest ancestor whose manifest is there; where that is another one by now, anew.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jvs_core.control import catalog
from jvs_core.control.records import tombstones
from jvs_core.errors import IntegrityError, NotFound
from jvs_core.operations import stored
from jvs_core.operations.context import Context, step
from jvs_core.payload.changes.difference import compare
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.progress import Progress

_SCHEMA = 1
_BUSY_S = 5.0
_BATCH = 100
_TABLES = f"""
PRAGMA synchronous=NORMAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS snapshots (id TEXT PRIMARY KEY, parent TEXT, base TEXT, indexed INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paths (number INTEGER PRIMARY KEY, path BLOB UNIQUE);
CREATE TABLE IF NOT EXISTS changes (path INTEGER, snapshot TEXT, kind TEXT, size INTEGER, sha256 BLOB,
    PRIMARY KEY (path, snapshot)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_snapshot ON changes (snapshot);
PRAGMA user_version={_SCHEMA};
COMMIT;
"""


class Change(NamedTuple):
    """What one snapshot made of one path; ``kind`` is None where it removed it, ``sha256`` None for all but files."""

    path: bytes
    snapshot_id: str
    kind: str | None
    size: int
    sha256: bytes | None


class _Known(NamedTuple):
    parent: str | None
    base: str | None
    indexed: bool


class _News(NamedTuple):
    """What the index is to have of one snapshot; ``changes`` is None where its manifest is not there any more."""

    snapshot_id: str
    parent: str | None
    base: str | None
    changes: Sequence[tuple[bytes, Entry | None]] | None


@dataclass
class ChangeIndex:
    """The index, up to date if ``complete``: ``bases`` maps each snapshot in it to the one that it was compared with.

    ``unreadable`` says what is wrong with the snapshots that are left out.
    """

    database: sqlite3.Connection
    bases: dict[str, str | None] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    complete: bool = True

    def paths(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of every path that any snapshot ever had or removed."""
        yield from self.database.execute("SELECT number, path FROM paths")

    def changes_of(self, number: int) -> list[Change]:
        """Return what became of one path, by snapshot id."""
        rows = self.database.execute(
            "SELECT paths.path, snapshot, kind, size, sha256 FROM changes JOIN paths ON number = changes.path"
            " WHERE changes.path = ? ORDER BY snapshot",
            (number,),
        )
        return [Change(*row) for row in rows]

    def changed_in(self, path: bytes) -> set[str]:
        """Return the snapshots that changed ``path``, or anything below it."""
        rows = self.database.execute(
            "SELECT DISTINCT snapshot FROM changes JOIN paths ON number = changes.path"
            " WHERE paths.path = ? OR (paths.path > ? AND paths.path < ?)",
            (path, path + b"/", path + b"0"),
        )
        return {snapshot_id for (snapshot_id,) in rows}

    def changed_by(self, snapshot_id: str) -> list[Change]:
        """Return what one snapshot changed since the one before, by path."""
        rows = self.database.execute(
            "SELECT paths.path, snapshot, kind, size, sha256 FROM changes JOIN paths ON number = changes.path"
            " WHERE snapshot = ? ORDER BY paths.path",
            (snapshot_id,),
        )
        return [Change(*row) for row in rows]

    def had(self, path: bytes, snapshot_id: str | None) -> bool:
        """Return whether a snapshot has ``path``."""
        rows = self.database.execute(
            "SELECT snapshot, kind FROM changes JOIN paths ON number = changes.path WHERE paths.path = ?",
            (path,),
        )
        kinds = dict(rows.fetchall())
        seen: set[str] = set()
        while snapshot_id is not None and snapshot_id not in seen and snapshot_id not in kinds:
            seen.add(snapshot_id)
            snapshot_id = self.bases.get(snapshot_id)
        return snapshot_id is not None and kinds.get(snapshot_id) is not None

    def naming(self, word: str) -> set[str]:
        """Return the snapshots that changed a path with ``word`` in it, in whatever case."""
        self.database.create_function(
            "holds", 1, lambda path: word.casefold() in os.fsdecode(path).casefold(), deterministic=True
        )
        rows = self.database.execute(
            "SELECT DISTINCT snapshot FROM changes JOIN paths ON number = changes.path WHERE holds(paths.path)"
        )
        return {snapshot_id for (snapshot_id,) in rows}

    def ancestry(self, snapshot_id: str | None) -> list[str]:
        """Return a snapshot and those that it goes back to, newest first, also those whose manifests are gone."""
        parents = dict(self.database.execute("SELECT id, parent FROM snapshots").fetchall())
        found: dict[str, None] = {}
        while snapshot_id is not None and snapshot_id not in found and snapshot_id in parents:
            found[snapshot_id] = None
            snapshot_id = parents[snapshot_id]
        return list(found)

    def lineage(self, snapshot_id: str | None) -> list[str]:
        """Return a snapshot and those that it goes back to, newest first, as far as they are in the index."""
        found: dict[str, None] = {}
        while snapshot_id is not None and snapshot_id not in found:
            found[snapshot_id] = None
            snapshot_id = self.bases.get(snapshot_id)
        return [each for each in found if each in self.bases]


@contextmanager
def opened(ctx: Context, progress: Progress, *, within_s: float | None = None) -> Iterator[ChangeIndex]:
    """Open the index of a repository for the block, brought up to date, or as far as that goes ``within_s``.

    What was read stays in the file: the next one goes on from there.
    """
    path = ctx.settings.cache_dir / "changes" / f"{ctx.repo_id}.sqlite"
    until = None if within_s is None else time.monotonic() + within_s
    database, index = _open_somewhere(ctx, path, progress, until)
    try:
        yield index
    finally:
        database.close()


def _open_somewhere(
    ctx: Context, path: Path, progress: Progress, until: float | None
) -> tuple[sqlite3.Connection, ChangeIndex]:
    """Open the file; where it is damaged a new one, and where that cannot be written one in memory."""
    for place in (path, path, None):
        database: sqlite3.Connection | None = None
        try:
            database = _connect(place)
            # In memory nothing goes on from where this one ends.
            return database, _brought_up_to_date(ctx, database, progress, until if place else None)
        except (sqlite3.Error, OSError) as error:
            if database is not None:
                database.close()
            if place is None:
                raise
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        except BaseException:
            if database is not None:
                database.close()
            raise
    raise AssertionError("an index in memory opens or raises")


def _connect(place: Path | None) -> sqlite3.Connection:
    if place is not None:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = sqlite3.connect(place or ":memory:", timeout=_BUSY_S, isolation_level=None)
    try:
        (schema,) = database.execute("PRAGMA user_version").fetchone()
        if schema != _SCHEMA:
            for table in ("snapshots", "paths", "changes"):
                database.execute(f"DROP TABLE IF EXISTS {table}")
            database.executescript(_TABLES)
    except BaseException:
        database.close()
        raise
    return database


def _brought_up_to_date(
    ctx: Context, database: sqlite3.Connection, progress: Progress, until: float | None
) -> ChangeIndex:
    index = ChangeIndex(database)
    known = {
        row[0]: _Known(row[1], row[2], bool(row[3]))
        for row in database.execute("SELECT id, parent, base, indexed FROM snapshots")
    }
    there = catalog.ids(ctx.layout)
    gone = known.keys() - set(there)
    parents: dict[str, str | None] = {}
    for snapshot_id in there:
        try:
            parents[snapshot_id] = (
                known[snapshot_id].parent
                if snapshot_id in known
                else catalog.peek(ctx.layout, snapshot_id).parent_snapshot_id
            )
        except (IntegrityError, NotFound) as error:
            index.unreadable.append(error.message)
    readable = parents.keys() - set(tombstones.TOMBSTONES.keys(ctx.layout))
    with _writing(database):  # who goes back to whom is known at once, whatever the manifests take
        database.executemany(
            "INSERT OR IGNORE INTO snapshots VALUES (?, ?, NULL, 0)",
            ((each, parent) for each, parent in parents.items() if each not in known),
        )
    with step(progress, "index"):
        _index(ctx, index, parents, readable, known, gone, until)
    return index


def _index(
    ctx: Context,
    index: ChangeIndex,
    parents: dict[str, str | None],
    readable: set[str],
    known: dict[str, _Known],
    gone: set[str],
    until: float | None,
) -> None:
    last: tuple[str | None, Sequence[Entry]] = (None, [])
    news: list[_News] = []
    read = 0
    for snapshot_id in sorted(parents):
        base = _base(snapshot_id, parents, readable)
        was = known.get(snapshot_id)
        if snapshot_id not in readable:
            if was is None or was.indexed:
                news.append(_News(snapshot_id, parents[snapshot_id], None, None))
            continue
        if was is None or not was.indexed or was.base != base:
            if until is not None and read and time.monotonic() >= until:
                index.complete = False
                continue
            read += 1
            try:
                before = last[1] if base == last[0] else stored.entries(ctx.layout, base)
                last = (snapshot_id, stored.entries(ctx.layout, snapshot_id))
            except (IntegrityError, NotFound) as error:  # damaged, or gc took it away just now
                index.unreadable.append(error.message)
                readable.discard(snapshot_id)
                continue
            news.append(_News(snapshot_id, parents[snapshot_id], base, _changes(before, last[1])))
            if len(news) >= _BATCH:
                _store(index.database, news)
                news = []
        index.bases[snapshot_id] = base
    _store(index.database, news)
    if gone:
        with _writing(index.database):
            for table, column in (("changes", "snapshot"), ("snapshots", "id")):
                index.database.executemany(
                    f"DELETE FROM {table} WHERE {column} = ?", ((each,) for each in gone)
                )


def _base(snapshot_id: str, parents: dict[str, str | None], readable: set[str]) -> str | None:
    """Return the nearest ancestor whose manifest is there; a lineage that runs in a circle ends where it began."""
    seen = {snapshot_id}
    base = parents[snapshot_id]
    while base is not None and base not in readable:
        if base in seen:
            return None
        seen.add(base)
        base = parents.get(base)
    return None if base in seen else base


def _changes(before: Sequence[Entry], after: Sequence[Entry]) -> list[tuple[bytes, Entry | None]]:
    found = compare(before, after)
    entries = {entry.path: entry for entry in after if entry.kind != FOLDER}
    changed = [path for path in (*found.added, *found.modified) if not path.endswith(b"/")]
    removed = [path for path in found.removed if not path.endswith(b"/") and path not in entries]
    return [*((path, entries[path]) for path in changed), *((path, None) for path in removed)]


def _store(database: sqlite3.Connection, news: Sequence[_News]) -> None:
    """Replace what the index has of these snapshots, in one transaction; other processes may be at the same ones."""
    if not news:
        return
    with _writing(database):
        for new in news:
            changes = new.changes or ()
            database.execute("DELETE FROM changes WHERE snapshot = ?", (new.snapshot_id,))
            database.executemany(
                "INSERT OR IGNORE INTO paths (path) VALUES (?)", ((path,) for path, _ in changes)
            )
            database.executemany(
                "INSERT INTO changes SELECT number, ?, ?, ?, ? FROM paths WHERE path = ?",
                ((new.snapshot_id, *_row(entry), path) for path, entry in changes),
            )
            database.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)",
                (new.snapshot_id, new.parent, new.base, int(new.changes is not None)),
            )


def _row(entry: Entry | None) -> tuple[str | None, int, bytes | None]:
    if entry is None:
        return None, 0, None
    return entry.kind, entry.size, entry.sha256 if entry.kind == FILE else None


@contextmanager
def _writing(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
