"""Inspecting payloads one after the other: each held whole against its manifest, each inode read once for them all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from jvs_core.payload import manifest
from jvs_core.payload.check.matching import MatchJob
from jvs_core.payload.check.part import IDENTITY, Held, Part, Reading
from jvs_core.payload.check.sighting import Sighting
from jvs_core.payload.check.verdict import Verdict, judge
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import BATCH_FILES, cut
from jvs_core.payload.work.threads import each
from jvs_core.progress import Progress

MOST_REMEMBERED = 4_000_000
_WAITING_FILES = 16
_PARTS_A_THREAD = 8  # between two reports of progress


class Inspection:
    """The inspection of any number of payloads, and what it knows of files that others of them may hold too.

    It works in ``threads`` threads where there are some, for file systems on which every call waits; else in several
    processes where there is enough to do, those in ``waiting`` first, and this one has time for something else. A file
    of several names is remembered until there are ``most``; then the oldest are forgotten, which costs reading them
    again and nothing else.
    """

    def __init__(
        self, *, threads: int = 0, waiting: pool.Standby | None = None, most: int | None = None
    ) -> None:
        self._threads = threads
        self._waiting = waiting
        self._most = MOST_REMEMBERED if most is None else most
        self._known: dict[bytes, bytes] = {}

    def inspect(
        self, root: Path, lines: Sequence[bytes], *, files: int, size: int, progress: Progress
    ) -> Verdict:
        """Hold the payload ``root`` against the ``lines`` of its manifest; ``files`` and ``size`` say how much it is.

        Reports the step ``verify``, in files.

        Raises
        ------
        DescriptorCorrupt
            No manifest can have these lines; reading it strictly says why.
        PartialSnapshot
            The payload cannot be opened.
        EngineFailed
            The inspection itself failed, which says nothing about the payload.
        """
        progress.started("verify", files)
        step = _WAITING_FILES if self._threads else BATCH_FILES
        reading: Reading = "shared" if self._known else "first"
        parts = (
            Part(start, b"\n".join(lines[start : start + step]), reading)
            for start in range(0, len(lines), step)
        )
        results = self._run(root, parts, pool.processes(files, size), progress)
        seen = Sighting.of(root, results)
        root_hash = manifest.root_hash_of(held.records for held in results)
        del results
        self._read_rest(root, lines, seen, progress)
        self._remember(lines, seen)
        progress.finished("verify")
        return judge(root, lines, seen, root_hash)

    def _run(self, root: Path, parts: Iterable[Part], count: int, progress: Progress) -> list[Held]:
        job = MatchJob(os.fsencode(os.path.abspath(root)))
        if self._threads:
            found: list[Held] = []
            coming = iter(parts)
            while some := list(islice(coming, self._threads * _PARTS_A_THREAD)):
                done = each(some, job.open, self._threads)
                progress.advanced(sum(held.files for held in done))
                found += done
            return found
        results: dict[int, Held] = {}

        def take(part: Part, held: Held) -> None:
            results[part.start] = held
            progress.advanced(held.files)

        keep = self._waiting is not None
        pool.run(job, parts, count=count, done=take, waiting=self._waiting, here=False, keep=keep)
        return [results[start] for start in sorted(results)]

    def _read_rest(self, root: Path, lines: Sequence[bytes], seen: Sighting, progress: Progress) -> None:
        """Settle the files that were only looked at: by what is known of them, and each other inode by reading it once."""
        names: dict[bytes, list[int]] = {}
        known = map(self._known.get, map(seen.inodes.__getitem__, seen.unread))
        for position, known_line in zip(seen.unread, known, strict=True):
            if known_line is None:
                names.setdefault(seen.inodes[position], []).append(position)
            elif known_line != lines[position]:
                seen.settle(lines, position, known_line)
        progress.advanced(len(seen.unread) - len(names))
        while names:
            self._read(root, lines, [positions[0] for positions in names.values()], seen, progress)
            names = _settled(lines, names, seen)

    def _read(
        self, root: Path, lines: Sequence[bytes], positions: Sequence[int], seen: Sighting, progress: Progress
    ) -> None:
        """Read the files at ``positions``."""
        sizes = [seen.unread[position] for position in positions]
        ordered: list[int] = []
        parts = []
        for places in cut(sizes):
            batch = [positions[place] for place in places]
            parts.append(Part(len(ordered), b"\n".join([lines[position] for position in batch]), "all"))
            ordered += batch
        seen.read(ordered, self._run(root, parts, pool.processes(len(positions), sum(sizes)), progress))

    def _remember(self, lines: Sequence[bytes], seen: Sighting) -> None:
        known = self._known
        known.update(zip(seen.inodes, lines, strict=True))
        known.update((seen.inodes[position], line) for position, line in seen.found.items() if line)
        missing = [position for position, line in seen.found.items() if not line]
        for inode in [b"", *(seen.inodes[position] for position in (*seen.failures, *missing))]:
            known.pop(inode, None)
        for inode in list(islice(known, max(0, len(known) - self._most))):
            del known[inode]


def _settled(lines: Sequence[bytes], names: dict[bytes, list[int]], seen: Sighting) -> dict[bytes, list[int]]:
    """Settle the other names of each file by the first one, which was read; return those of what it is no name of any more."""
    left = {}
    for inode, (first, *others) in names.items():
        if others and seen.inodes[first][:IDENTITY] != inode[:IDENTITY]:
            left[inode] = others
            continue
        for position in others:
            seen.settle_as(lines, position, first)
    return left
