"""Keeping a copy of one file before it is removed or overwritten, and giving up copies that are old."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from jvs_core import clock, files, syncing
from jvs_core.control import catalog
from jvs_core.control.records import kept, worktree
from jvs_core.errors import InputError, JvsError, PathNotFound, PayloadHashMismatch
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Cause, KeptCopy
from jvs_core.operations import kept_removal
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.operations.publication import drafted
from jvs_core.operations.snapshot_file import SnapshotFile, opened
from jvs_core.payload.changes import caches
from jvs_core.payload.copy.transfer import Item, Outcome, Transfer
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FILE, Entry, printable, text
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.removal import remove_tree
from jvs_core.results import Copy


def keep(ctx: Context, name: str, path: str, cause: Cause) -> KeptCopy | None:
    """Keep a copy of the file ``path`` of worktree ``name``. See ``Timeline.keep_file``."""
    record = ctx.worktree(name)
    inner = payload_path(path)
    if not inner:
        raise InputError("there is no file name", hint="give a file in the worktree")
    with Folders(ctx.layout.worktree(name)) as folders:
        if ctx.exclude.covers(inner) or caches.lies_in_one(folders, inner):
            return None
        entry = _look(folders, inner)
        if entry is None:
            return None
        copy_id = catalog.new_id()
        final = ctx.layout.kept(record.worktree_id, copy_id)
        draft = drafted(final)
        with ctx.critical():
            _make_room(ctx, name, final.parent)
        try:
            files.make_folder(draft, mode=ctx.layout.folder_mode, durable=False)
            made = _copied(folders, entry, draft)
            if made is None:
                raise PathNotFound(
                    f"{printable(inner)} was just removed or replaced", hint="look at it, and try again"
                )
            copy = KeptCopy(
                copy_id=copy_id,
                worktree_id=record.worktree_id,
                worktree=name,
                path=inner.hex(),
                cause=cause,
                size=made.size,
                sha256=made.sha256.hex(),
                mode=made.mode,
                uid=made.uid,
                gid=made.gid,
                mtime_ns=str(made.mtime_ns),
                xattrs=made.xattrs.hex(),
                kept_at=clock.timestamp(),
                kept_by=ctx.settings.holder_id,
            )
            kept.write(ctx.layout, draft, copy, mode=ctx.layout.file_mode)
            syncing.sync_folder(draft)
            with uninterrupted(), ctx.critical():
                kept.publish(ctx.layout, draft, copy)
                _audit(ctx, copy)
        except BaseException:
            with suppress(OSError, JvsError):
                remove_tree(draft)
            raise
    return copy


def copies(
    ctx: Context, name: str, unreadable: list[str] | None = None, *, days: int | None = None
) -> list[KeptCopy]:
    """Return the kept copies of worktree ``name``, newest first, no older than ``days``; see ``Timeline.copies``."""
    found, broken = kept.readable(ctx.layout, ctx.worktree(name).worktree_id)
    for error in broken.values():
        if unreadable is None:
            raise error
        unreadable.append(error.message)
    if days is not None:
        found = [copy for copy in found if not kept_removal.has_expired(copy, days)]
    return found[::-1]


def described(copy: KeptCopy) -> Copy:
    """Return a kept copy as it is shown."""
    return Copy(
        copy_id=copy.copy_id,
        worktree=copy.worktree,
        path=text(kept.path_of(copy)),
        cause=copy.cause,
        size=copy.size,
        sha256=copy.sha256,
        kept_at=copy.kept_at,
        kept_by=copy.kept_by,
    )


def open_copy(ctx: Context, name: str, copy_id: str) -> SnapshotFile:
    """Open a kept copy for reading. See ``Timeline.open_copy``."""
    copy = find(ctx, name, copy_id)
    if copy is None:
        raise PathNotFound(f"no kept copy {copy_id}", hint="jvs find --deleted '*'")
    folder = ctx.layout.kept(copy.worktree_id, copy.copy_id)
    return opened(folder, entry_of(copy), lambda: damaged(copy))


def entry_of(copy: KeptCopy) -> Entry:
    """Return the file of a kept copy as an entry of its folder."""
    return Entry(
        os.fsencode(kept.FILE_NAME), FILE, copy.mode, copy.uid, copy.gid, copy.size, int(copy.mtime_ns),
        xattrs=bytes.fromhex(copy.xattrs), sha256=bytes.fromhex(copy.sha256),
    )  # fmt: skip


def damaged(copy: KeptCopy) -> PayloadHashMismatch:
    """Return the error of a kept copy that is not what its record says."""
    return PayloadHashMismatch(
        f"the kept copy {copy.copy_id} of {printable(kept.path_of(copy))} is damaged",
        hint="jvs find shows which snapshots hold the file",
    )


def _look(folders: Folders, path: bytes) -> Entry | None:
    """Return the file as it is now; None for what is no regular file. Raises PathNotFound."""
    folder, name = split(path)
    try:
        st = os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, path, reading=True) from error
        raise PathNotFound(f"no {printable(path)!r} in the worktree", path=printable(path)) from error
    if stat.S_ISDIR(st.st_mode):
        raise InputError(
            f"{printable(path)} is a folder; JVS keeps copies of files only",
            hint="take a snapshot: jvs snapshot",
        )
    if not stat.S_ISREG(st.st_mode):
        return None
    mode = stat.S_IMODE(st.st_mode)
    return Entry(path, FILE, mode, st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns)


def _copied(folders: Folders, entry: Entry, draft: Path) -> Outcome | None:
    """Copy the file into ``draft``, durable, and hash the copy; None where it is gone by now."""
    ((wanted,), _) = owned([entry])
    folder, name = split(entry.path)
    item = Item(
        0, name, FILE, None, entry.size, entry.mtime_ns, wanted.mode, wanted.uid, wanted.gid
    )  # fmt: skip
    transfer = Transfer("reflink", seal=True, durable=True, reread=True)
    with Folders(draft) as target:
        try:
            made = transfer.bring(item, folders.at(folder), target.top, os.fsencode(kept.FILE_NAME), folder)
        except Changed:
            return None
        except OSError as error:
            raise translate(error, entry.path) from error
        st = os.stat(kept.FILE_NAME, dir_fd=target.top, follow_symlinks=False)
    if isinstance(made, bytes):
        made = Outcome(made, 0, entry.mtime_ns, wanted.mode, wanted.uid, wanted.gid)
    return made._replace(size=st.st_size, mtime_ns=entry.mtime_ns)


def _make_room(ctx: Context, name: str, folder: Path) -> None:
    """Make the folder of a worktree's copies: not for the group that cannot look into the worktree."""
    mode = ctx.layout.folder_mode
    if not os.stat(ctx.layout.worktree(name)).st_mode & stat.S_IRGRP:
        mode = 0o700 if mode is None else mode & ~0o077
    files.make_folder(folder, mode=mode, exist_ok=True)


def _audit(ctx: Context, copy: KeptCopy) -> None:
    ctx.audit(
        "keep_file",
        worktree=copy.worktree,
        worktree_id=copy.worktree_id,
        target=copy.copy_id,
        details={
            "path": printable(kept.path_of(copy)),
            "cause": copy.cause,
            "size": copy.size,
            "sha256": copy.sha256,
        },
    )


def find(ctx: Context, name: str, copy_id: str) -> KeptCopy | None:
    """Return one kept copy of worktree ``name``; None where there is none."""
    return kept.find(ctx.layout, worktree.get(ctx.layout, name).worktree_id, copy_id)
