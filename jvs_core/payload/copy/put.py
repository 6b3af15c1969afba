"""One entry out of a payload, put under a new name and checked against the manifest on the way."""

from __future__ import annotations

import os
import secrets
import stat

from jvs_core.errors import PayloadHashMismatch
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree import content as transfer
from jvs_core.payload.tree.content import Changed, Method
from jvs_core.payload.tree.entry import FIFO, FILE, SYMLINK, Entry, printable
from jvs_core.payload.tree.walk import Stamp

LEFTOVER_PREFIX = ".jvs-restore-"


def temporary_name() -> bytes:
    """Return a name for an entry that is not yet what it is to be."""
    return os.fsencode(LEFTOVER_PREFIX + secrets.token_hex(8))


def put(
    source: int,
    name: bytes,
    target: int,
    new_name: bytes,
    entry: Entry,
    method: Method,
    *,
    now: bool = False,
) -> tuple[str, ...]:
    """Make ``new_name`` in the folder ``target``: ``entry``, whose content is ``name`` in the payload folder ``source``.

    It gets the entry's time, or that of ``now``. Returns the names of extended attributes that were refused. Raises PayloadHashMismatch when the payload does not
    hold what ``entry`` says; then, and after any failure, an incomplete ``new_name`` may be left.
    """
    mtime_ns = None if now else entry.mtime_ns
    try:
        if entry.kind == FILE:
            return _put_file(source, name, target, new_name, entry, method, mtime_ns)
        st = os.stat(name, dir_fd=source, follow_symlinks=False)
        if entry.kind == SYMLINK:
            if not stat.S_ISLNK(st.st_mode) or os.readlink(name, dir_fd=source) != entry.target:
                raise Changed
            os.symlink(entry.target, new_name, dir_fd=target)
            return attributes.apply_to_name(target, new_name, None, entry.uid, entry.gid, mtime_ns)
        if entry.kind != FIFO or not stat.S_ISFIFO(st.st_mode):
            raise Changed
        where = attributes.below(source, name)
        xattrs = attributes.granted(where, entry.mode, entry.xattrs) if entry.xattrs else ()
        os.mkfifo(new_name, 0o600, dir_fd=target)
        return attributes.apply_to_name(target, new_name, entry.mode, entry.uid, entry.gid, mtime_ns, xattrs)
    except (Changed, FileNotFoundError) as error:
        raise mismatch(entry) from error


def _put_file(
    source: int,
    name: bytes,
    target: int,
    new_name: bytes,
    entry: Entry,
    method: Method,
    mtime_ns: int | None,
) -> tuple[str, ...]:
    original, st = transfer.open_regular(name, source)
    try:
        xattrs = attributes.granted(original, entry.mode, entry.xattrs) if entry.xattrs else ()
        copy = os.open(new_name, transfer.MAKE_FLAGS, 0o600, dir_fd=target)
        try:
            stamp = Stamp(st.st_dev, st.st_ino, -1)
            content = transfer.fill(
                original, st, copy, stamp, st.st_size, st.st_mtime_ns, method=method, known=b"", now_ns=0
            )
            if content.changed or content.sha256 != entry.sha256 or st.st_size != entry.size:
                raise Changed
            return attributes.apply_to_fd(copy, entry.mode, entry.uid, entry.gid, mtime_ns, xattrs)
        finally:
            os.close(copy)
    finally:
        os.close(original)


def mismatch(entry: Entry) -> PayloadHashMismatch:
    """Return the error for an entry whose content in the payload is not what the manifest says."""
    return PayloadHashMismatch(
        f"the snapshot is not what its manifest says: {printable(entry.path)}",
        hint="jvs verify",
        paths=[entry.path],
    )
