"""Checking every byte of many payloads, one after the other; a file that they share by hard link is read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from jvs_core.errors import JvsError, PartialSnapshot
from jvs_core.payload import manifest
from jvs_core.payload.check.comparison import Comparison
from jvs_core.payload.check.evidence import IDENTITY, Evidence, FoundInPart, Part, Reading, Share, corrupt
from jvs_core.payload.check.extras import extras
from jvs_core.payload.check.matching import MatchJob
from jvs_core.payload.check.remembered import Remembered
from jvs_core.payload.manifest.lines import decode, path_of
from jvs_core.payload.tree.entry import Entry, is_alike
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
        self._share = share
        self._known = Remembered(MOST_REMEMBERED if most is None else most)

    def inspect(
        self,
        root: Path,
        lines: Sequence[bytes],
        *,
        files: int,
        size: int,
        progress: Progress,
        remember: bool = True,
    ) -> Comparison:
        """Compare the payload ``root`` with the ``lines`` of its manifest, which has ``files`` files of ``size`` bytes.

        What was read is remembered for the payloads to come, unless none comes. Reports the step ``verify``, in files.

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
        every = _Assembly(step)
        self._run(root, parts, pool.processes(files, size), every.take, progress)
        if every.closed is not None and not isinstance(every.closed, PartialSnapshot):
            return Comparison(unreadable={b"": every.closed})
        evidence = every.evidence_of_all()
        self._read_rest(root, lines, evidence, progress)
        if remember:
            self._known.take(lines, evidence)
        progress.finished("verify")
        return _compared(root, lines, evidence, every.root.hexdigest())

    def _run(
        self,
        root: Path,
        parts: Iterable[Part],
        count: int,
        take: Callable[[Part, FoundInPart], None],
        progress: Progress,
    ) -> None:
        """Have every one of ``parts`` compared, and ``take`` told what was found, in any order."""
        job = MatchJob(os.fsencode(os.path.abspath(root)))

        def done(part: Part, found: FoundInPart) -> None:
            take(part, found)
            progress.advanced(found.files)

        if self._threads:
            coming = iter(parts)
            while some := list(islice(coming, self._threads * _PARTS_A_THREAD)):
                for part, found in zip(some, each(some, job.open, self._threads), strict=True):
                    done(part, found)
            return
        keep = self._waiting is not None
        pool.run(job, parts, count=count, done=done, waiting=self._waiting, here=False, keep=keep)

    def _read_rest(self, root: Path, lines: Sequence[bytes], evidence: Evidence, progress: Progress) -> None:
        """Find the result for each unread file: a remembered one, or by reading each inode once."""
        names: dict[bytes, list[int]] = {}
        for position in evidence.unread:
            stamp, line = evidence.inodes[position], lines[position]
            right = self._known.right(stamp, line)
            if right is None:
                names.setdefault(stamp, []).append(position)
            elif right != line:
                evidence.settle(lines, position, right)
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
        sizes = [_decoded(lines[position]).size for position in positions]
        ordered: list[int] = []
        parts = []
        for places in cut(sizes, self._step):
            batch = [positions[place] for place in places]
            parts.append(Part(len(ordered), b"\n".join([lines[position] for position in batch]), "all"))
            ordered += batch
        found: dict[int, FoundInPart] = {}

        def take(part: Part, one: FoundInPart) -> None:
            found[part.start] = one

        self._run(root, parts, pool.processes(len(positions), sum(sizes)), take, progress)
        evidence.read(ordered, [found[start] for start in sorted(found)])


class _Assembly:
    """The parts of a payload put together in order, ``step`` lines each, as they come; little of them is kept.

    What follows the first part that no manifest can have is not looked at. ``closed`` is why a payload could not be opened.
    """

    def __init__(self, step: int) -> None:
        self.root = manifest.RootHash()
        self.closed: JvsError | None = None
        self._evidence = Evidence()
        self._failure: JvsError | None = None
        self._step, self._next = step, 0
        self._waiting: dict[int, FoundInPart] = {}

    def take(self, part: Part, found: FoundInPart) -> None:
        """Take what was found for a part."""
        self.closed = self.closed or found.closed
        self._waiting[part.start] = found
        while (following := self._waiting.pop(self._next, None)) is not None:
            self._next += self._step
            if self._failure is None:
                try:
                    self._evidence.add(following)
                except JvsError as error:
                    self._failure = error
                self.root.add(following.records)

    def evidence_of_all(self) -> Evidence:
        """Return the evidence, all parts having come. Raises PartialSnapshot, DescriptorCorrupt."""
        if self._failure is not None:
            raise self._failure
        self._evidence.require_tree()
        return self._evidence


def _decoded(line: bytes) -> Entry:
    """Return the entry of a line. Raises DescriptorCorrupt: not every number was looked at where it was compared."""
    try:
        return decode(line)
    except ValueError as error:
        raise corrupt(str(error)) from error


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
        wanted = _decoded(lines[position])
        if made is not None and is_alike(wanted, decode(made)):
            drifted.add(wanted.path)
            continue
        (missing if made is None else different).add(wanted.path)
        suspect.add(split(wanted.path)[0])
    extra, unlisted = extras(root, suspect, {path_of(line) for line in lines}) if suspect else (set(), {})
    identities = evidence.inodes.identities()
    links = [path_of(lines[position]) for position in regrouped(identities, evidence.groups)]
    unreadable = failures | unlisted
    found = Comparison.of(
        missing, extra, different, drifted, unreadable, regrouped=links, root_hash=root_hash
    )
    return replace(found, unread=evidence.left) if evidence.left else found
