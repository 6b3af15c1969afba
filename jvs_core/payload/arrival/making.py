"""Making one payload that arrives: what is there already, next versions of files, what comes, hard links, folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jvs_core.errors import EngineFailed, NoSpace
from jvs_core.payload.arrival import names, versions
from jvs_core.payload.arrival.following import following, make_room
from jvs_core.payload.arrival.stock import Base, Place, Stock, shareable
from jvs_core.payload.arrival.ways import Way
from jvs_core.payload.check.comparison import Comparison, Depth
from jvs_core.payload.check.status import check, check_some
from jvs_core.payload.copy import hard_links
from jvs_core.payload.copy.copying import Answer, Batch, CopyJob
from jvs_core.payload.copy.replication import make_folders
from jvs_core.payload.copy.transfer import Item, Outcome, Transfer
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.removal import remove_tree
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.payload.work.threads import each
from jvs_core.progress import Progress


@dataclass(frozen=True)
class Arrival:
    """A payload that is to lie at ``target`` as ``entries``, the whole manifest, says; what is new comes from ``source``.

    ``base``, where there is one, is the payload there that it most likely resembles. Processes in ``waiting`` may do the
    work, and wait for more afterwards.
    """

    source: Path
    entries: Sequence[Entry]
    target: Path
    base: Base | None = None
    waiting: pool.Standby = field(default_factory=list)


@dataclass
class Losses:
    """What could not be kept of the entries that were made."""

    damaged: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    drifted: list[bytes] = field(default_factory=list)

    def note(self, entry: Entry, made: bytes | Outcome) -> None:
        digest = made if isinstance(made, bytes) else made.sha256
        if entry.kind == FILE and digest != entry.sha256:
            self.damaged.append(entry.path)
        if isinstance(made, bytes):
            return
        if made.gone or (made.changed and entry.kind != FILE):
            self.damaged.append(entry.path)
        if made.refused:
            self.refused.append(entry.path)
        if made.drifted:
            self.drifted.append(entry.path)


class Making:
    """The making of one payload; ``losses`` says what could not be kept, ``made`` which entries are new here."""

    def __init__(
        self, arrival: Arrival, wanted: Sequence[Entry], stock: Stock, way: Way, progress: Progress
    ) -> None:
        self.arrival, self.wanted, self.stock, self.way = arrival, wanted, stock, way
        self.progress = progress
        self.target = arrival.target
        self.losses = Losses()
        self.made: list[int] = []
        self.looked: list[int] = []

    def make(self) -> None:
        """Make everything: the folders' attributes last, for nothing is made in them any more."""
        new, folders, other = self.begin()
        self.renew(other)
        entries = self.arrival.entries
        leaders, groups = hard_links.leaders([entries[position] for position in new])
        chosen = [new[index] for index in leaders]
        if self.way.clone is None:
            large = versions.large(entries, chosen, self.arrival.base, self.stock, self.way)
            chosen = [position for position in chosen if position not in large]
            places = shareable(entries, chosen, self.stock, self.arrival.base)
            refused = names.share(entries, places, self.target, self.progress.advanced, self.arrival.waiting)
            shared = places.keys() - refused
            chosen = [position for position in chosen if position not in shared]
            self.bring(chosen)
            again = [position for position in chosen if position in refused]
            self.stock.replace(self.target, [entries[position] for position in again])
            self.renew(large, fresh=True)
            chosen += large
        else:
            self.bring(chosen)
        self.made = [*chosen, *other]
        joined = [new[index] for members in groups.values() for index in members]
        self.looked = sorted({*folders, *self.made, *joined})
        self.join([[new[index] for index in members] for members in groups.values()])
        self.finish(folders)

    def look(self) -> Comparison:
        """Look at what was made: all of it, or beside files of payloads that were looked at the new ones and all folders."""
        entries = self.arrival.entries
        if self.arrival.base is None:
            return check(self.target, entries, Depth.LOOK)
        return check_some(self.target, [entries[position] for position in self.looked], Depth.LOOK)

    def begin(self) -> tuple[Sequence[int], Sequence[int], Mapping[int, Entry]]:
        """Make the top and all folders, or a clone of the base.

        Returns the positions to make, the folders to finish, and the files of the clone to rewrite, as they were.
        """
        entries, base, clone = self.arrival.entries, self.arrival.base, self.way.clone
        everything = range(len(entries))
        if base is not None and clone is not None:
            todo = following(base.entries, entries, keeps_links=self.way.keeps_links)
            if todo.is_small(entries) and self.cloned(base, clone):
                make_room(self.target, todo)
                make_folders(self.target, [self.wanted[position] for position in todo.new])
                before = {entry.path: entry for entry in base.entries if entry.kind == FOLDER}
                folders = [
                    position
                    for position in everything
                    if entries[position].kind == FOLDER
                    and (
                        entries[position].path in todo.touched
                        or before.get(entries[position].path) != entries[position]
                    )
                ]
                self.progress.advanced(len(entries) - len(todo.new) - len(todo.other))
                return [p for p in todo.new if entries[p].kind != FOLDER], folders, todo.other
        self.way.make_top(self.target)
        make_folders(self.target, self.wanted)
        kinds = [entry.kind == FOLDER for entry in entries]
        return [p for p in everything if not kinds[p]], [p for p in everything if kinds[p]], {}

    def renew(self, others: Mapping[int, Entry], *, fresh: bool = False) -> None:
        """Make files next versions of what they were, in place, or with ``fresh`` as clones of those of the base."""
        base = self.arrival.base
        if not others or base is None:
            return
        job = versions.Versions(self.wanted, others, self.way, fresh=fresh)
        positions = list(others)
        found = each(
            positions,
            lambda: job.open(self.arrival.source, self.target, base.payload),
            max(1, self.way.threads),
        )
        for position, made in zip(positions, found, strict=True):
            self.losses.note(self.wanted[position], made)
        self.progress.advanced(len(positions))

    def cloned(self, base: Base, clone: Callable[[Path, Path], None]) -> bool:
        """Clone the base; False where the file system cannot clone what is in it, and it comes file by file."""
        try:
            clone(base.payload, self.target)
        except NoSpace:
            raise
        except EngineFailed:
            if os.path.lexists(self.target):
                remove_tree(self.target)
            return False
        return True

    def bring(self, positions: Sequence[int]) -> None:
        """Make the entries at ``positions``: of content that is there already, or of the source's."""
        entries, contents = self.arrival.entries, self.stock.contents
        own: dict[int, Place] = {
            position: contents[entries[position].sha256]
            for position in positions
            if entries[position].kind == FILE and entries[position].sha256 in contents
        }
        strange = [position for position in positions if position not in own]
        if self.way.threads:
            whole = {position: Place(self.arrival.source, entries[position].path) for position in strange}
            self.bring_from(whole)
        else:
            self.bring_all(strange)
        self.bring_from(own)

    def bring_all(self, positions: Sequence[int]) -> None:
        """Copy entries from the source, spread over processes where that pays."""
        source, target = (os.path.abspath(os.fsencode(p)) for p in (self.arrival.source, self.target))
        job = CopyJob(
            source,
            target,
            self.way.method,
            Transfer(self.way.method).writeback,
            held=True,
            seal=self.way.seal,
        )

        def done(batch: Batch, answer: Answer) -> None:
            answers = iter(answer)
            for _, items in batch:
                for item in items:
                    self.losses.note(self.wanted[item[0]], next(answers))
            self.progress.advanced(len(answer))

        size = sum(self.wanted[position].size for position in positions)
        count = pool.processes(len(positions), size)
        waiting = self.arrival.waiting
        pool.run(job, self.batches(positions), count=count, done=done, waiting=waiting, keep=True)

    def batches(self, positions: Sequence[int]) -> Iterator[Batch]:
        for chosen in cut([self.wanted[position].size for position in positions]):
            grouped: dict[bytes, list[tuple[Any, ...]]] = {}
            for index in chosen:
                item = self.item(positions[index])
                grouped.setdefault(split(self.wanted[positions[index]].path)[0], []).append(tuple(item))
            yield list(grouped.items())

    def item(self, position: int, name: bytes | None = None) -> Item:
        entry = self.wanted[position]
        return Item(
            position, name or split(entry.path)[1], entry.kind, None, entry.size, entry.mtime_ns, entry.mode,
            entry.uid, entry.gid, entry.target, xattrs=entry.xattrs,
        )  # fmt: skip

    def bring_from(self, places: dict[int, Place]) -> None:
        """Copy entries from where each lies, perhaps under another name."""
        transfer = Transfer(
            self.way.method, hidden=True, held=True, seal=self.way.seal, durable=self.way.durable
        )
        by_payload: dict[Path, list[int]] = {}
        for position, place in places.items():
            by_payload.setdefault(place.payload, []).append(position)
        for payload, positions in by_payload.items():
            self.bring_of(payload, positions, places, transfer)

    def bring_of(
        self, payload: Path, positions: Sequence[int], places: dict[int, Place], transfer: Transfer
    ) -> None:
        @contextmanager
        def opened() -> Iterator[Callable[[int], bytes | Outcome]]:
            with Folders(payload) as sources, Folders(self.target) as targets:
                yield lambda position: self.one(position, places[position], sources, targets, transfer)

        found = each(positions, opened, max(1, self.way.threads))
        for position, made in zip(positions, found, strict=True):
            self.losses.note(self.wanted[position], made)
        self.progress.advanced(len(positions))

    def one(
        self, position: int, place: Place, sources: Folders, targets: Folders, transfer: Transfer
    ) -> bytes | Outcome:
        path = self.wanted[position].path
        (there, old), (here, new) = split(place.path), split(path)
        try:
            source = sources.at(there)
        except OSError as error:
            if error.errno in GONE:
                return Outcome(gone=True)
            raise translate(error, path, reading=True) from error
        try:
            return transfer.bring(self.item(position, old), source, targets.at(here), new, there)
        except Changed:
            return Outcome(gone=True)
        except OSError as error:
            raise translate(error, path) from error

    def join(self, groups: Sequence[Sequence[int]]) -> None:
        """Give the first file of each group its other names."""
        if not groups:
            return
        with Folders(self.target) as first, Folders(self.target) as other:
            for leader, *members in groups:
                for position in members:
                    path = self.wanted[position].path
                    try:
                        hard_links.make(first, other, self.wanted[leader].path, path)
                    except FileNotFoundError:  # the first one is damaged, and named
                        continue
                    except OSError as error:
                        raise translate(error, path) from error
                self.progress.advanced(len(members))

    def finish(self, positions: Sequence[int]) -> None:
        """Give the folders at ``positions`` their attributes, the deepest first."""
        transfer = Transfer(self.way.method, held=True)
        with Folders(self.arrival.source) as sources, Folders(self.target) as targets:
            for position in reversed(positions):
                entry = self.wanted[position]
                try:
                    source = sources.at(entry.path)
                except OSError as error:
                    if error.errno not in GONE:
                        raise translate(error, entry.path, reading=True) from error
                    source = None
                try:
                    made = transfer.folder(entry, (0, 0, -1), source, targets.at(entry.path))
                except OSError as error:
                    raise translate(error, entry.path) from error
                self.losses.note(entry, made._replace(changed=False))
