"""Content hashes and extended attributes of what a scan found, read where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from jvs_core.payload.changes.digests import Digests
from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.changes.index import Recalled
from jvs_core.payload.changes.packed_digests import duplicate
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.entry import FIFO, FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.packed import Editable, PackedEntries
from jvs_core.payload.tree.walk import Scan
from jvs_core.payload.work.threads import each
from jvs_core.progress import SILENT, Progress


def read(
    scan: Scan,
    positions: Sequence[int],
    *,
    threads: int = 0,
    flush: bool = False,
    progress: Progress = SILENT,
) -> list[Digests | None]:
    """Return the digests of the files at ``positions`` of ``scan``; None where a file is not, or not for long, as scanned.

    Raises as ``hash_files``, which says more.
    """
    found = hash_files(
        scan.root,
        [scan.entries[position] for position in positions],
        [scan.stamps[position] for position in positions],
        exact=True,
        xattrs=True,
        flush=flush,
        threads=threads,
        progress=progress,
    )
    return [
        Digests(hashed.sha256, hashed.xattrs) if hashed is not None and hashed.steady else None
        for hashed in found
    ]


def filled(scan: Scan, digests: Sequence[Digests | None], *, threads: int = 1) -> list[Entry]:
    """Return the entries of ``scan`` with the digests of its files (parallel), and the xattrs of all else read now."""
    others = [entry for entry in scan.entries if entry.kind in (FOLDER, FIFO)]
    read = attributes_of(scan.root, others, threads=threads)
    xattrs = {entry.path: digest for entry, digest in zip(others, read, strict=True) if digest}
    entries = []
    for entry, known in zip(scan.entries, digests, strict=True):
        if known is not None:
            entries.append(tuple.__new__(Entry, (*entry[:9], known.xattrs or b"", known.sha256)))
        elif digest := xattrs.get(entry.path):
            entries.append(entry._replace(xattrs=digest))
        else:
            entries.append(entry)
    return entries


def attributes_of(root: Path, entries: Sequence[Entry], *, threads: int) -> list[bytes | None]:
    """Return the digests of the extended attributes that ``entries`` have now in ``root``, None for what is gone.

    They are read in ``threads`` threads. Raises UnsupportedFile or EngineFailed, with the path.
    """

    @contextmanager
    def opened() -> Iterator[Callable[[Entry], bytes | None]]:
        with Folders(root) as folders:
            yield lambda entry: b"" if entry.kind == SYMLINK else _attributes_at(folders, entry)

    with Folders(root) as folders:
        if not attributes.supported(folders.top):
            return [b""] * len(entries)
    return each(entries, opened, threads)


def with_digests(entries: Sequence[Entry], recalled: Recalled, *, complete: bool = False) -> Editable:
    """Return a copy of ``entries`` with the digests that are known; if ``complete``, of those only that are known in full."""
    if not isinstance(entries, PackedEntries):
        few: list[Entry | None] = [
            entry
            if known is None or (complete and known.xattrs is None)
            else tuple.__new__(Entry, (*entry[:9], known.xattrs or b"", known.sha256))
            for entry, known in zip(entries, recalled.digests, strict=True)
        ]
        return few
    filled = entries.copy()
    for position, known in enumerate(recalled.digests):
        if known is None or (complete and known.xattrs is None):
            continue
        if known.xattrs or position in filled.others:
            entry = filled[position]
            filled[position] = tuple.__new__(Entry, (*entry[:9], known.xattrs or b"", known.sha256))
        else:
            filled.give_digest(position, known.sha256)
    return filled


def attributes_now(scan: Scan, recalled: Recalled, *, threads: int) -> Recalled:
    """Return ``recalled`` with the extended attributes of the files that it knows but for them, read now."""
    wanted = [p for p, known in enumerate(recalled.digests) if known is not None and known.xattrs is None]
    if not wanted:
        return recalled
    digests = duplicate(recalled.digests)
    found = attributes_of(scan.root, [scan.entries[position] for position in wanted], threads=threads)
    for position, xattrs in zip(wanted, found, strict=True):
        known = digests[position]
        assert known is not None
        digests[position] = Digests(known.sha256, xattrs or b"")
    return replace(recalled, digests=digests)


def _attributes_at(folders: Folders, entry: Entry) -> bytes | None:
    try:
        if entry.kind == FOLDER:
            return attributes.digest(attributes.read_xattrs(folders.at(entry.path)))
        folder, name = split(entry.path)
        return attributes.digest(attributes.read_xattrs(attributes.below(folders.at(folder), name)))
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, entry.path, reading=True) from error
        return None
