"""What a snapshot changed, in a line: worked out when it is first asked for, and kept beside the index of changes.

It is an SQLite file in the caller's cache folder; without it, or where it is damaged, everything is worked out again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from jvs_core.differences.bounds import MB, Bounds
from jvs_core.differences.model import Difference, NotebookDetail, TableDetail, TextDetail
from jvs_core.differences.naming import named
from jvs_core.differences.trees import inside_of
from jvs_core.errors import SnapshotExpired
from jvs_core.repository import Repository
from jvs_core.results import ChangedEntry
from jvs_core.wording import counted

_NAMED = 3
_LOOKED_INTO = 3
_LONGEST_PATH = 40
_FIRST = ("notebooks", "data", "code", "models", "figures", "other")
_BOUNDS = Bounds(
    text=2 * MB,
    notebook=16 * MB,
    json_values=500_000,
    table=16 * MB,
    table_rows=100_000,
    table_values=500_000,
    pixels_in_outputs=0,
    steps=300_000,
)
_KEPT = 20_000
_BUSY_S = 1.0
_VERSION = 1
_TABLE = (
    "CREATE TABLE IF NOT EXISTS words (snapshot TEXT PRIMARY KEY, version INTEGER, words TEXT) WITHOUT ROWID"
)


def summary(repository: Repository, snapshot: str, *, worktree: str | None = None) -> list[str]:
    """Return what a snapshot changed since the one before: ``["train.ipynb 2 cells", "clean.csv −48 rows", "and 3 more"]``.

    Three paths at most are named, notebooks first, and looked into as far as that is quick; known caches are left out. The
    first snapshot says how many files it has. It is compared with its nearest ancestor whose files are there, when it is first
    asked for; that answer is kept. Raises SnapshotNotFound, SnapshotExpired for one whose own files are gone, and the
    integrity errors.
    """
    snapshot_id = repository.resolve(snapshot, worktree=worktree)
    known = known_summaries(repository, [snapshot_id]).get(snapshot_id)
    if known is None:
        known = _worked_out(repository, snapshot_id, _base(repository, snapshot_id))
        _keep(_place(repository), snapshot_id, known)
    return known


def known_summaries(repository: Repository, snapshot_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the stored summaries (see ``summary``) of these snapshots; computes nothing."""
    place = _place(repository)
    found: dict[str, list[str]] = {}
    if not snapshot_ids or not place.exists():
        return found
    with (
        suppress(sqlite3.Error, OSError, ValueError, RecursionError),
        closing(sqlite3.connect(place, timeout=_BUSY_S)) as database,
    ):
        for snapshot_id in snapshot_ids:
            row = database.execute(
                "SELECT words FROM words WHERE snapshot = ? AND version = ?", (snapshot_id, _VERSION)
            ).fetchone()
            words = None if row is None else json.loads(row[0])
            if isinstance(words, list) and all(isinstance(word, str) for word in words):
                found[snapshot_id] = words
    return found


def _base(repository: Repository, snapshot_id: str) -> str | None:
    """Return the nearest ancestor whose files are there."""
    seen = {snapshot_id}
    parent = repository.show(snapshot_id).descriptor.parent_snapshot_id
    while parent is not None and parent not in seen:
        seen.add(parent)
        found = repository.show(parent)
        if not found.expired:
            return parent
        parent = found.descriptor.parent_snapshot_id
    return None


def _worked_out(repository: Repository, snapshot_id: str, base: str | None) -> list[str]:
    if base is None:
        found = repository.show(snapshot_id)
        if found.expired:
            raise SnapshotExpired(f"the files of {snapshot_id} are gone", hint="jvs history")
        return [counted(found.descriptor.files, "file")]
    entries = repository.changed_entries(base, snapshot_id, caches=False).entries
    entries = sorted(
        entries, key=lambda entry: _FIRST.index(named(entry.path).group)
    )  # stable: by path within
    words = []
    for number, entry in enumerate(entries[:_NAMED]):
        looked_into = number < _LOOKED_INTO and entry.change == "modified"
        words.append(
            _said(entry, inside_of(repository, entry, base, snapshot_id, _BOUNDS) if looked_into else None)
        )
    if len(entries) > _NAMED:
        words.append(f"and {len(entries) - _NAMED:,} more")
    return words


def _said(entry: ChangedEntry, found: Difference | None) -> str:
    path = _short(entry.path)
    if entry.change == "added":
        return f"{path} new"
    if entry.change == "removed":
        return f"{path} deleted"
    if entry.change == "renamed":
        return f"{_short(entry.old_path or '')} → {path}"
    tells = found is not None and (
        found.detail is None or isinstance(found.detail, NotebookDetail | TableDetail | TextDetail)
    )
    return f"{path} {found.words}" if found is not None and tells and found.words else path


def _short(path: str) -> str:
    """Return a path, of a long one its end."""
    if len(path) <= _LONGEST_PATH:
        return path
    name = path.rstrip("/").rpartition("/")[2]
    return f"…/{name}" if len(name) < _LONGEST_PATH else f"{name[: _LONGEST_PATH - 1]}…"


def _place(repository: Repository) -> Path:
    return repository.settings.cache_dir / "changes" / f"{repository.repo_id}.words.sqlite"


def _keep(place: Path, snapshot_id: str, words: Sequence[str]) -> None:
    """Keep it, those of the newest snapshots only; a file that is damaged goes, and nothing is kept this time."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(place, timeout=_BUSY_S)) as database, database:
            database.execute(_TABLE)
            database.execute(
                "INSERT OR REPLACE INTO words VALUES (?, ?, ?)", (snapshot_id, _VERSION, json.dumps(words))
            )
            database.execute(
                "DELETE FROM words WHERE snapshot < (SELECT snapshot FROM words ORDER BY snapshot DESC LIMIT 1 OFFSET ?)",
                (_KEPT,),
            )
    except sqlite3.OperationalError:  # busy, or cannot be written
        return
    except sqlite3.DatabaseError:
        with suppress(OSError):
            place.unlink()
    except OSError:
        return
