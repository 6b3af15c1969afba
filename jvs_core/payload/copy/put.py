"""One entry out of a payload, put under a new name and checked against the manifest on the way."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from jvs_core.errors import PayloadHashMismatch
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree import content as transfer
from jvs_core.payload.tree.content import Changed, Method
from jvs_core.payload.tree.entry import FIFO, FILE, SYMLINK, Entry, printable
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.seen import Seen
from jvs_core.payload.tree.walk import LEFT_OUT, Stamp

LEFTOVER_PREFIX = ".jvs-restore-"


def temporary_name() -> bytes:
    """Return a name for an entry that is not yet what it is to be."""
    return os.fsencode(LEFTOVER_PREFIX + secrets.token_hex(8))


def put(
    source: int, name: bytes, target: int, new_name: bytes, entry: Entry, method: Method
) -> tuple[str, ...]:
    """Make ``new_name`` in the folder ``target``: ``entry``, whose content is ``name`` in the payload folder ``source``.

    Returns the names of extended attributes that were refused. Raises PayloadHashMismatch when the payload does not
    hold what ``entry`` says; then, and after any failure, an incomplete ``new_name`` may be left.
    """
    try:
        if entry.kind == FILE:
            return _put_file(source, name, target, new_name, entry, method)
        st = os.stat(name, dir_fd=source, follow_symlinks=False)
        if entry.kind == SYMLINK:
            if not stat.S_ISLNK(st.st_mode) or os.readlink(name, dir_fd=source) != entry.target:
                raise Changed
            os.symlink(entry.target, new_name, dir_fd=target)
            return attributes.apply_to_name(target, new_name, None, entry.uid, entry.gid, entry.mtime_ns)
        if entry.kind != FIFO or not stat.S_ISFIFO(st.st_mode):
            raise Changed
        xattrs = attributes.read_xattrs(attributes.below(source, name)) if entry.xattrs else ()
        os.mkfifo(new_name, 0o600, dir_fd=target)
        return attributes.apply_to_name(
            target, new_name, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs
        )
    except (Changed, FileNotFoundError) as error:
        raise mismatch(entry) from error


def _put_file(
    source: int, name: bytes, target: int, new_name: bytes, entry: Entry, method: Method
) -> tuple[str, ...]:
    original, st = transfer.open_regular(name, source)
    try:
        xattrs = attributes.granted(attributes.read_xattrs(original), entry.xattrs) if entry.xattrs else ()
        copy = os.open(new_name, transfer.MAKE_FLAGS, 0o600, dir_fd=target)
        try:
            stamp = Stamp(st.st_dev, st.st_ino, -1)
            content = transfer.fill(
                original, st, copy, stamp, st.st_size, st.st_mtime_ns, method=method, known=b"", now_ns=0
            )
            if content.changed or content.sha256 != entry.sha256 or st.st_size != entry.size:
                raise Changed
            return attributes.apply_to_fd(copy, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs)
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


class Placed(NamedTuple):
    """What did not go as planned in a batch: entries whose attributes were refused, and names overtaken by an edit."""

    refused: list[bytes]
    overtaken: list[bytes]


@dataclass(frozen=True)
class PutJob:
    """Puts batches of entries into ``target``, each complete under a temporary name and then renamed into place.

    Each comes with the state that was seen at its name, None for nothing; what is not as seen stays as it is. A crash
    leaves each entry as it was or as it is wanted, and temporary names beside them.
    """

    payload: bytes
    target: bytes
    method: Method

    @contextmanager
    def open(self) -> Iterator[Callable[[list[tuple[Entry, Seen | None]]], Placed]]:
        """Open both trees; yield the function that does a batch."""
        with Folders(self.payload) as sources, Folders(self.target) as targets:

            def work(batch: list[tuple[Entry, Seen | None]]) -> Placed:
                placed = Placed([], [])
                for entry, seen in batch:
                    _replace(sources, targets, entry, seen, self.method, placed)
                return placed

            yield work


def is_overtaken(folder: int, name: bytes, seen: Seen | None) -> bool:
    """Return whether something stands at ``name`` that was not there, or not so, when ``seen`` was.

    What is gone, and sockets and devices, which nobody keeps, count as seen; a repository does not.
    """
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if stat.S_IFMT(now.st_mode) in LEFT_OUT:
        return False
    return seen is None or not seen.is_still(now)


def _replace(
    sources: Folders, targets: Folders, entry: Entry, seen: Seen | None, method: Method, placed: Placed
) -> None:
    folder, name = split(entry.path)
    temporary = temporary_name()
    try:
        source, target = sources.at(folder), targets.at(folder)
        try:
            refused = put(source, name, target, temporary, entry, method)
            if is_overtaken(target, name, seen):
                placed.overtaken.append(entry.path)
                os.unlink(temporary, dir_fd=target)
                return
            os.rename(temporary, name, src_dir_fd=target, dst_dir_fd=target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=target)
            raise
    except OSError as error:
        raise translate(error, entry.path) from error
    if refused:
        placed.refused.append(entry.path)
