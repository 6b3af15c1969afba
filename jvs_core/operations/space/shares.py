"""Which contents the snapshots hold, and which of them one snapshot holds alone: one pass over the index of changes.

A content is known by its SHA-256; wherever it lies, it counts once. So all of this is an estimate: what was written twice
lies there twice, and blocks that two contents share count for each.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from jvs_core.operations.change_index import ChangeIndex
from jvs_core.payload.tree.entry import FILE

BLOCK = 4096
LARGEST = 100
_AT_ONCE = 1_000_000
_SOUND = "typeof(size) = 'integer' AND size >= 0 AND (sha256 IS NULL OR (typeof(sha256) = 'blob' AND length(sha256) = 32))"
_SHARED = ""

_Row = tuple[int, str, str | None, int, bytes | None]


class PathShare(NamedTuple):
    """A path, the bytes of all the different contents that it had, and how many these are."""

    path: bytes
    bytes: int
    versions: int


@dataclass(frozen=True)
class Shares:
    """The different contents of all snapshots: how many, their bytes, and the same in whole blocks, ``stored_bytes``.

    ``written_bytes`` is what it is, in blocks, where each change of a path was written anew: by an engine that shares
    nothing but unchanged files. ``alone`` has the bytes that one snapshot alone holds, of those that hold any; ``largest`` the paths that take most.
    """

    contents: int
    distinct_bytes: int
    stored_bytes: int
    written_bytes: int
    alone: dict[str, int]
    largest: Sequence[PathShare]


def in_blocks(size: int) -> int:
    """Return what a file of ``size`` bytes takes in whole blocks."""
    return -(-size // BLOCK) * BLOCK


def shares(index: ChangeIndex) -> Shares:
    """Return the shares of all snapshots in the index; those of the same snapshots are remembered in it.

    Memory holds a million contents at a time, however many there are.
    """
    key = _fingerprint(index)
    found = _remembered(index, key)
    if found is None:
        found = _counted(index)
        with suppress(sqlite3.Error):  # it cannot be written: the next one counts again
            index.remember_sums(key, _encode(found))
    return found


def alone(index: ChangeIndex, snapshot_id: str) -> dict[bytes, int]:
    """Return the paths whose contents a snapshot alone holds, with their bytes, each content under the first of its paths."""
    following = index.followers().get(snapshot_id, [])
    rows = index.database.execute(
        f"SELECT changes.path, paths.path, size, sha256 FROM changes JOIN paths ON number = changes.path"
        f" WHERE snapshot = ? AND kind = ? AND {_SOUND} AND sha256 IS NOT NULL ORDER BY paths.path",
        (snapshot_id, FILE),
    ).fetchall()
    own: dict[bytes, tuple[bytes, int]] = {}
    passed_on: set[bytes] = set()
    for number, path, size, sha256 in rows:
        if all(_changes(index, number, each) for each in following):
            own.setdefault(sha256, (path, size))
        else:
            passed_on.add(sha256)
    elsewhere = index.held_elsewhere(own, snapshot_id)
    return {path: size for digest, (path, size) in own.items() if digest not in passed_on | elsewhere}


def _changes(index: ChangeIndex, number: int, snapshot_id: str) -> bool:
    found = index.database.execute(
        "SELECT 1 FROM changes WHERE path = ? AND snapshot = ?", (number, snapshot_id)
    )
    return found.fetchone() is not None


def _counted(index: ChangeIndex) -> Shares:
    (rows,) = index.database.execute("SELECT COUNT(*) FROM changes").fetchone()
    parts = min(rows // _AT_ONCE + 1, 256)
    followers = index.followers()
    contents = distinct = stored = written = 0
    held: dict[str, int] = defaultdict(int)
    largest: list[tuple[int, int, int]] = []
    for part in range(parts):
        sizes: dict[bytes, int] = {}
        holders: dict[bytes, str] = {}
        for number, own in _by_path(index.database):
            of_path: dict[bytes, int] = {}
            for snapshot_id, (kind, size, sha256) in own.items():
                if kind != FILE or sha256 is None or snapshot_id not in index.bases:
                    continue
                of_path[sha256] = size
                if part == 0:
                    written += in_blocks(size)
                if sha256[0] % parts != part:
                    continue
                sizes.setdefault(sha256, size)
                ends = all(each in own for each in followers.get(snapshot_id, ()))
                holder = snapshot_id if ends else _SHARED
                if holders.setdefault(sha256, holder) != holder:
                    holders[sha256] = _SHARED
            if part == 0 and of_path:
                _push(largest, (sum(of_path.values()), number, len(of_path)))
        contents += len(sizes)
        distinct += sum(sizes.values())
        stored += sum(map(in_blocks, sizes.values()))
        for sha256, holder in holders.items():
            if holder != _SHARED:
                held[holder] += sizes[sha256]
    named = list(_named(index, sorted(largest, reverse=True)))
    return Shares(contents, distinct, stored, written, dict(held), named)


def _by_path(database: sqlite3.Connection) -> Iterator[tuple[int, dict[str, tuple[str | None, int, Any]]]]:
    """Yield the number of each path, and what each snapshot made of it."""
    rows = database.execute(
        f"SELECT path, snapshot, kind, size, sha256 FROM changes WHERE {_SOUND} ORDER BY path, snapshot"
    )
    for number, group in groupby(rows, key=itemgetter(0)):
        yield number, {row[1]: row[2:] for row in group}


def _push(heap: list[tuple[int, int, int]], row: tuple[int, int, int]) -> None:
    if len(heap) < LARGEST:
        heapq.heappush(heap, row)
    else:
        heapq.heappushpop(heap, row)


def _named(index: ChangeIndex, rows: Collection[tuple[int, int, int]]) -> Iterator[PathShare]:
    for size, number, versions in rows:
        found = index.database.execute("SELECT path FROM paths WHERE number = ?", (number,)).fetchone()
        if found is not None and isinstance(found[0], bytes):
            yield PathShare(found[0], size, versions)


def _fingerprint(index: ChangeIndex) -> str:
    """Return what is another one as soon as a snapshot came, went or follows another one."""
    pairs = sorted((each, base or "") for each, base in index.bases.items())
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def _encode(found: Shares) -> str:
    largest = [[each.path.hex(), each.bytes, each.versions] for each in found.largest]
    return json.dumps(
        [found.contents, found.distinct_bytes, found.stored_bytes, found.written_bytes, found.alone, largest]
    )


def _remembered(index: ChangeIndex, key: str) -> Shares | None:
    try:
        data = index.remembered_sums(key)
        if data is None:
            return None
        contents, distinct, stored, written, held, largest = json.loads(data)
        return Shares(
            int(contents),
            int(distinct),
            int(stored),
            int(written),
            {str(each): int(size) for each, size in held.items()},
            [PathShare(bytes.fromhex(path), int(size), int(versions)) for path, size, versions in largest],
        )
    except (sqlite3.Error, ValueError, TypeError, AttributeError):
        return None  # what is there is not ours: it is counted again
