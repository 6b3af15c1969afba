"""What was lost of a worktree, the newest first: seen by snapshots, by in-place restores, in the browser, or just now."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.records import kept
from jvs_core.errors import InputError, IntegrityError, JvsError, NotFound
from jvs_core.model import KeptCopy, UndoPoint, Worktree
from jvs_core.operations import change_index, stored
from jvs_core.operations.change_index import ChangeIndex
from jvs_core.operations.context import Context
from jvs_core.operations.file_history import is_meant, is_there
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.operations.timeline import keeping
from jvs_core.payload.changes import caches
from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FILE, Entry, is_below, text
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.progress import Progress
from jvs_core.results import LossCause, LostFile, Source

_COMPARED_BYTES = 64 << 20
_MOST_RESTORES = 3


@dataclass(frozen=True)
class _Event:
    """One loss: what happened to a path and when (milliseconds), and which snapshot, or kept copy, holds what was lost."""

    at_ms: int
    path: bytes
    what: str
    by: str
    snapshot_id: str | None
    held_by: str

    @property
    def order(self) -> tuple[int, bytes]:
        return -self.at_ms, self.path


def lost(
    ctx: Context,
    name: str,
    *,
    query: str,
    folder: str,
    limit: int,
    after: str | None,
    days: int,
    unreadable: list[str] | None,
    progress: Progress,
) -> list[LostFile]:
    """Return the files that worktree ``name`` lost, the newest loss first. See ``Timeline.deleted``."""
    below = payload_path(folder)
    start = None if after is None else _parsed(after)

    def is_wanted(path: bytes) -> bool:
        return (
            not caches.is_in_known(path)
            and (not below or is_below(path, below))
            and (not query or is_meant(path, query))
        )

    record = ctx.worktree(name)
    problems: list[str] = []
    with (
        change_index.opened(ctx, progress) as index,
        Folders(ctx.layout.worktree(name)) as folders,
    ):
        problems += index.unreadable
        copies = keeping.copies(ctx, name, problems, days=days)
        rows = _Rows(ctx, record, index, folders, copies, is_wanted, problems)
        found = list(islice(rows.after(start), max(limit, 0)))
    if unreadable is not None:
        unreadable += problems
    return found


class _Rows:
    """The rows of one look-up: each path once, with its newest loss."""

    def __init__(
        self,
        ctx: Context,
        record: Worktree,
        index: ChangeIndex,
        folders: Folders,
        copies: Sequence[KeptCopy],
        is_wanted: Callable[[bytes], bool],
        problems: list[str],
    ) -> None:
        self.ctx = ctx
        self.record = record
        self.index = index
        self.folders = folders
        self.is_wanted = is_wanted
        self.problems = problems
        self.copies: dict[bytes, list[KeptCopy]] = {}
        for copy in copies:
            if is_wanted(kept.path_of(copy)):
                self.copies.setdefault(kept.path_of(copy), []).append(copy)
        self.head = record.head_snapshot_id
        self.ages = {each: age for age, each in enumerate(index.lineage(self.head))}

    def after(self, start: tuple[int, bytes] | None) -> Iterator[LostFile]:
        """Yield the rows that come after ``start``."""
        seen: set[bytes] = set()
        for event in heapq.merge(
            self._gone(), self._seen_by_snapshots(), self._restored(), self._copied(), key=lambda e: e.order
        ):
            if event.path in seen:
                continue
            seen.add(event.path)
            if start is None or event.order > start:
                row = self._row(event)
                if row is not None:
                    yield row

    def _gone(self) -> Iterator[_Event]:
        """Yield what the head holds and the worktree does not, at the time when its folder changed last."""
        if self.head is None or self.head not in self.ages:
            return
        taken_ms = _ms(self.head)
        found: list[_Event] = []
        folder, names, changed_ms = None, frozenset[bytes](), taken_ms
        for entry in self._entries(self.head):
            if entry.kind != FILE:
                continue
            above, called = split(entry.path)
            if above != folder:
                folder = above
                names, changed_ms = self._listed(above)
            if called not in names and self.is_wanted(entry.path):
                at = max(changed_ms, taken_ms)
                event = _Event(at, entry.path, "gone", "terminal", None, self.head)
                found += [] if self._was_copied(event) else [event]
        yield from sorted(found, key=lambda event: event.order)

    def _listed(self, folder: bytes) -> tuple[frozenset[bytes], int]:
        """Return what is in a folder, and when it changed last; of one that is not there its parent's time, in milliseconds."""
        try:
            fd = self.folders.at(folder)
            names = frozenset(os.fsencode(each) for each in os.listdir(fd))
            return names, os.fstat(fd).st_mtime_ns // 1_000_000
        except OSError:
            return frozenset(), self._listed(split(folder)[0])[1] if folder else 0

    def _seen_by_snapshots(self) -> Iterator[_Event]:
        group: list[_Event] = []
        for loss in self.index.losses(self.ages):
            if not self.is_wanted(loss.path):
                continue
            what = "overwritten" if loss.overwritten else "deleted"
            at_ms = _ms(loss.snapshot_id)
            event = _Event(at_ms, loss.path, what, "snapshot", loss.snapshot_id, loss.held_by)
            if group and event.at_ms != group[0].at_ms:
                yield from sorted(group, key=lambda each: each.order)
                group = []
            if not self._was_copied(event):
                group.append(event)
        yield from sorted(group, key=lambda each: each.order)

    def _restored(self) -> Iterator[_Event]:
        """Yield what the last in-place restores removed; the snapshot before each holds it."""
        points = sorted(
            (*self.record.undo, *self.record.redo), key=lambda point: point.restored_at, reverse=True
        )
        for point in points[:_MOST_RESTORES]:
            at_ms, by = clock.parse(point.restored_at), point.restored_snapshot_id
            events = (
                _Event(at_ms, path, "deleted", "restore", by, point.snapshot_id)
                for path in self._removed_by(point)
                if self.is_wanted(path)
            )
            yield from sorted(events, key=lambda event: event.order)

    def _removed_by(self, point: UndoPoint) -> Iterator[bytes]:
        restored = self._entries(point.restored_snapshot_id)
        if point.path is not None:
            inner, here = bytes.fromhex(point.path), bytes.fromhex(point.to or point.path)
            kept_paths = {
                here + entry.path[len(inner) :] for entry in restored if is_below(entry.path, inner)
            }
        else:
            here, kept_paths = b"", {entry.path for entry in restored}
        for entry in self._entries(point.snapshot_id):
            if (
                entry.kind == FILE
                and entry.path not in kept_paths
                and (not here or is_below(entry.path, here))
            ):
                yield entry.path

    def _copied(self) -> Iterator[_Event]:
        events = [
            _Event(clock.parse(copy.kept_at), path, _what(copy), "browser", None, copy.copy_id)
            for path, copies in self.copies.items()
            for copy in copies
        ]
        yield from sorted(events, key=lambda event: event.order)

    def _entries(self, snapshot_id: str) -> Sequence[Entry]:
        try:
            return stored.entries(self.ctx.layout, snapshot_id)
        except (IntegrityError, NotFound) as error:  # thinned out, or damaged
            self.problems.append(error.message)
            return ()

    def _row(self, event: _Event) -> LostFile | None:
        """Return the row of a loss, from the copy that was kept of it, if any; None for what is as it was by now."""
        copy = self._copy(event)
        if copy is not None:
            found: tuple[int, bytes | None] | None = (copy.size, bytes.fromhex(copy.sha256))
            note = None
            source = Source(copy_id=copy.copy_id)
        else:
            found = self._content(event)
            note = None if event.snapshot_id is None else self._note(event.snapshot_id)
            source = Source(snapshot_id=event.held_by)
        if found is None:
            return None
        size, digest = found
        by = LossCause.model_validate({"kind": event.by, "snapshot_id": event.snapshot_id, "note": note})
        here = is_there(self.folders, event.path)
        if here and self._is_as_it_was(event.path, size, digest):
            return None
        return LostFile.model_validate(
            {
                "file": text(event.path),
                "what": event.what,
                "at": clock.timestamp(event.at_ms),
                "by": by,
                "size": size,
                "sha256": digest.hex() if digest else None,
                "versions": self._versions(event.path, digest),
                "source": source,
                "in_worktree": here,
                "next": f"{event.at_ms}-{event.path.hex()}",
            }
        )

    def _was_copied(self, event: _Event) -> bool:
        """Return whether a copy was kept of this very loss, after the snapshot that holds what was lost: it says more."""
        since_ms = _ms(event.held_by)
        return any(
            since_ms < clock.parse(copy.kept_at) <= event.at_ms for copy in self.copies.get(event.path, ())
        )

    def _copy(self, event: _Event) -> KeptCopy | None:
        copies = self.copies.get(event.path, ()) if event.by == "browser" else ()
        return next((copy for copy in copies if copy.copy_id == event.held_by), None)

    def _content(self, event: _Event) -> tuple[int, bytes | None] | None:
        number = self.index.number_of(event.path)
        if event.held_by in self.ages and number is not None:
            found = self.index.content(number, self.ages, event.held_by)
            return None if found is None else (found.size, found.sha256)
        entry = next((each for each in self._entries(event.held_by) if each.path == event.path), None)
        return None if entry is None else (entry.size, entry.sha256)

    def _versions(self, path: bytes, digest: bytes | None) -> int:
        number = self.index.number_of(path)
        known: set[bytes | None] = {digest}
        known.update(bytes.fromhex(copy.sha256) for copy in self.copies.get(path, ()))
        if number is not None:
            known.update(
                change.sha256
                for change in self.index.changes_of(number)
                if change.kind is not None and change.snapshot_id in self.ages
            )
        return len(known)

    def _note(self, snapshot_id: str) -> str | None:
        with suppress(JvsError):
            return catalog.show(self.ctx.layout, snapshot_id).note or None
        return None

    def _is_as_it_was(self, path: bytes, size: int, digest: bytes | None) -> bool:
        """Return whether a file is there whose content is what was lost; a large one is not read for that."""
        folder, name = split(path)
        if size > _COMPARED_BYTES or digest is None:
            return False
        try:
            fd, st = content.open_regular(name, self.folders.at(folder))
        except (OSError, Changed):
            return False
        try:
            return st.st_size == size and content.hash_fd(fd, size) == digest
        finally:
            os.close(fd)


def _what(copy: KeptCopy) -> str:
    return "deleted" if copy.cause == "delete" else "overwritten"


def _ms(snapshot_id: str) -> int:
    return int(snapshot_id[:13])


def _parsed(after: str) -> tuple[int, bytes]:
    at, _, path = after.partition("-")
    try:
        return -int(at), bytes.fromhex(path)
    except ValueError as error:
        raise InputError(
            f"{after!r} is not the value of 'next' in a row", hint="give the value of 'next' in the last row"
        ) from error
