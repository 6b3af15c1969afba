"""The mounts of this process, as the kernel lists them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of ``/proc/self/mountinfo``. ``point`` is where the mount is seen, escapes undone."""

    mount_id: int
    device: str
    point: bytes
    kind: str
    source: bytes


def parse(mountinfo: bytes) -> list[Mount]:
    """Return the mounts of a mountinfo text in its order; lines of another shape are passed over."""
    found = []
    for line in mountinfo.split(b"\n"):
        fields, separator, rest = line.partition(b" - ")
        left, right = fields.split(b" "), rest.split(b" ")
        if separator and len(left) >= 6 and len(right) >= 2 and left[0].isdigit():
            point, kind, source = _plain(left[4]), right[0].decode("ascii", "replace"), _plain(right[1])
            found.append(Mount(int(left[0]), left[2].decode("ascii", "replace"), point, kind, source))
    return found


def current() -> list[Mount]:
    """Return the mounts that this process sees now; none where there is no mountinfo."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            return parse(file.read())
    except FileNotFoundError:
        return []


def mount_of(path: Path) -> Mount | None:
    """Return the mount that ``path`` is on, or None where the kernel does not tell.

    The kernel is asked for the mount of the opened path, so bind mounts, mounts on top of each other and symbolic
    links need no guessing from names.
    """
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        found = mount_id(fd)
    finally:
        os.close(fd)
    return next((mount for mount in current() if mount.mount_id == found), None)


def mount_id(fd: int) -> int | None:
    """Return the id of the mount that an open file or folder is on, or None where the kernel does not tell.

    It tells apart what the device number does not: a folder bound into another of the same file system.
    """
    try:
        with open(f"/proc/self/fdinfo/{fd}", "rb", buffering=0) as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    return next((int(line[7:]) for line in lines if line.startswith(b"mnt_id:")), None)


def mounts_below(folder: Path) -> list[Mount]:
    """Return the mounts whose mount point lies inside ``folder`` (not at it)."""
    top = os.fsencode(os.path.realpath(folder)).rstrip(b"/") + b"/"
    return [mount for mount in current() if mount.point.startswith(top)]


def mounts_in(folder: Path) -> list[Mount]:
    """Return the mounts whose mount point is ``folder`` or lies inside it."""
    top = os.fsencode(os.path.realpath(folder)).rstrip(b"/")
    return [mount for mount in current() if mount.point == top or mount.point.startswith(top + b"/")]


def _plain(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), text) if b"\\" in text else text
