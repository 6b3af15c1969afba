"""Files that only moved, told by their digests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree.entry import FILE, Entry

_Key = tuple[bytes, int]


def renamed(
    changes: Changes, before: Sequence[Entry], after: Sequence[Entry]
) -> tuple[Changes, list[tuple[bytes, bytes]]]:
    """Return the changes without the files that only moved, and those as pairs of old and new path, sorted by the new.

    A file moved where another path has its content and mode now; empty ones are never the same. Of several with the same
    content those of the same name belong together, then those that come first. What else has the content is new or gone.
    """
    old, new = _files(before, changes.removed), _files(after, changes.added)
    pairs: list[tuple[bytes, bytes]] = []
    for key in old.keys() & new.keys():
        pairs += _paired(old[key], new[key])
    gone, made = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    rest = Changes(
        [path for path in changes.added if path not in made],
        changes.modified,
        [path for path in changes.removed if path not in gone],
    )
    return rest, sorted(pairs, key=lambda pair: pair[1])


def _files(entries: Sequence[Entry], paths: Iterable[bytes]) -> dict[_Key, list[bytes]]:
    wanted = set(paths)
    found: dict[_Key, list[bytes]] = defaultdict(list)
    for entry in entries:
        if entry.kind == FILE and entry.size and entry.path in wanted:
            found[entry.sha256, entry.mode].append(entry.path)
    return found


def _paired(old: list[bytes], new: list[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = []
    by_name: dict[bytes, list[bytes]] = defaultdict(list)
    for path in reversed(new):
        by_name[_name(path)].append(path)
    left = []
    for path in old:
        same = by_name[_name(path)]
        if same:
            pairs.append((path, same.pop()))
        else:
            left.append(path)
    free = sorted(path for paths in by_name.values() for path in paths)
    return [*pairs, *zip(left, free, strict=False)]


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
