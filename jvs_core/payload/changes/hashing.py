"""Hashing many files of a tree at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import Unsized, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import Stamp
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.progress import SILENT, Progress

Digest = bytes | None
HashBatch = list[tuple[int, bytes]]


@dataclass(frozen=True)
class HashJob:
    """Hashes batches of (position, path) below ``root``; None for what is no readable regular file.

    With ``flush`` each is fsynced first.
    """

    root: bytes
    flush: bool = False

    @contextmanager
    def open(self) -> Iterator[Callable[[HashBatch], list[Digest]]]:
        """Open the tree; yield the function that hashes a batch."""
        with Folders(self.root) as folders:
            yield lambda batch: [_hash(folders, path, flush=self.flush) for _, path in batch]


def _hash(folders: Folders, path: bytes, *, flush: bool) -> Digest:
    folder, name = split(path)
    try:
        fd, st = content.open_regular(name, folders.at(folder))
    except (OSError, Changed):
        return None
    try:
        if flush:
            os.fsync(fd)
        return content.hash_fd(fd, st.st_size)
    except Unsized as error:
        raise translate(error, path, reading=True) from error
    except OSError:
        return None
    finally:
        os.close(fd)


def hash_files(
    root: Path,
    entries: Sequence[Entry],
    *,
    stamps: Sequence[Stamp] | None = None,
    seen: dict[tuple[int, int], bytes] | None = None,
    flush: bool = False,
    progress: Progress = SILENT,
) -> list[Digest]:
    """Read every regular file of ``entries`` below ``root``; return the SHA-256 of each, parallel to them.

    None stands for what cannot be read or is no regular file, and ``b""`` for entries that are none either. With
    ``stamps`` (parallel, from a scan) an inode of several names is read once; ``seen`` carries that knowledge from
    one call to the next and is added to. With ``flush`` each file is fsynced before it is read.
    """
    digests: list[Digest] = [b""] * len(entries)
    known = {} if seen is None else seen
    aliases: list[tuple[int, int]] = []
    first: dict[tuple[int, int], int] = {}
    chosen: list[int] = []
    for position, entry in enumerate(entries):
        if entry.kind != FILE:
            continue
        if stamps is not None:
            inode = stamps[position][:2]
            if inode in known:
                digests[position] = known[inode]
                continue
            leader = first.setdefault(inode, position)
            if leader != position:
                aliases.append((position, leader))
                continue
        chosen.append(position)
    sizes = [entries[position].size for position in chosen]

    def done(batch: HashBatch, answer: list[Digest]) -> None:
        for (position, _), digest in zip(batch, answer, strict=True):
            digests[position] = digest
        progress.advanced(len(batch))

    progress.started("hash", len(chosen))
    batches = ([(chosen[i], entries[chosen[i]].path) for i in part] for part in cut(sizes))
    job = HashJob(os.path.abspath(os.fsencode(root)), flush)
    pool.run(job, batches, count=pool.processes(len(chosen), sum(sizes)), done=done)
    for position, leader in aliases:
        digests[position] = digests[leader]
    if seen is not None and stamps is not None:
        for position in chosen:
            digest = digests[position]
            if digest:
                seen[stamps[position][:2]] = digest
    progress.finished("hash")
    return digests
