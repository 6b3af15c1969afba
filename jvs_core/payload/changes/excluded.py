"""What a scan left out on purpose makes no difference: neither as a change, nor as something to restore."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.payload.tree.link_groups import whole_groups
from jvs_core.payload.tree.walk import Scan


def kept(entries: Sequence[Entry], present: Scan) -> Sequence[Entry]:
    """Return the ``entries`` of a snapshot that a scan of the worktree would not leave out; all where it leaves out none."""
    if not present.exclude:
        return entries
    out = set(present.excluded())
    found: list[Entry] = []
    for entry in entries:  # sorted: a folder comes before what lies in it
        path = entry.path
        if path and (
            path.rpartition(b"/")[0] in out
            or path in out
            or present.exclude.leaves_out(path, folder=entry.kind == FOLDER)
        ):
            out.add(path)
        else:
            found.append(entry)
    return whole_groups(found)


def without(changes: Changes, present: Scan) -> Changes:
    """Return ``changes`` of a worktree without what its scan leaves out, and without folders that hold nothing else."""
    if not present.exclude or not changes:
        return changes
    out = present.excluded()
    folders = set(out)
    around = {path[:end] + b"/" for path in out for end in range(len(path)) if path[end : end + 1] == b"/"}

    def counting(paths: Sequence[bytes], ignored: AbstractSet[bytes] = frozenset()) -> list[bytes]:
        return [
            path
            for path in paths
            if path not in ignored
            and not present.exclude.covers(path)
            and not _lies_in(path.rstrip(b"/"), folders)
        ]

    return Changes(
        counting(changes.added, around), counting(changes.modified), counting(changes.removed, around)
    )


def _lies_in(path: bytes, folders: set[bytes]) -> bool:
    while path:
        if path in folders:
            return True
        path = path.rpartition(b"/")[0]
    return False
