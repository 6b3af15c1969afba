"""The index of changes: which files each snapshot changed since the one before, so that one look-up finds a file in all.

It is an SQLite file in the caller's cache folder, made from manifests and brought up to date before every look-up: it costs
what is new, and what retention or gc took away goes. It saves time and nothing else; without it, or where it is damaged or
cannot be written, it is made again, in memory if need be. Whatever is restored is read from the manifests.

A snapshot is compared with its nearest ancestor whose manifest is there; where that is another one by now, anew.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jvs_core.control import catalog
from jvs_core.control.records import tombstones
from jvs_core.errors import EngineFailed, IntegrityError, NotFound
from jvs_core.faults import DENIED
from jvs_core.operations import stored
from jvs_core.operations.context import Context, step
from jvs_core.payload.changes.difference import compare
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.progress import Progress

_SCHEMA = 3
_BUSY_S = 5.0
_BATCH = 100
KEEPS, REMOVES, OVERWRITES = 0, 1, 2
_TABLES = f"""
PRAGMA synchronous=NORMAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS snapshots (id TEXT PRIMARY KEY, parent TEXT, kind TEXT, worktree TEXT, base TEXT,
    indexed INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paths (number INTEGER PRIMARY KEY, path BLOB UNIQUE);
CREATE TABLE IF NOT EXISTS changes (path INTEGER, snapshot TEXT, kind TEXT, size INTEGER, sha256 BLOB,
    loss INTEGER, PRIMARY KEY (path, snapshot)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (fingerprint TEXT PRIMARY KEY, data TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_snapshot ON changes (snapshot);
CREATE INDEX IF NOT EXISTS losses ON changes (snapshot) WHERE loss > 0;
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


class Loss(NamedTuple):
    """That a snapshot no longer has what ``held_by``, the one compared with, had at a path: removed or ``overwritten``.

    That is emptied, or given the content of another file.
    """

    number: int
    path: bytes
    snapshot_id: str
    overwritten: bool
    held_by: str


class Content(NamedTuple):
    """What a path was from the snapshot ``since`` on; ``digests`` are those of all contents that it had until then."""

    since: str
    kind: str
    size: int
    sha256: bytes | None
    digests: frozenset[bytes | None]


class _Changed(NamedTuple):
    path: bytes
    entry: Entry | None
    loss: int


class About(NamedTuple):
    """What the index knows of a snapshot's descriptor: its parent, its kind, and the identity of its worktree."""

    parent: str | None
    kind: str | None
    worktree_id: str


class _Known(NamedTuple):
    about: About
    base: str | None
    indexed: bool


class _News(NamedTuple):
    """What the index is to have of one snapshot; ``changes`` is None where its manifest is not there any more."""

    snapshot_id: str
    about: About
    base: str | None
    changes: Sequence[_Changed] | None


@dataclass
class ChangeIndex:
    """The index, up to date if ``complete``: ``bases`` maps each snapshot in it to the one that it was compared with.

    ``about`` has these and those whose payload is gone. ``unreadable`` says what is wrong with the snapshots that are left
    out.
    """

    database: sqlite3.Connection
    bases: dict[str, str | None] = field(default_factory=dict)
    about: dict[str, About] = field(default_factory=dict)
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

    def changed_where(self, path: Callable[[bytes], bool], size: Callable[[int], bool]) -> set[str]:
        """Return the snapshots that made, changed or removed a file of a fitting path, and of a fitting size.

        One that was removed has the largest size that it ever had.
        """
        fitting = {number for number, each in self.paths() if path(each)}
        largest = dict(self.database.execute("SELECT path, MAX(size) FROM changes GROUP BY path"))
        rows = self.database.execute("SELECT path, snapshot, kind, size FROM changes")
        return {
            snapshot_id
            for number, snapshot_id, kind, own in rows
            if number in fitting and size(largest[number] if kind is None else own)
        }

    def followers(self) -> dict[str, list[str]]:
        """Return the snapshots that were compared with each."""
        found: dict[str, list[str]] = {}
        for snapshot_id, base in self.bases.items():
            if base is not None:
                found.setdefault(base, []).append(snapshot_id)
        return found

    def held_elsewhere(self, digests: Iterable[bytes], snapshot_id: str = "") -> set[bytes]:
        """Return those of ``digests`` that a file has in a snapshot, or in another one than ``snapshot_id``."""
        sought = set(digests)
        rows = self.database.execute(
            "SELECT sha256, snapshot FROM changes WHERE sha256 IS NOT NULL AND snapshot <> ?", (snapshot_id,)
        )
        return {sha256 for sha256, each in rows if sha256 in sought and each in self.bases}

    def remembered_sums(self, fingerprint: str) -> str | None:
        """Return what ``remember_sums`` kept for the same snapshots."""
        row = self.database.execute("SELECT data FROM sums WHERE fingerprint = ?", (fingerprint,)).fetchone()
        return None if row is None else str(row[0])

    def remember_sums(self, fingerprint: str, data: str) -> None:
        """Keep what was reckoned from all changes of these snapshots, in place of that of others."""
        with _writing(self.database):
            self.database.execute("DELETE FROM sums")
            self.database.execute("INSERT INTO sums VALUES (?, ?)", (fingerprint, data))

    def losses(self, ages: Mapping[str, int], *, since: str = "") -> Iterator[Loss]:
        """Yield what the snapshots of one lineage lost, the newest id first, those older than the id ``since`` left out.

        ``ages`` counts each from the newest, which is 0.
        """
        rows = self.database.execute(
            "SELECT changes.path, paths.path, snapshot, loss FROM changes INDEXED BY losses JOIN paths ON number = changes.path"
            " WHERE loss > 0 AND snapshot >= ? ORDER BY snapshot DESC",
            (since,),
        )
        for number, path, snapshot_id, loss in rows:
            held_by = self.bases.get(snapshot_id)
            if held_by is not None and snapshot_id in ages and held_by in ages:
                yield Loss(number, path, snapshot_id, loss == OVERWRITES, held_by)

    def versions(self) -> Iterator[tuple[int, bytes, str, int, int]]:
        """Yield number, path, snapshot, size (0 where it was removed) and loss of every change to a path that has several."""
        yield from self.database.execute(
            "SELECT changes.path, paths.path, snapshot, size, loss FROM changes JOIN paths ON number = changes.path"
            " WHERE changes.path IN (SELECT path FROM changes GROUP BY path HAVING COUNT(*) > 1) ORDER BY changes.path"
        )

    def tips(self) -> list[str]:
        """Return the snapshots in the index that none goes back to."""
        followed = set(self.bases.values())
        return [each for each in self.bases if each not in followed]

    def content(self, number: int, ages: Mapping[str, int], snapshot_id: str) -> Content | None:
        """Return what the path of this number was in a snapshot of one lineage; None where that did not have it."""
        line = [
            change
            for change in self.changes_of(number)
            if change.snapshot_id in ages and ages[change.snapshot_id] >= ages[snapshot_id]
        ]
        last = min(line, key=lambda change: ages[change.snapshot_id], default=None)
        if last is None or last.kind is None:
            return None
        digests = frozenset(change.sha256 for change in line if change.kind is not None)
        return Content(last.snapshot_id, last.kind, last.size, last.sha256, digests)

    def number_of(self, path: bytes) -> int | None:
        """Return the number of a path; None where no snapshot ever had it."""
        row = self.database.execute("SELECT number FROM paths WHERE path = ?", (path,)).fetchone()
        return None if row is None else int(row[0])

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

    What was read stays in the file: the next one goes on from there. Where the file turns out to be damaged in the block,
    it is removed, and the block ends with EngineFailed: the next one makes it again.
    """
    path = ctx.settings.cache_dir / "changes" / f"{ctx.repo_id}.sqlite"
    until = None if within_s is None else time.monotonic() + within_s
    database, index = _open_somewhere(ctx, path, progress, until)
    try:
        yield index
    except sqlite3.Error as error:
        is_damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        )
        if is_damaged:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise EngineFailed(
            f"the index of changes cannot be read: {error}",
            hint="run the command again: JVS then makes a new index"
            if is_damaged
            else f"is there space for {path}?",
        ) from error
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
            for table in ("snapshots", "paths", "changes", "sums"):
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
        row[0]: _Known(About(*row[1:4]), row[4], bool(row[5]))
        for row in database.execute("SELECT id, parent, kind, worktree, base, indexed FROM snapshots")
    }
    there = catalog.ids(ctx.layout)
    gone = known.keys() - set(there)
    for snapshot_id in there:
        try:
            index.about[snapshot_id] = (
                known[snapshot_id].about if snapshot_id in known else _look(ctx, snapshot_id)
            )
        except (IntegrityError, NotFound) as error:
            index.unreadable.append(error.message)
    readable = index.about.keys() - set(tombstones.TOMBSTONES.keys(ctx.layout))
    with _writing(database):  # who goes back to whom is known at once, whatever the manifests take
        database.executemany(
            "INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?, ?, NULL, 0)",
            ((each, *about) for each, about in index.about.items() if each not in known),
        )
    with step(progress, "index"):
        _index(ctx, index, readable, known, gone, until)
    return index


def _look(ctx: Context, snapshot_id: str) -> About:
    found = catalog.peek(ctx.layout, snapshot_id)
    return About(found.parent_snapshot_id, found.kind, found.worktree_id)


def _index(
    ctx: Context,
    index: ChangeIndex,
    readable: set[str],
    known: dict[str, _Known],
    gone: set[str],
    until: float | None,
) -> None:
    last: tuple[str | None, Sequence[Entry]] = (None, [])
    news: list[_News] = []
    read = 0
    for snapshot_id in sorted(index.about):
        about, was = index.about[snapshot_id], known.get(snapshot_id)
        if snapshot_id not in readable:
            if was is None or was.indexed:
                news.append(_News(snapshot_id, about, None, None))
            continue
        base = _base(snapshot_id, index.about, readable)
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
            except EngineFailed as error:
                if error.facts.get("errno") not in DENIED:
                    raise
                index.unreadable.append(error.message)  # a member closed it to the others
                readable.discard(snapshot_id)
                continue
            news.append(_News(snapshot_id, about, base, _changes(before, last[1])))
            if len(news) >= _BATCH:
                _store(index.database, news)
                news = []
        index.bases[snapshot_id] = base
    _store(index.database, news)
    taken = any(new.changes is None and new.snapshot_id in known for new in news)
    if gone or taken:
        with _writing(index.database):
            for table, column in (("changes", "snapshot"), ("snapshots", "id")):
                index.database.executemany(
                    f"DELETE FROM {table} WHERE {column} = ?", ((each,) for each in gone)
                )
            # Names that no snapshot has any more go, too: a name may be a secret.
            index.database.execute("DELETE FROM paths WHERE number NOT IN (SELECT path FROM changes)")


def _base(snapshot_id: str, about: Mapping[str, About], readable: set[str]) -> str | None:
    """Return the nearest ancestor whose manifest is there; a lineage that runs in a circle ends where it began."""
    seen = {snapshot_id}
    base = about[snapshot_id].parent
    while base is not None and base not in readable:
        if base in seen:
            return None
        seen.add(base)
        base = about[base].parent if base in about else None
    return None if base in seen else base


def _changes(before: Sequence[Entry], after: Sequence[Entry]) -> list[_Changed]:
    found = compare(before, after)
    entries = {entry.path: entry for entry in after if entry.kind != FOLDER}
    added = [path for path in found.added if not path.endswith(b"/")]
    modified = [path for path in found.modified if not path.endswith(b"/")]
    removed = [path for path in found.removed if not path.endswith(b"/") and path not in entries]
    overwritten = _overwritten(before, [entries[path] for path in modified])
    return [
        *(_Changed(path, entries[path], KEEPS) for path in added),
        *(_Changed(path, entries[path], OVERWRITES if path in overwritten else KEEPS) for path in modified),
        *(_Changed(path, None, REMOVES) for path in removed),
    ]


def _overwritten(before: Sequence[Entry], modified: Sequence[Entry]) -> set[bytes]:
    """Return the files among the ``modified`` that were not edited but emptied, or given the content of another file."""
    files = [entry for entry in modified if entry.kind == FILE]
    if not files:
        return set()
    had = {entry.path: entry for entry in before if entry.kind == FILE}
    others = {entry.sha256 for entry in had.values()}
    return {
        entry.path
        for entry in files
        if (was := had.get(entry.path)) is not None
        and was.size
        and was.sha256 != entry.sha256
        and (not entry.size or entry.sha256 in others)
    }


def _store(database: sqlite3.Connection, news: Sequence[_News]) -> None:
    """Replace what the index has of these snapshots, in one transaction; other processes may be at the same ones."""
    if not news:
        return
    with _writing(database):
        for new in news:
            changes = new.changes or ()
            database.execute("DELETE FROM changes WHERE snapshot = ?", (new.snapshot_id,))
            database.executemany(
                "INSERT OR IGNORE INTO paths (path) VALUES (?)", ((change.path,) for change in changes)
            )
            database.executemany(
                "INSERT INTO changes SELECT number, ?, ?, ?, ?, ? FROM paths WHERE path = ?",
                ((new.snapshot_id, *_row(change.entry), change.loss, change.path) for change in changes),
            )
            database.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)",
                (new.snapshot_id, *new.about, new.base, int(new.changes is not None)),
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
