"""Read a tree back, independently of JVS, so that tests can say ``metadata_of(a) == metadata_of(b)``."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tests.support.walk import Found, walk

# Extents move by some blocks when a file is copied; a hole that somebody made on purpose is larger than this.
HOLE_GRAIN = 1 << 16

# The machine's own label, and XFS's second view, for root only, of an access list that is listed anyway.
_NOT_THE_USERS = {"security.selinux", "trusted.SGI_ACL_FILE", "trusted.SGI_ACL_DEFAULT"}

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


class Metadata(NamedTuple):
    """Everything about one entry that a faithful copy keeps."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int | None
    sha256: str | None
    target: bytes | None
    xattrs: tuple[tuple[str, bytes], ...]
    linked_with: tuple[bytes, ...]
    holes: tuple[tuple[int, int], ...]


def metadata_of(root: Path, *, holes: bool = True) -> dict[bytes, Metadata]:
    """Return the metadata of every entry below ``root`` by its relative path; the root itself is left out.

    Access lists are among ``xattrs``. ``linked_with`` names all paths of a hard-link group, and is empty for a
    file with one name in this tree. ``holes`` are ranges in bytes; switch them off to compare across file systems.
    """
    groups: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    seen: dict[bytes, tuple[Metadata, tuple[int, int]]] = {}
    for found in walk(root):
        inode = (found.status.st_dev, found.status.st_ino)
        if not stat.S_ISDIR(found.status.st_mode):
            groups[inode].append(found.path)
        seen[found.path] = (_read(found, holes=holes), inode)
    return {
        path: metadata._replace(linked_with=tuple(groups[inode]) if len(groups[inode]) > 1 else ())
        for path, (metadata, inode) in seen.items()
    }


def payload_metadata(root: Path, outside: dict[bytes, Metadata]) -> dict[bytes, Metadata]:
    """Return the metadata of the payload ``root`` as it is ``outside``, where files are as sealed as JVS leaves them.

    A mode that is neither the one outside nor that without the right to write stays, and so differs.
    """
    found = metadata_of(root)
    return {path: _unsealed(entry, outside.get(path)) for path, entry in found.items()}


def _unsealed(found: Metadata, outside: Metadata | None) -> Metadata:
    if outside is None or found.kind != "file" or found.mode != outside.mode & 0o555 | 0o400:
        return found
    kept = dict(outside.xattrs)
    xattrs = tuple((name, kept.get(name, value) if "acl" in name else value) for name, value in found.xattrs)
    return found._replace(mode=outside.mode, xattrs=xattrs)


def but_times(metadata: dict[bytes, Metadata]) -> dict[bytes, Metadata]:
    """Return ``metadata`` without times, which an in-place restore does not bring back."""
    return {path: entry._replace(mtime_ns=0) for path, entry in metadata.items()}


def _read(found: Found, *, holes: bool) -> Metadata:
    status = found.status
    kind = _KINDS[stat.S_IFMT(status.st_mode)]
    sha256, empty_ranges = _content(found, holes=holes) if kind == "file" else (None, ())
    return Metadata(
        kind=kind,
        mode=0o777 if kind == "link" else stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime_ns=status.st_mtime_ns,
        size=status.st_size if kind in ("file", "link") else None,
        sha256=sha256,
        target=os.readlink(found.name, dir_fd=found.parent) if kind == "link" else None,
        xattrs=_xattrs(found),
        linked_with=(),
        holes=empty_ranges,
    )


def _xattrs(found: Found) -> tuple[tuple[str, bytes], ...]:
    names = os.listxattr(found.proc_path, follow_symlinks=False)
    kept = sorted(set(names) - _NOT_THE_USERS)
    return tuple((name, os.getxattr(found.proc_path, name, follow_symlinks=False)) for name in kept)


def _content(found: Found, *, holes: bool) -> tuple[str, tuple[tuple[int, int], ...]]:
    descriptor = os.open(found.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=found.parent)
    with os.fdopen(descriptor, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, _holes(file.fileno(), found.status.st_size) if holes else ()


def _holes(descriptor: int, size: int) -> tuple[tuple[int, int], ...]:
    found = []
    position = 0
    while position < size:
        start = os.lseek(descriptor, position, os.SEEK_HOLE)
        if start >= size:
            break
        try:
            position = os.lseek(descriptor, start, os.SEEK_DATA)
        except OSError:
            position = size  # ENXIO: no data up to the end
        first = -(-start // HOLE_GRAIN) * HOLE_GRAIN
        last = position // HOLE_GRAIN * HOLE_GRAIN
        if first < last:
            found.append((first, last))
    return tuple(found)
