"""A tree that ``juicefs clone`` made: whether it is what was found in its source, and what it is where it is not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jvs_core.errors import EngineFailed
from jvs_core.payload.changes.digests import Digests
from jvs_core.payload.changes.reading import attributes_of, filled, read
from jvs_core.payload.copy.clone_corrections import leave_out
from jvs_core.payload.copy.tree_attributes import folder_times
from jvs_core.payload.manifest.lines import encode
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.exclude_rules import ExcludeRules
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.stat_comparison import FORMS, look
from jvs_core.payload.tree.walk import scan


def with_attributes(entries: Sequence[Entry], target: Path) -> list[Entry]:
    """Return ``entries`` with the extended attributes that ``target`` has."""
    found = (xattrs or b"" for xattrs in attributes_of(target, entries, threads=juicefs.THREADS))
    return [
        entry if entry.xattrs == xattrs else entry._replace(xattrs=xattrs)
        for entry, xattrs in zip(entries, found, strict=True)
    ]


class Expected:
    """What a clone of ``entries`` must look like, made ready while the client works."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._wanted = [_wanted(entry) for entry in entries]
        self._lines = encode(entries)

    def differences(self, target: Path, entries: Sequence[Entry]) -> list[bytes]:
        """Return the paths at which ``target`` is not what ``entries`` say, which are those of the beginning or corrected."""
        wanted = [
            known if entry is before else _wanted(entry)
            for known, entry, before in zip(self._wanted, entries, self._entries, strict=True)
        ]

        def same(position: int, st: os.stat_result) -> bool:
            mode, uid, gid, mtime_ns, size = wanted[position]
            return (
                st.st_mtime_ns == mtime_ns
                and st.st_mode == mode
                and st.st_uid == uid
                and st.st_gid == gid
                and size in (-1, st.st_size)
            )

        return look(target, entries, same, threads=juicefs.THREADS).paths()

    def lines(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Return the manifest's lines of ``entries``, None for those that were corrected since."""
        pairs = zip(self._lines, entries, self._entries, strict=True)
        return [line if entry is before else None for line, entry, before in pairs]


def _wanted(entry: Entry) -> tuple[int, int, int, int, int]:
    size = entry.size if entry.kind == FILE else -1
    return FORMS[entry.kind] | entry.mode, entry.uid, entry.gid, entry.mtime_ns, size


def as_it_is(
    target: Path, entries: Sequence[Entry], changed: set[bytes], exclude: ExcludeRules
) -> Sequence[Entry]:
    """Describe the clone by its own bytes wherever it is not known to equal what was found in the source."""
    truth = scan(target, exclude=exclude)
    if truth.left_out:
        unwanted = leave_out(target, [each.path for each in truth.left_out])
        folder_times(target, truth.entries, unwanted)
        truth = scan(target)
    known = {
        e.path: Digests(e.sha256, e.xattrs)
        for e in entries
        if e.kind == FILE and e.sha256 and e.path not in changed
    }
    digests = [known.get(entry.path) for entry in truth.entries]
    unknown = [
        position
        for position, entry in enumerate(truth.entries)
        if entry.kind == FILE and digests[position] is None
    ]
    for position, fresh in zip(unknown, read(truth, unknown, threads=juicefs.THREADS), strict=True):
        if fresh is None:
            raise EngineFailed(
                f"the clone changed while JVS read it: {listed([truth.entries[position].path])}"
            )
        digests[position] = fresh
    return filled(truth, digests, threads=juicefs.THREADS)
