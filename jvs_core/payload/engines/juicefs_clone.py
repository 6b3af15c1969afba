"""The engine ``juicefs-clone``: JuiceFS copies the metadata, and the clone shares all data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from jvs_core.errors import AlreadyExists, ConsistencyUnavailable, EngineFailed
from jvs_core.payload.changes.reading import filled, read
from jvs_core.payload.changes.writeback import probe_clock
from jvs_core.payload.changes.writeback_time import WritebackTime
from jvs_core.payload.check.comparison import Depth
from jvs_core.payload.check.status import check
from jvs_core.payload.copy import hard_links
from jvs_core.payload.copy.capture import described
from jvs_core.payload.copy.captured import Capture, CaptureRequest, EngineName, unavailable
from jvs_core.payload.copy.clone_corrections import Corrections, bring_again, leave_out
from jvs_core.payload.copy.tree_attributes import folder_times, give_rights
from jvs_core.payload.engines import juicefs_cloned_tree, juicefs_removal, reflink_copy
from jvs_core.payload.engines.empty_xattrs import with_valueless_xattrs
from jvs_core.payload.inplace.nested_repositories import repositories
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import listed, translate
from jvs_core.payload.tree.mounts import mounts_below
from jvs_core.payload.tree.walk import scan
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress

LATE_FILES = 400
STALE_NS = 2_000_000_000


class JuicefsClone:
    """Captures and materialises by ``juicefs clone -p``, which makes the new tree visible in one step.

    The clone takes its time (it grows with the number of entries), so it is no picture of one instant: what is in it
    is looked at afterwards and compared with what was found before. Its durability is that of the volume's metadata
    engine, whose transactions have committed when the client returns; the data it refers to was flushed when the
    files were closed, or by the ``fsync`` that goes before.
    """

    name: EngineName = "juicefs-clone"

    def __init__(self, client: Path) -> None:
        self.client = client
        self.other = reflink_copy.ENGINE

    def make_worktree(self, target: Path) -> None:
        """Make an empty folder."""
        self.other.make_worktree(target)

    def capture(self, request: CaptureRequest) -> Capture:
        """Clone the worktree; hash what the index does not know. See ``SnapshotEngine``.

        Mounts inside the worktree are not in a clone, and the client fails over extended attributes without a value and
        what it may not read in a repository that is left out: then ``reflink-copy`` does the whole job.
        """
        source, target = request.source, request.target
        if os.path.lexists(target):
            raise AlreadyExists(f"{target} already exists", path=str(target))
        obstacle: list[str] = []
        if not mounts_below(source):
            try:
                return self._whole(request)
            except EngineFailed:
                obstacle = _obstacle(source)
                if not obstacle:
                    raise
                self._clear(target)
        capture = self.other.capture(replace(request, found=None))
        self.other.settle(target)
        return replace(capture, degraded=[*capture.degraded, *obstacle])

    def _whole(self, request: CaptureRequest) -> Capture:
        known = request.index.path
        try:
            return self._attempt(request, ahead=known is not None and known.exists())
        except ConsistencyUnavailable:
            self._clear(request.target)
        return self._attempt(request, ahead=False)

    @held_back()
    def _attempt(self, request: CaptureRequest, *, ahead: bool) -> Capture:
        source, target, index, progress = request.source, request.target, request.index, request.progress
        # The kernel may answer from its attribute cache for a second.
        now_ns = max(0, probe_clock(target.parent) - STALE_NS)
        with self._cloning(source, target, begin=ahead) as clone:
            found = scan(source, progress, exclude=request.exclude)
            recalled = index.recall(found)
            digests = list(recalled.digests)
            unknown = recalled.unknown(found)
            writeback = WritebackTime(now_ns, frozenset((found.stamps[0].dev,)), one_by_one=True)
            if ahead and len(unknown) > LATE_FILES:
                clone.abandon()
                ahead = False
            if not ahead:
                fresh = read(
                    found, unknown, threads=juicefs.THREADS, flush=writeback.one_by_one, progress=progress
                )
                for position, known in zip(unknown, fresh, strict=True):
                    digests[position] = known
                clone.begin()
            made = Corrections(filled(found, digests, threads=juicefs.THREADS), changed=set(found.changed))
            expected = juicefs_cloned_tree.Expected(made.entries)
            progress.started("clone", len(found.entries))
            clone.finish()
        if ahead:
            # The clone may be older than the last write to a file that the index does not know.
            made.add(
                bring_again(
                    found, target, made.entries, unknown, writeback=writeback, threads=juicefs.THREADS
                )
            )
        left_out = [each.path for each in found.left_out]
        touched = made.touched | leave_out(target, left_out) | hard_links.join(target, made.entries)
        folder_times(target, made.entries, touched)
        # A change of extended attributes moves no time: what the clone has is only to be known from the clone.
        made.entries = juicefs_cloned_tree.with_attributes(made.entries, target)
        progress.finished("clone")
        changed = made.changed
        changed.update(expected.differences(target, made.entries))
        changed.update(entry.path for entry in made.entries if entry.kind == FILE and not entry.sha256)
        if changed and request.consistency == "quiesced":
            raise unavailable(sorted(changed))
        index.learn(found, made.entries, recalled, writeback, changed=changed, xattrs_read=False)
        entries: Sequence[Entry] = made.entries
        lines: Sequence[bytes | None] = ()
        if changed:
            entries = juicefs_cloned_tree.as_it_is(target, made.entries, changed, found.exclude)
        else:
            lines = expected.lines(entries)
        degraded = [*described(found.left_out), *made.degraded]
        return Capture(self.name, entries, degraded, sorted(changed), left_out, lines)

    def materialize(
        self,
        source: Path,
        entries: Sequence[Entry],
        target: Path,
        *,
        since_ns: int = 0,
        progress: Progress,
        writable: bool = True,
    ) -> list[str]:
        """Clone the payload ``source``, and check it against its manifest meanwhile; file by file as in ``capture``.

        One that is not to be ``writable`` keeps the modes of the payload, as a clone has them.
        """
        if os.path.lexists(target):
            raise AlreadyExists(f"{target} already exists", path=str(target))
        progress.started("clone", len(entries))
        try:
            with self._cloning(source, target, begin=True) as clone:
                found = check(source, entries, Depth.SUSPECT, since_ns=since_ns).require_content()
                clone.finish()
        except EngineFailed:
            obstacle = _obstacle(source)
            if not obstacle:
                raise
            degraded = self.other.materialize(source, entries, target, progress=progress)
            self.other.settle(target)
            return [*degraded, *obstacle]
        folder_times(target, entries, hard_links.join(target, entries))
        dressed = found.dressed_otherwise(entries)
        if not writable:
            drifted = set(found.drifted)
            dressed = [entry for entry in dressed if entry.path in drifted]
        lines = give_rights(target, entries, dressed, source)
        progress.finished("clone")
        return lines

    def adopt(self, source: Path, target: Path, *, progress: Progress) -> list[str]:
        """Copy ``source`` file by file, since it may hold what a clone cannot bring over; durable on return."""
        degraded = self.other.adopt(source, target, progress=progress)
        self.other.settle(target)
        return degraded

    def settle(self, tree: Path) -> None:
        """Do nothing but sync the names: ``syncfs`` has no effect on JuiceFS, and what was written is synced already.

        The clone was committed by the metadata engine before the client returned; files brought over one by one were
        fsynced then.
        """
        for folder in (tree, tree.parent):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            except OSError as error:
                raise translate(error, os.fsencode(folder)) from error
            finally:
                os.close(fd)

    def remove(self, tree: Path) -> None:
        """Remove ``tree``, in which nothing is mounted; a large one by ``juicefs rmr``, inside the serving process."""
        juicefs_removal.remove(self.client, tree)

    def _clear(self, target: Path) -> None:
        if _is_there(target):
            self.remove(target)

    @contextmanager
    def _cloning(self, source: Path, target: Path, *, begin: bool) -> Iterator[_Clone]:
        clone = _Clone(self, source, target)
        try:
            if begin:
                clone.begin()
            yield clone
        except BaseException:
            clone.abandon()
            raise


class _Clone:
    """A request to clone that may be begun early and may be given up."""

    def __init__(self, engine: JuicefsClone, source: Path, target: Path) -> None:
        self.engine, self.source, self.target = engine, source, target
        self.request: juicefs.Request | None = None

    def begin(self) -> None:
        self.request = juicefs.clone(self.engine.client, self.source, self.target)

    def finish(self) -> None:
        assert self.request is not None
        with self.request:
            self.request.wait()
        if not _is_there(self.target):
            raise EngineFailed(f"juicefs clone made nothing at {self.target}", path=str(self.target))

    def abandon(self) -> None:
        """End the request and remove what it made, if it was complete already."""
        if self.request is None:
            return
        self.request.end()
        self.request = None
        self.engine._clear(self.target)


def _is_there(target: Path) -> bool:
    """Return whether there is a clone ``target``, which the kernel did not make itself; it sees it from then on.

    Where a mount keeps the answer that there was nothing (``--negative-entry-cache``), it forgets that once the name is refused.
    """
    if os.path.lexists(target):
        return True
    try:
        os.mkdir(target)
        os.rmdir(target)
    except FileExistsError:
        return True
    except OSError:
        pass
    return False


def _obstacle(source: Path) -> list[str]:
    """Return a line on what in ``source`` the client cannot clone; none when nothing is known to be."""
    reasons = {
        "fails on an extended attribute without a value": with_valueless_xattrs(source),
        "cannot leave out a repository inside the worktree": repositories(source),
    }
    return [
        f"cloned file by file, because juicefs clone {reason}: {listed(paths)}"
        for reason, paths in reasons.items()
        if paths
    ]
