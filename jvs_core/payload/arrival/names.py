"""Giving files of earlier payloads further names in a new one; runs in worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core.payload.arrival.stock import Place
from jvs_core.payload.tree import hard_link
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.work import pool

BATCH_NAMES = 500
Batch = list[tuple[bytes, list[int], list[bytes]]]
"""Folders, and parallel lists of positions and names in each."""


@dataclass(frozen=True)
class NamesJob:
    """Links files of the payload ``earlier`` into ``target``, whose folders exist, under the same paths.

    Both are absolute paths. Returns the positions that were refused, because a file takes no more names, say.
    """

    earlier: bytes
    target: bytes

    @contextmanager
    def open(self) -> Iterator[Callable[[Batch], list[int]]]:
        """Open both trees; yield the function that does a batch."""
        with Folders(self.earlier) as earlier, Folders(self.target) as target:

            def work(batch: Batch) -> list[int]:
                return [position for each in batch for position in _link(earlier, target, *each)]

            yield work


def _link(
    earlier: Folders, target: Folders, folder: bytes, positions: list[int], names: list[bytes]
) -> list[int]:
    try:
        source = earlier.at(folder)
    except OSError:
        return positions
    place = target.at(folder)
    refused = []
    for position, name in zip(positions, names, strict=True):
        try:
            if not hard_link.link(source, name, place):
                refused.append(position)
        except OSError as error:
            raise translate(error, b"/".join(filter(None, (folder, name)))) from error
    return refused


def share(
    entries: Sequence[Entry],
    places: Mapping[int, Place],
    target: Path,
    advanced: Callable[[int], None],
    waiting: pool.Standby,
) -> set[int]:
    """Make the entries at the positions in ``places`` further names of the files there; return those that were refused."""
    refused: set[int] = set()
    alike: dict[Path, list[int]] = {}
    for position, place in places.items():
        if place.path == entries[position].path:
            alike.setdefault(place.payload, []).append(position)
        elif not _link_one(place, target, entries[position].path):
            refused.add(position)
    for earlier, positions in alike.items():
        job = NamesJob(*(os.path.abspath(os.fsencode(path)) for path in (earlier, target)))

        def done(batch: Batch, answer: list[int]) -> None:
            refused.update(answer)
            advanced(sum(len(positions) for _, positions, _ in batch))

        count = pool.processes(len(positions), 0)
        pool.run(job, _batches(entries, positions), count=count, done=done, waiting=waiting, keep=True)
    return refused


def _batches(entries: Sequence[Entry], positions: Sequence[int]) -> Iterator[Batch]:
    for start in range(0, len(positions), BATCH_NAMES):
        grouped: dict[bytes, tuple[list[int], list[bytes]]] = {}
        for position in positions[start : start + BATCH_NAMES]:
            folder, name = split(entries[position].path)
            there, names = grouped.setdefault(folder, ([], []))
            there.append(position)
            names.append(name)
        yield [(folder, *lists) for folder, lists in grouped.items()]


def _link_one(place: Place, target: Path, path: bytes) -> bool:
    (folder, name), (here, new) = split(place.path), split(path)
    try:
        with Folders(place.payload) as earlier, Folders(target) as targets:
            os.link(
                name, new, src_dir_fd=earlier.at(folder), dst_dir_fd=targets.at(here), follow_symlinks=False
            )
    except OSError as error:
        if error.errno in hard_link.NO_MORE_NAMES:
            return False
        raise translate(error, path) from error
    return True
