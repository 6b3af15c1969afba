"""Checking every byte of many payloads, one after the other; a file that they share by hard link is read once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from jvs_core.errors import PartialSnapshot
from jvs_core.payload import manifest
from jvs_core.payload.check.comparison import Comparison
from jvs_core.payload.check.evidence import IDENTITY, Evidence, FoundInPart, Part, Reading, Share, corrupt
from jvs_core.payload.check.extras import extras
from jvs_core.payload.check.matching import MatchJob
from jvs_core.payload.manifest.lines import decode, path_of
from jvs_core.payload.tree.entry import is_alike
from jvs_core.payload.tree.folders import split
from jvs_core.payload.tree.link_groups import regrouped
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import BATCH_FILES, cut
from jvs_core.payload.work.threads import each
from jvs_core.progress import Progress

MOST_REMEMBERED = 4_000_000
WAITING_FILES = 16  # that each thread has open
_PARTS_A_THREAD = 8  # between two reports of progress


class Inspection:
    """The inspection of any number of payloads, which remembers the files with hard links that it has read.

    With ``threads`` it works in so many threads, for file systems on which every call waits; without, in processes
    where there is enough to do, those in ``waiting`` first. At most ``most`` files are remembered; the oldest are
    forgotten, and then read again. With a ``share`` only contents that are in it are read; the other files are looked at.
    """

    def __init__(
        self,
        *,
        threads: int = 0,
        waiting: pool.Standby | None = None,
        most: int | None = None,
        share: Share | None = None,
    ) -> None:
        self._threads = threads
        self._step = WAITING_FILES if threads else BATCH_FILES
        self._waiting = waiting
        self._most = MOST_REMEMBERED if most is None else most
        self._share = share
        self._known: dict[bytes, bytes] = {}

    def inspect(
        self, root: Path, lines: Sequence[bytes], *, files: int, size: int, progress: Progress
    ) -> Comparison:
        """Compare the payload ``root`` with the ``lines`` of its manifest, which has ``files`` files of ``size`` bytes.

        Reports the step ``verify``, in files.

        Raises
        ------
        DescriptorCorrupt
            No manifest can have these lines; the strict parser says why.
        PartialSnapshot
            The payload is not there.
        EngineFailed
            The inspection itself failed, which says nothing about the payload.
        """
        progress.started("verify", files)
        step = self._step
        reading: Reading = "shared" if self._known else "first"
        parts = (
            Part(start, b"\n".join(lines[start : start + step]), reading, self._share)
            for start in range(0, len(lines), step)
        )
        results = self._run(root, parts, pool.processes(files, size), progress)
        closed = next((part.closed for part in results if part.closed), None)
        if closed is not None and not isinstance(closed, PartialSnapshot):
            return Comparison(unreadable={b"": closed})
        evidence = Evidence.of(results)
        root_hash = manifest.root_hash_of(part.records for part in results)
        del results
        self._read_rest(root, lines, evidence, progress)
        self._remember(lines, evidence)
        progress.finished("verify")
        return _compared(root, lines, evidence, root_hash)

    def _run(self, root: Path, parts: Iterable[Part], count: int, progress: Progress) -> list[FoundInPart]:
        job = MatchJob(os.fsencode(os.path.abspath(root)))
        if self._threads:
            every: list[FoundInPart] = []
            coming = iter(parts)
            while some := list(islice(coming, self._threads * _PARTS_A_THREAD)):
                done = each(some, job.open, self._threads)
                progress.advanced(sum(found.files for found in done))
                every += done
            return every
        results: dict[int, FoundInPart] = {}

        def take(part: Part, found: FoundInPart) -> None:
            results[part.start] = found
            progress.advanced(found.files)

        keep = self._waiting is not None
        pool.run(job, parts, count=count, done=take, waiting=self._waiting, here=False, keep=keep)
        return [results[start] for start in sorted(results)]

    def _read_rest(self, root: Path, lines: Sequence[bytes], evidence: Evidence, progress: Progress) -> None:
        """Find the result for each unread file: a remembered one, or by reading each inode once."""
        names: dict[bytes, list[int]] = {}
        known = map(self._known.get, map(evidence.inodes.__getitem__, evidence.unread))
        for position, known_line in zip(evidence.unread, known, strict=True):
            if known_line is None:
                names.setdefault(evidence.inodes[position], []).append(position)
            elif known_line != lines[position]:
                evidence.settle(lines, position, known_line)
        progress.advanced(len(evidence.unread) - len(names))
        while names:
            self._read(root, lines, [positions[0] for positions in names.values()], evidence, progress)
            names = _settled(lines, names, evidence)

    def _read(
        self,
        root: Path,
        lines: Sequence[bytes],
        positions: Sequence[int],
        evidence: Evidence,
        progress: Progress,
    ) -> None:
        """Read the files at ``positions``."""
        sizes = [evidence.unread[position] for position in positions]
        ordered: list[int] = []
        parts = []
        for places in cut(sizes, self._step):
            batch = [positions[place] for place in places]
            parts.append(Part(len(ordered), b"\n".join([lines[position] for position in batch]), "all"))
            ordered += batch
        evidence.read(ordered, self._run(root, parts, pool.processes(len(positions), sum(sizes)), progress))

    def _remember(self, lines: Sequence[bytes], evidence: Evidence) -> None:
        known = self._known
        known.update(zip(evidence.inodes, lines, strict=True))
        known.update((evidence.inodes[position], line) for position, line in evidence.other.items() if line)
        missing = [position for position, line in evidence.other.items() if not line]
        for inode in [b"", *(evidence.inodes[position] for position in (*evidence.failures, *missing))]:
            known.pop(inode, None)
        for inode in list(islice(known, max(0, len(known) - self._most))):
            del known[inode]


def _settled(
    lines: Sequence[bytes], names: dict[bytes, list[int]], evidence: Evidence
) -> dict[bytes, list[int]]:
    """Give hard links the result of the one that was read; return those that are no hard link to it any more."""
    left = {}
    for inode, (first, *others) in names.items():
        if others and evidence.inodes[first][:IDENTITY] != inode[:IDENTITY]:
            left[inode] = others
            continue
        for position in others:
            evidence.settle_as(lines, position, first)
    return left


def _compared(root: Path, lines: Sequence[bytes], evidence: Evidence, root_hash: str) -> Comparison:
    """Return the comparison that follows from the ``evidence``. Raises DescriptorCorrupt for a malformed line."""
    failures = {path_of(lines[position]): error for position, error in evidence.failures.items()}
    missing, different, drifted = set[bytes](), set[bytes](), set[bytes]()
    counts = evidence.listed.items()
    suspect = {folder for folder, count in counts if 0 <= count != evidence.children.get(folder, 0)}
    for position, made in evidence.other.items():
        try:
            wanted = decode(lines[position])
        except ValueError as error:
            raise corrupt(str(error)) from error
        if made is not None and is_alike(wanted, decode(made)):
            drifted.add(wanted.path)
            continue
        (missing if made is None else different).add(wanted.path)
        suspect.add(split(wanted.path)[0])
    extra, unlisted = extras(root, suspect, {path_of(line) for line in lines}) if suspect else (set(), {})
    identities = [inode[:IDENTITY] for inode in evidence.inodes]
    links = [path_of(lines[position]) for position in regrouped(identities, evidence.groups)]
    unreadable = failures | unlisted
    found = Comparison.of(
        missing, extra, different, drifted, unreadable, regrouped=links, root_hash=root_hash
    )
    return replace(found, unread=evidence.left) if evidence.left else found
