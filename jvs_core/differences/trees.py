"""What changed inside the paths of two snapshots, or of a snapshot and a worktree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import BinaryIO

from jvs_core.differences.bounds import MB, Bounds
from jvs_core.differences.inside import Change
from jvs_core.differences.memory import remembered
from jvs_core.differences.model import Difference, Differences, NotebookDetail, TableDetail, TextDetail
from jvs_core.differences.version import Version, given, stored
from jvs_core.errors import EngineFailed, JvsError, PathNotFound, PayloadHashMismatch
from jvs_core.progress import SILENT, Progress
from jvs_core.repository import Repository
from jvs_core.results import ChangedEntry, TreeEntry

MOST_PATHS = 500
_MOST_READ = 1_000 * MB
_MOST_SHOWN = 50_000
_LARGEST_HASHED = 1_000 * MB
_PIECE = 1 << 20


def what_changed(
    repository: Repository,
    before: str = "HEAD",
    after: str | None = None,
    *,
    paths: Sequence[str] = (),
    inside: bool = True,
    everything: bool = False,
    caches: bool = True,
    worktree: str | None = None,
    progress: Progress = SILENT,
) -> Differences:
    """Return what changed from snapshot ``before`` to snapshot ``after`` (None: the worktree as it is), path by path.

    ``paths`` chooses as in ``Repository.compare``. Without ``inside`` nothing is read: sizes, digests and modes only. ``everything``
    also compares what changes whenever a notebook runs (execution counts, ids, widgets). It looks inside at most 500
    paths, 1,000 MB of content and 50,000 lines, cells and rows; ``left_out`` counts the others, caches first. A file that
    is damaged or cannot be read says so in ``stopped`` of its difference. Raises as ``Repository.compare``.
    """
    found = repository.changed_entries(
        before, after, paths=paths, worktree=worktree, caches=caches, progress=progress
    )
    opener = _Opener(
        repository, found.comparison.from_, None if after is None else found.comparison.to, worktree
    )
    allowance = _Allowance()
    changes: list[Difference] = []
    left_out = 0
    for entry in found.entries:
        looks = inside and allowance.has(entry)
        left_out += inside and not looks
        changes.append(opener.difference(entry, inside=looks, everything=everything))
        allowance.spend(entry if looks else None, changes[-1])
    stopped = [f"for {left_out:,} further paths, only size and digest are shown"] if left_out else []
    comparison = found.comparison
    return Differences.model_construct(
        **{
            name: getattr(comparison, name)
            for name in ("from_", "to", "added", "modified", "removed", "renamed", "caches")
        },
        changes=changes,
        left_out=left_out,
        stopped=stopped,
    )


def what_changed_in(
    repository: Repository,
    path: str,
    before: str | None = "HEAD",
    after: str | None = None,
    *,
    old_path: str | None = None,
    content: bytes | None = None,
    everything: bool = False,
    worktree: str | None = None,
    bounds: Bounds | None = None,
) -> Difference:
    """Return how one path differs, without looking at any other. None in the place of a snapshot is the worktree as it is.

    ``old_path`` is where it was, if it moved. ``content`` stands in the place of what the worktree has, for unsaved edits; where both
    are the worktree, of what it is to have. Answers are remembered by the digests of both files.

    Raises PathNotFound where it is in neither, PathEscape, SnapshotNotFound, and what reading the two raises.
    """
    from_id, to_id = (
        None if name is None else repository.resolve(name, worktree=worktree) for name in (before, after)
    )
    opener = _Opener(repository, from_id, to_id, worktree)
    edited = None if content is None else given(content)
    old = edited if edited and from_id is None and to_id is not None else opener.at(from_id, old_path or path)
    new = edited if edited and to_id is None else opener.at(to_id, path)
    if old is None and new is None:
        raise PathNotFound(
            f"{path!r} is in neither of the two versions", hint="jvs find searches all of history for it"
        )
    change: Change = "added" if old is None else "removed" if new is None else "modified"
    if change == "modified" and old_path not in (None, path):
        change = "renamed"
    return remembered(
        path,
        old,
        new,
        change=change,
        old_path=old_path if change == "renamed" else None,
        everything=everything,
        bounds=bounds or Bounds(),
    )


def inside_of(
    repository: Repository, entry: ChangedEntry, from_id: str, to_id: str, bounds: Bounds
) -> Difference:
    """Return the difference of one entry of a comparison of two snapshots, within ``bounds``."""
    return _Opener(repository, from_id, to_id, None).difference(
        entry, inside=True, everything=False, bounds=bounds
    )


class _Opener:
    """Opens what stands at a path on either side; the worktree as it is where there is no snapshot."""

    def __init__(
        self, repository: Repository, from_id: str | None, to_id: str | None, worktree: str | None
    ) -> None:
        self._repository = repository
        self._from, self._to = from_id, to_id
        self._worktree = worktree

    def difference(
        self, entry: ChangedEntry, *, inside: bool, everything: bool, bounds: Bounds | None = None
    ) -> Difference:
        """Return the difference of one entry; one whose content cannot be read says so."""
        looked_at = partial(
            remembered,
            entry.path,
            self._version(entry.old, self._from),
            self._version(entry.new, self._to),
            change=entry.change,
            old_path=entry.old_path,
            cache=entry.cache,
            everything=everything,
            bounds=bounds or Bounds(),
        )
        try:
            return looked_at(inside=inside)
        except (PayloadHashMismatch, EngineFailed, PathNotFound) as error:
            plain = looked_at(inside=False)
            return plain.model_copy(update={"stopped": [f"{error.code}: {error.message}"]})

    def at(self, snapshot_id: str | None, path: str) -> Version | None:
        """Return what one side has at a path; of a file that hashing takes long for, without its digest."""
        try:
            if snapshot_id is not None:
                entry = self._repository.stat(snapshot_id, path, worktree=self._worktree)
            else:
                entry = self._repository.stat_now(path, worktree=self._worktree)
        except PathNotFound:
            return None
        found = self._version(entry, snapshot_id)
        if found is None or snapshot_id is not None or entry.type != "file" or entry.size > _LARGEST_HASHED:
            return found
        return Version(found.side.model_copy(update={"sha256": _digest(found)}), found.opened)

    def _version(self, entry: TreeEntry | None, snapshot_id: str | None) -> Version | None:
        if entry is None:
            return None
        return stored(entry, partial(self._opened, entry.path, snapshot_id))

    def _opened(self, path: str, snapshot_id: str | None) -> BinaryIO:
        if snapshot_id is None:
            return self._repository.open_now(path, worktree=self._worktree)
        return self._repository.open_file(snapshot_id, path, worktree=self._worktree)


class _Allowance:
    """What may still be read and shown."""

    def __init__(self) -> None:
        self._paths = MOST_PATHS
        self._read = _MOST_READ
        self._shown = _MOST_SHOWN

    def has(self, entry: ChangedEntry) -> bool:
        """Return whether the entry may be looked into."""
        return self._paths > 0 and self._shown > 0 and self._read >= _bytes(entry)

    def spend(self, entry: ChangedEntry | None, found: Difference) -> None:
        """Take off what looking into an entry took."""
        if entry is not None:
            self._paths -= 1
            self._read -= _bytes(entry)
            self._shown -= sum(1 for _ in _shown(found))


def _bytes(entry: ChangedEntry) -> int:
    bound = Bounds().table  # more is not read of any
    return sum(min(side.size, bound) for side in (entry.old, entry.new) if side is not None)


def _shown(found: Difference) -> Iterator[object]:
    detail = found.detail
    if isinstance(detail, TextDetail):
        for hunk in detail.hunks:
            yield from hunk.lines
    elif isinstance(detail, TableDetail):
        yield from detail.rows
    elif isinstance(detail, NotebookDetail):
        for cell in detail.cells:
            yield cell
            for part in (cell.hunks, *(mime.hunks or [] for output in cell.outputs for mime in output.mimes)):
                for hunk in part:
                    yield from hunk.lines


def _digest(version: Version) -> str | None:
    state = sha256(usedforsecurity=False)
    try:
        with version.opened() as stream:
            while piece := stream.read(_PIECE):
                state.update(piece)
    except (JvsError, OSError):
        return None
    return state.hexdigest()
