"""The engine ``btrfs-snapshot``: the worktree is a subvolume, and a snapshot of it one call of any size."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from jvs_core.errors import AlreadyExists, EngineFailed
from jvs_core.payload.changes.digests import Digests
from jvs_core.payload.changes.index import Recalled, StatIndex
from jvs_core.payload.changes.reading import filled, read
from jvs_core.payload.changes.writeback import write_back
from jvs_core.payload.changes.writeback_time import WritebackTime
from jvs_core.payload.check.comparison import Depth
from jvs_core.payload.check.status import check
from jvs_core.payload.copy.capture import described
from jvs_core.payload.copy.captured import Capture, CaptureRequest, EngineName, unavailable
from jvs_core.payload.copy.clone_corrections import leave_out
from jvs_core.payload.copy.tree_attributes import folder_times, give_rights
from jvs_core.payload.engines import reflink_copy, subvolume
from jvs_core.payload.tree.attributes import apply_to_fd, read_xattrs
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import making
from jvs_core.payload.tree.folders import FOLDER_FLAGS
from jvs_core.payload.tree.mounts import mounts_below
from jvs_core.payload.tree.removal import remove_tree, require_unmounted
from jvs_core.payload.tree.stat_comparison import look
from jvs_core.payload.tree.walk import (
    CAP_DAC_OVERRIDE,
    CAP_FOWNER,
    REPOSITORY,
    Scan,
    has_capability,
    scan,
)
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress

_FEW = 500


class BtrfsSnapshot:
    """Captures and materialises by ``BTRFS_IOC_SNAP_CREATE_V2``.

    A snapshot is one instant of the worktree and keeps inode numbers and times, so whatever is in it and looks as
    it did when the worktree was read, is what was read. It is durable when the call returns. The captured payload
    refuses writing, also by root.
    """

    name: EngineName = "btrfs-snapshot"

    def __init__(self) -> None:
        self.other = reflink_copy.ENGINE

    def make_worktree(self, target: Path) -> None:
        """Make an empty subvolume; a plain folder cannot become one later."""
        with making(target):
            subvolume.create(target)

    def capture(self, request: CaptureRequest) -> Capture:
        """Take a read-only snapshot of the worktree; hash what the index does not know. See ``SnapshotEngine``.

        When the worktree is no subvolume, or has subvolumes or mounts inside, which a snapshot leaves out, or a
        repository that this process perhaps may not remove from one, or a file that is in use as swap space, with which
        btrfs makes no snapshot, or where so much is excluded that to remove it from a snapshot takes longer than to link the
        rest, ``reflink-copy`` does the whole job.
        """
        source, target = request.source, request.target
        if os.path.lexists(target):
            raise AlreadyExists(f"{target} already exists", path=str(target))
        if subvolume.is_subvolume(source) and not mounts_below(source):
            for last in (request.consistency == "best_effort", True):
                here = request.scan()
                if here.nested or _keeps_a_repository(here) or _mostly_excluded(here):
                    break
                try:
                    capture = self._attempt(here, target, request.index, request.progress)
                except EngineFailed as error:
                    if error.facts.get("errno") != errno.ETXTBSY:
                        raise
                    break
                request = replace(request, found=None)
                if not capture.changed_meanwhile or request.consistency == "best_effort":
                    return capture
                self.remove(target)
                if last:
                    raise unavailable(capture.changed_meanwhile)
        return self.other.capture(request)

    @held_back()
    def _attempt(self, found: Scan, target: Path, index: StatIndex, progress: Progress) -> Capture:
        recalled = index.recall(found)
        writeback = write_back(found, recalled.unknown(found), target.parent)
        digests, young = _identify(found, recalled, writeback, progress)
        entries: Sequence[Entry] = filled(found, digests)
        progress.started("clone")
        with making(target):
            subvolume.snapshot(found.root, target, read_only=True)
        left_out = found.left_out
        # What was written back before it was read, and looks now as it did then, looked so in between, too, and is
        # what is in the snapshot.
        moved = _moved(found, {each.path for each in left_out})
        unsteady = {entry.path for entry in entries if entry.kind == FILE and not entry.sha256}
        index.learn(found, entries, recalled, writeback, changed=moved | young | unsteady)
        changed: list[bytes] = []
        if moved or young or unsteady or found.changed:
            truth = scan(target, must_read=False, exclude=found.exclude)
            left_out = truth.left_out
            entries, changed = _as_it_is(truth, found, entries, young)
        paths = [each.path for each in left_out]
        _discard(target, paths, entries)
        progress.finished("clone")
        return Capture(self.name, entries, described(left_out), changed, paths)

    def materialize(
        self,
        source: Path,
        entries: Sequence[Entry],
        target: Path,
        *,
        since_ns: int = 0,
        progress: Progress,
    ) -> list[str]:
        """Take a writable snapshot of the payload ``source``, once it was compared with its manifest.

        A payload that is no subvolume (the repository was copied, say), or somebody else's, of which btrfs makes no
        snapshot, or in which other names are of one file than the manifest says, is cloned file by file into a new one.
        """
        if os.path.lexists(target):
            raise AlreadyExists(f"{target} already exists", path=str(target))
        found = None
        if subvolume.is_subvolume(source) and may_snapshot(source):
            found = check(source, entries, Depth.SUSPECT, since_ns=since_ns).require_content()
        if found is None or found.regrouped:
            with _subvolume_from(target) as inner:
                return self.other.materialize(source, entries, inner, progress=progress)
        progress.started("clone")
        with making(target):
            subvolume.snapshot(source, target, read_only=False)
        lines = give_rights(target, entries, found.dressed_otherwise(entries), source)
        progress.finished("clone")
        return lines

    def adopt(self, source: Path, target: Path, *, progress: Progress) -> list[str]:
        """Clone the files of ``source`` into a new subvolume ``target``."""
        if os.path.lexists(target):
            raise AlreadyExists(f"{target} already exists", path=str(target))
        with _subvolume_from(target) as inner:
            return self.other.adopt(source, inner, progress=progress)

    def settle(self, tree: Path) -> None:
        """Make ``tree`` durable by one ``syncfs``; a snapshot alone was so already."""
        self.other.settle(tree)

    def remove(self, tree: Path) -> None:
        """Remove ``tree`` with the subvolumes in it; their owner may, even where only root may delete them whole."""
        if not os.path.lexists(tree):
            return
        with making(tree):
            _remove(tree)


def may_snapshot(source: Path) -> bool:
    """Return whether this process may make a snapshot of the subvolume ``source``: it is its own, or it is root."""
    return source.lstat().st_uid == os.geteuid() or has_capability(CAP_FOWNER)


def _keeps_a_repository(found: Scan) -> bool:
    """Say whether a snapshot of ``found`` would hold a repository whose folders perhaps only others may empty."""
    return any(each.kind == REPOSITORY for each in found.left_out) and not has_capability(CAP_DAC_OVERRIDE)


def _mostly_excluded(found: Scan) -> bool:
    """Say whether more is excluded than half of what is kept, and a few entries; more than that is not counted."""
    left = len(found.entries) // 2 + _FEW
    for path in found.excluded():
        left -= 1
        for _, folders, files in os.walk(os.path.join(os.fsencode(found.root), path)):
            left -= len(folders) + len(files)
            if left < 0:
                return True
    return False


def _identify(
    found: Scan, recalled: Recalled, writeback: WritebackTime, progress: Progress
) -> tuple[list[Digests | None], set[bytes]]:
    """Return the digests of all files, reading those that the index does not know, and the files too young to trust.

    A file that was changed since ``writeback`` may change again without a trace.
    """
    digests = [
        known if known is not None and known.xattrs is not None else None for known in recalled.digests
    ]
    unknown = [p for p, entry in enumerate(found.entries) if entry.kind == FILE and digests[p] is None]
    for position, fresh in zip(unknown, read(found, unknown, progress=progress), strict=True):
        digests[position] = fresh
    young = {found.entries[p].path for p in unknown if not writeback.covers(found.stamps[p])}
    return digests, young


def _moved(found: Scan, left_out: set[bytes]) -> set[bytes]:
    """Return what in the worktree is not any more as ``found``."""
    expected = [(stamp.ino, stamp.ctime_ns) for stamp in found.stamps]
    differences = look(
        found.root, found.entries, lambda position, st: (st.st_ino, st.st_ctime_ns) == expected[position]
    )
    return set(differences.paths()) - left_out


def _as_it_is(
    truth: Scan, found: Scan, entries: Sequence[Entry], young: set[bytes]
) -> tuple[list[Entry], list[bytes]]:
    """Return the entries of the snapshot ``truth``, hashed there where the worktree had changed; and what had."""
    before = {
        entry.path: (entry, stamp.ino, stamp.ctime_ns)
        for entry, stamp in zip(entries, found.stamps, strict=True)
    }
    changed = before.keys() - {entry.path for entry in truth.entries}
    digests: list[Digests | None] = []
    for entry, stamp in zip(truth.entries, truth.stamps, strict=True):
        was, *state = before.get(entry.path, (None,))
        known = None
        if was is None or state != [stamp.ino, stamp.ctime_ns] or (was.kind == FILE and not was.sha256):
            changed = changed | {entry.path}
        elif entry.kind == FILE and entry.path not in young:
            known = Digests(was.sha256, was.xattrs)
        digests.append(known)
    unknown = [p for p, entry in enumerate(truth.entries) if entry.kind == FILE and digests[p] is None]
    for position, fresh in zip(unknown, read(truth, unknown), strict=True):
        digests[position] = fresh
    return filled(truth, digests), sorted(changed)


def _discard(target: Path, paths: Sequence[bytes], entries: Sequence[Entry]) -> None:
    """Remove ``paths`` in the read-only snapshot ``target``, which is writable for that moment."""
    if paths:
        with making(target):
            subvolume.set_read_only(target, False)
        folder_times(target, entries, leave_out(target, paths))
        with making(target):
            subvolume.set_read_only(target, True)


def _remove(tree: Path) -> None:
    """Remove ``tree``.

    The kernel would undo a mount in a subvolume, and the walk for others go on in what is mounted.
    """
    require_unmounted(tree)
    if subvolume.is_subvolume(tree) and subvolume.delete(tree):
        return
    for inner in subvolume.topmost(tree):
        _remove(inner)
    remove_tree(tree)


@contextmanager
def _subvolume_from(target: Path) -> Iterator[Path]:
    """Yield the path of a folder to make.

    All that is in it then becomes the content of the new subvolume ``target``.
    """
    with making(target):
        subvolume.create(target)
    inner = target / f".jvs-{secrets.token_hex(8)}"
    yield inner
    with making(target):
        here, there = os.open(inner, FOLDER_FLAGS), os.open(target, FOLDER_FLAGS)
        try:
            top, xattrs = os.fstat(here), read_xattrs(here)
            os.fchmod(here, 0o700)
            for name in os.listdir(here):
                os.rename(name, name, src_dir_fd=here, dst_dir_fd=there)
            os.rmdir(inner)
            apply_to_fd(there, top.st_mode & 0o7777, top.st_uid, top.st_gid, top.st_mtime_ns, xattrs)
        finally:
            os.close(here)
            os.close(there)
