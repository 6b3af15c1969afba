"""Rebuilding one entry of a payload from its manifest, with content from elsewhere, read back byte for byte."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from jvs_core.faults import FULL
from jvs_core.payload.copy.transfer import Item, Transfer
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree import content as transfer
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FILE, Entry, printable
from jvs_core.payload.tree.faults import EXHAUSTED, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.sealing import is_kept

_TRANSFER = Transfer("reflink", durable=True, reread=True, seal=True)


class Place(NamedTuple):
    """A file ``path`` below ``root`` that may have the content; only reading it tells."""

    root: Path
    path: bytes


class Unhealed(Exception):
    """An entry cannot be rebuilt; the message says what is missing."""


def make(entry: Entry, places: Iterable[Place], folder: int, name: bytes, *, special: bool) -> None:
    """Make ``entry`` as the new ``name`` in the open ``folder`` from any of ``places`` that has its content; durable.

    Every byte of the copy is read back before this returns. Owner and times are the manifest's, the mode is that of a
    file in a payload, and extended attributes are the manifest's where a place has them. ``special``: capabilities,
    too.

    Raises Unhealed where no place has the content, NoSpace or EngineFailed; nothing is left then.
    """
    mode, uid, gid = attributes.ownership().keep(entry.mode, entry.uid, entry.gid)
    item = Item(0, b"", entry.kind, None, entry.size, entry.mtime_ns, mode, uid, gid, entry.target)
    try:
        if entry.kind == FILE:
            _make_file(entry, item, list(places), folder, name, special=special)
        else:
            _TRANSFER.special(item, xattrs_of(entry, places, special=special), folder, name)
    except OSError as error:
        discard(folder, name)
        raise translate(error, entry.path) from error
    except BaseException:
        discard(folder, name)
        raise


def discard(folder: int, name: bytes) -> None:
    """Remove ``name``, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _make_file(
    entry: Entry, item: Item, places: Sequence[Place], folder: int, name: bytes, *, special: bool
) -> None:
    tried: set[tuple[int, int]] = set()
    failures: list[str] = []
    for place in places:
        with _opened(place, entry.size, tried) as source:
            if source is None:
                continue
            xattrs = xattrs_of(entry, (place, *places), special=special)
            try:
                made = _TRANSFER.file(item, source, os.fstat(source), xattrs, folder, name)
            except OSError as error:
                if error.errno in (*FULL, *EXHAUSTED):
                    raise
                failures.append(f"; {printable(place.path)}: {error.strerror}")
            else:
                found = made if isinstance(made, bytes) else made.sha256
                if found == entry.sha256 and (isinstance(made, bytes) or not made.changed):
                    return
            discard(folder, name)
    raise Unhealed(
        f"{printable(entry.path)}: no snapshot or worktree has {entry.size} bytes of SHA-256 {entry.sha256.hex()}"
        + "".join(failures[:3])
    )


@contextmanager
def _opened(place: Place, size: int, tried: set[tuple[int, int]]) -> Iterator[int | None]:
    """Yield the file at a place, open for reading; None where it has another size, or was tried already."""
    folder, name = split(place.path)
    try:
        with Folders(place.root) as folders:
            fd, st = transfer.open_regular(name, folders.at(folder))
    except (Changed, OSError) as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        yield None
        return
    try:
        file = st.st_dev, st.st_ino
        yield fd if st.st_size == size and file not in tried else None
        tried.add(file)
    finally:
        os.close(fd)


def xattrs_of(entry: Entry, places: Iterable[Place], *, special: bool) -> attributes.Xattrs:
    """Return the extended attributes with the manifest's digest from the first place that has them, else none."""
    if not entry.xattrs:
        return ()
    for found in _read(places):
        kept, _ = attributes.kept_as(found, entry.mode, entry.xattrs)
        if attributes.digest(kept) == entry.xattrs:
            return kept if special else attributes.without_capability(kept)
    return ()


def _read(places: Iterable[Place]) -> Iterator[attributes.Xattrs]:
    for root, path in places:
        folder, name = split(path)
        with suppress(OSError), Folders(root) as folders:
            yield attributes.read_xattrs(attributes.below(folders.at(folder), name) if path else folders.top)


def link(entry: Entry, place: Place, folder: int, name: bytes) -> bool:
    """Link ``name`` to the file at ``place``, if that equals ``entry`` in every byte and attribute."""
    parent, own = split(place.path)
    try:
        with Folders(place.root) as folders:
            os.link(own, name, src_dir_fd=folders.at(parent), dst_dir_fd=folder, follow_symlinks=False)
        if _is(entry, folder, name):
            return True
    except (Changed, OSError):
        pass
    discard(folder, name)
    return False


def _is(entry: Entry, folder: int, name: bytes) -> bool:
    fd, st = transfer.open_regular(name, folder)
    try:
        return (
            is_kept(FILE, stat.S_IMODE(st.st_mode), entry.mode)
            and (st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns)
            == (entry.uid, entry.gid, entry.size, entry.mtime_ns)
            and attributes.digest(attributes.with_mode(attributes.read_xattrs(fd), entry.mode))
            == entry.xattrs
            and transfer.hash_fd(fd, entry.size) == entry.sha256
        )
    finally:
        os.close(fd)


def put_in_place(folders: Folders, staging: int, name: bytes, paths: Sequence[bytes]) -> None:
    """Put ``name`` of the open folder ``staging`` at all ``paths``, each by a rename over what is there; durable.

    A crash leaves each path as it was or mended, and names in ``staging``; a failure leaves at most ``name`` there.
    Raises NoSpace or EngineFailed.
    """
    for number, path in enumerate(reversed(paths), 1):
        folder, own = split(path)
        one = name
        try:
            if number < len(paths):
                one = name + b".more.tmp"
                discard(staging, one)
                os.link(name, one, src_dir_fd=staging, dst_dir_fd=staging, follow_symlinks=False)
            there = folders.at(folder)
            with _writable(there):
                os.rename(one, own, src_dir_fd=staging, dst_dir_fd=there)
            os.fsync(there)
        except OSError as error:
            discard(staging, one)
            raise translate(error, path) from error


@contextmanager
def _writable(folder: int) -> Iterator[None]:
    """Let the caller change the names in an open folder of its own, whatever its mode."""
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    if mode & 0o200 or os.geteuid() == 0:
        yield
        return
    os.fchmod(folder, mode | 0o300)
    try:
        yield
    finally:
        os.fchmod(folder, mode)
