"""Restoring mode, owner, time, attributes and names of entries in payloads, where their content is right.

Whoever changed a mode may have changed content too, so what drifted is read first; damage is recorded for ``heal``. A
crash leaves each entry as it was or mended.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from jvs_core.control import catalog
from jvs_core.control.records import damages, journal
from jvs_core.control.records.damages import DAMAGES
from jvs_core.errors import (
    IntegrityError,
    PayloadHashMismatch,
    SnapshotExpired,
    SnapshotNotFound,
    UnsupportedFile,
)
from jvs_core.operations.context import Context
from jvs_core.operations.doctor.heal import logged
from jvs_core.operations.doctor.mending import Mending, Rights
from jvs_core.operations.doctor.repair_tree import RepairTree, writable_tree
from jvs_core.operations.stored import Stored
from jvs_core.payload.check.comparison import Comparison, Depth
from jvs_core.payload.check.status import check
from jvs_core.payload.copy.mend import Place, Unhealed, xattrs_of
from jvs_core.payload.engines import subvolume
from jvs_core.payload.tree import attributes, juicefs
from jvs_core.payload.tree.entry import FILE, FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.sealing import sealed
from jvs_core.progress import Progress
from jvs_core.wording import counted

_AT_ONCE = 500

T = TypeVar("T")
Dress = tuple[Entry, attributes.Xattrs]


def mend(ctx: Context, progress: Progress) -> list[str]:
    """Mend the modes, owners and times of all payloads; return what was done, a line a snapshot.

    Files from before payloads were sealed are sealed too. What the caller has no right to change stays, and is named.
    """
    done: list[str] = []
    for snapshot_id in catalog.ids(ctx.layout):
        try:
            done += _one(ctx, logged(ctx, snapshot_id), progress)
        except UnsupportedFile as error:
            done.append(f"{snapshot_id}: nothing: {error.message}")
        except (SnapshotExpired, SnapshotNotFound, IntegrityError):
            continue  # gone, or what is wrong with its records is a finding
    return done


def _one(ctx: Context, taken: Stored, progress: Progress) -> list[str]:
    snapshot_id = taken.descriptor.snapshot_id
    found = _checked(taken, progress)
    if found.damaged and not DAMAGES.exists(ctx.layout, snapshot_id):
        with ctx.critical():
            damages.remember(
                ctx.layout,
                snapshot_id,
                by=ctx.settings.holder_id,
                code=PayloadHashMismatch.code,
                paths=found.damaged,
                complete=True,
            )
    rights = Rights(ctx)
    mending, left = _compared(taken.payload, _candidates(taken, found), rights)
    dressing, nowhere = _attributed(ctx, taken, found, rights)
    lines = []
    if mending or dressing or found.regrouped:
        with ctx.critical():
            catalog.require_kept(ctx.layout, snapshot_id)
            intent = ctx.begin("heal", snapshot_id=snapshot_id)
        try:
            with writable_tree(ctx, intent, taken.payload) as here:
                _give(here, _dress, dressing)
                _give(here, _give_one, mending)
                unhealed = _regroup(ctx, taken, here, found.regrouped)
            done = {entry.path for entry in (*mending, *(entry for entry, _ in dressing))}
            lines.append(f"{snapshot_id}: {counted(len(done.union(found.regrouped)), 'entry', 'entries')}")
            lines += [f"{snapshot_id}: {each}" for each in unhealed]
        except Unhealed as error:
            lines.append(f"{snapshot_id}: nothing: {error}")
        finally:
            journal.complete(ctx.layout, intent)
    if found.unreadable:
        lines.append(f"{snapshot_id}: {counted(len(found.unreadable), 'entry', 'entries')} cannot be read")
    if nowhere:
        lines.append(
            f"{snapshot_id}: the extended attributes of {listed(nowhere)} are no longer in any snapshot"
        )
    if left:
        lines.append(
            f"{snapshot_id}: only the owner or root can repair the mode or owner of {counted(left, 'entry', 'entries')}"
        )
    return lines


def _checked(taken: Stored, progress: Progress) -> Comparison:
    """Look at a payload, and read what drifted; what its owner may not read is made readable first."""
    try:
        found = check(taken.payload, taken.entries, Depth.SUSPECT, progress=progress)
        if not any(isinstance(error, UnsupportedFile) for error in found.unreadable.values()):
            return found
    except UnsupportedFile:
        pass
    if not subvolume.is_subvolume(taken.payload):  # that may be read-only
        _open_up(taken)
    return check(taken.payload, taken.entries, Depth.SUSPECT, progress=progress)


def _open_up(taken: Stored) -> None:
    """Let the caller read what is the caller's, folders before what is in them."""
    with Folders(taken.payload) as folders:
        for entry in taken.entries:
            needed = {FILE: stat.S_IRUSR, FOLDER: stat.S_IRUSR | stat.S_IXUSR}.get(entry.kind, 0)
            now = _status(folders, entry)
            if now is not None and now.st_uid == os.geteuid() and now.st_mode & needed != needed:
                folder, name = split(entry.path)
                attributes.set_mode(folders.at(folder), name, stat.S_IMODE(now.st_mode) | needed, now)


def _candidates(taken: Stored, found: Comparison) -> Iterator[Entry]:
    """Yield what drifted, and files that are not sealed but should be, each as it should be in the payload."""
    drifted, wrong, done = set(found.drifted), set(found.wrong), set(found.sealed)
    whole = subvolume.is_subvolume(taken.payload) or juicefs.mount_at(taken.payload) is not None
    for entry in taken.entries:
        open_file = entry.kind == FILE and not whole and entry.path not in done
        if entry.path in drifted or (open_file and entry.path not in wrong):
            yield entry if entry.kind != FILE or whole else entry._replace(mode=sealed(entry.mode))


def _compared(payload: Path, entries: Iterable[Entry], rights: Rights) -> tuple[list[Entry], int]:
    """Return those of ``entries`` that the caller can mend, as far as possible, and how many stay wrong."""
    mending: list[Entry] = []
    left = 0
    with Folders(payload) as folders:
        for entry in entries:
            now = _status(folders, entry)
            if now is None or not _differs(now, entry):
                continue
            given = _possible(entry, now, rights)
            left += given != entry
            if given is not None and _differs(now, given):
                mending.append(given)
    return mending, left


def _differs(now: os.stat_result, entry: Entry) -> bool:
    mode = entry.mode if entry.kind == SYMLINK else stat.S_IMODE(now.st_mode)
    return (mode, now.st_uid, now.st_gid, now.st_mtime_ns) != (*entry[2:5], entry.mtime_ns)


def _possible(entry: Entry, now: os.stat_result, rights: Rights) -> Entry | None:
    """Return ``entry`` with the owner and group that the caller may give it; None where it may change nothing."""
    if rights.caller not in (0, now.st_uid):
        return None
    own = attributes.ownership()
    uid = entry.uid if own.anything and rights.cover(entry) else now.st_uid
    gid = entry.gid if entry.gid in own.groups or (own.anything and rights.cover(entry)) else now.st_gid
    return entry._replace(uid=uid, gid=gid)


def _status(folders: Folders, entry: Entry) -> os.stat_result | None:
    folder, name = split(entry.path)
    try:
        if not entry.path:
            return os.fstat(folders.top)
        return os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
    except OSError:
        return None


def _attributed(
    ctx: Context, taken: Stored, found: Comparison, rights: Rights
) -> tuple[list[Dress], list[bytes]]:
    """Return the entries whose extended attributes are not those of the manifest, with these; and for which nothing has them."""
    wrong = set(found.wrong)
    dressing: list[Dress] = []
    nowhere: list[bytes] = []
    others = [ctx.layout.payload(snapshot_id) for snapshot_id in reversed(catalog.ids(ctx.layout))]
    with Folders(taken.payload) as folders:
        for entry in taken.entries:
            if entry.kind == SYMLINK or entry.path in wrong:
                continue
            now = _status(folders, entry)
            try:
                xattrs = attributes.with_mode(
                    attributes.read_xattrs(attributes.at(folders, entry.path)), entry.mode
                )
            except OSError:
                continue
            if now is None or attributes.digest(xattrs) == entry.xattrs:
                continue
            places = (Place(root, entry.path) for root in (taken.payload, *others))
            wanted = xattrs_of(entry, places, special=rights.special)
            if attributes.digest(wanted) != entry.xattrs:
                nowhere.append(entry.path)
            elif rights.caller in (0, now.st_uid):
                dressing.append((entry, wanted))
    return dressing, nowhere


def _regroup(ctx: Context, taken: Stored, here: RepairTree, paths: Sequence[bytes]) -> list[str]:
    """Make the names ``paths`` names of one file again, or of several, as the manifest says; return what cannot be made."""
    mending = Mending(ctx, taken, here, paths, (), lambda _: None)
    if paths:
        mending.run()
    return mending.unhealed


def _give(here: RepairTree, act: Callable[[Folders, T], None], items: Sequence[T]) -> None:
    """``act`` on all ``items``, what is in a folder before the folder."""
    here.used = here.used or bool(items)
    following = iter(reversed(items))
    with Folders(here.root) as folders:
        while some := list(islice(following, _AT_ONCE)):
            with here.changing():
                for item in some:
                    act(folders, item)


def _dress(folders: Folders, dress: Dress) -> None:
    """Give an entry its extended attributes, and the mode back that an access list moves."""
    entry, xattrs = dress
    with attributes.handle(folders, entry.path) as handle:
        now = os.fstat(handle)
        attributes.apply_to_handle(handle, stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid, xattrs)


def _give_one(folders: Folders, entry: Entry) -> None:
    if not entry.path:
        attributes.apply_to_fd(folders.top, entry.mode, entry.uid, entry.gid, entry.mtime_ns, ())
        return
    folder, name = split(entry.path)
    mode = None if entry.kind == SYMLINK else entry.mode
    attributes.apply_to_name(folders.at(folder), name, mode, entry.uid, entry.gid, entry.mtime_ns)
