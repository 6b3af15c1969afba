"""One entry of a tree, as a scan finds it and as a manifest keeps it."""

from __future__ import annotations

from typing import NamedTuple

FILE = "f"
FOLDER = "d"
SYMLINK = "l"
FIFO = "p"

CONTROL = b".jvs"
"""What makes a folder a repository: a folder of this name in it, which no payload holds."""

KIND_NAMES = {FILE: "file", FOLDER: "directory", SYMLINK: "symlink", FIFO: "fifo"}


class Entry(NamedTuple):
    """One file, folder, symbolic link or FIFO below (or at) the top of a payload.

    ``path`` is relative to the top, separated by ``/``; the top folder itself is ``b""``. ``mode`` holds the
    permission bits with setuid, setgid and sticky. ``size`` is in bytes and 0 for all but regular files.
    ``link_group`` is 0 for a file of one name, else a number from 1 shared by the names of one inode, counted in
    path order. ``xattrs`` is the SHA-256 over the kept extended attributes, or ``b""`` where there are none.
    ``sha256`` is the digest of a regular file's content, ``b""`` for everything else and before it is known.
    """

    path: bytes
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    target: bytes = b""
    link_group: int = 0
    xattrs: bytes = b""
    sha256: bytes = b""


def is_repository(path: bytes, kind: str) -> bool:
    """Say whether an entry would be the control folder of a repository."""
    return kind == FOLDER and path.rpartition(b"/")[2] == CONTROL


def is_alike(one: Entry, other: Entry) -> bool:
    """Say whether two entries are of one kind and have the same content, whatever their attributes."""
    return (one.kind, one.sha256, one.target) == (other.kind, other.sha256, other.target)


def text(path: bytes) -> str:
    """Return ``path`` as JSON carries it: UTF-8, other bytes as ``\\udc80`` to ``\\udcff``."""
    return path.decode("utf-8", "surrogateescape")


def printable(path: bytes) -> str:
    """Return ``path`` for messages and notes: valid Unicode on one line, other bytes and control characters escaped."""
    shown = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def is_below(path: bytes, top: bytes) -> bool:
    """Return whether ``path`` is ``top`` or lies in it."""
    return path == top or path.startswith(top + b"/")
