"""What a quota leaves, as anybody may see it who can reach the folder: no rights of root, no process, no network.

XFS and JuiceFS tell it as the size of a file system; btrfs tells it in ``/sys``, by the number of the system user to
whom the folder belongs (see ``jvs_jupyter.hub.btrfs_quota``), or of the folder's subvolume.
"""

from __future__ import annotations

import fcntl
import os
import struct
import uuid
from pathlib import Path

SYSTEM = Path("/sys/fs/btrfs")

_FS_INFO = 0x8400941F
_INO_LOOKUP = 0xD0009412
_TOP = 256
_LIMITS_ALL = 1


def used_and_limit(path: Path) -> tuple[int, int] | None:
    """Return how many bytes count against the quota of the folder ``path``, and how many may; None: none that can be seen.

    Of several the one that leaves least. What cannot be reached has none. On XFS and JuiceFS a quota of the top folder
    of a mount cannot be told from the size of the file system, so there, too, it is None.
    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        known = btrfs_id(folder)
        if known is None:
            return _of_a_smaller_file_system(path)
        owner = os.fstat(folder).st_uid
        groups = [(0, subvolume_id(folder)), *([(1, owner)] if _in_a_home(path, owner) else [])]
        found = [one for group in groups if (one := group_usage(known, *group)) is not None]
        return min(found, key=lambda one: one[1] - one[0], default=None)
    except OSError:
        return None
    finally:
        os.close(folder)


def left(path: Path) -> int | None:
    """Return how many bytes can still be written in a folder, by quota and file system; None where it cannot be reached."""
    try:
        there = os.statvfs(path)
    except OSError:
        return None
    free = there.f_bavail * there.f_frsize
    limited = used_and_limit(path)
    return free if limited is None else max(min(free, limited[1] - limited[0]), 0)


def btrfs_id(folder: int) -> str | None:
    """Return the id of the btrfs that an open folder is on; None: it is on none."""
    answer = bytearray(1024)
    try:
        fcntl.ioctl(folder, _FS_INFO, answer)
    except OSError:
        return None
    return str(uuid.UUID(bytes=bytes(answer[16:32])))


def subvolume_id(folder: int) -> int:
    """Return the number of the subvolume that an open folder is in."""
    answer = bytearray(struct.pack("=QQ4080x", 0, _TOP))
    fcntl.ioctl(folder, _INO_LOOKUP, answer)
    return int(struct.unpack_from("=Q", answer)[0])


def group_usage(filesystem: str, level: int, number: int) -> tuple[int, int] | None:
    """Return what a group of btrfs uses and may; None where there is none, or it has no limit."""
    group = SYSTEM / filesystem / "qgroups" / f"{level}_{number}"
    try:
        flags, used, limit = (
            int((group / name).read_text()) for name in ("limit_flags", "referenced", "max_referenced")
        )
    except (OSError, ValueError):
        return None
    return (used, limit) if flags & _LIMITS_ALL else None


def _in_a_home(path: Path, uid: int) -> bool:
    """Return whether a folder is in a repository that is a subvolume, all of it down to the folder the user's."""
    here = Path(os.path.realpath(path))
    for folder in (here, *here.parents):
        found = folder.lstat()
        if found.st_uid != uid:
            return False
        if found.st_ino == _TOP and (folder / ".jvs").is_dir():
            return True
    return False


def _of_a_smaller_file_system(path: Path) -> tuple[int, int] | None:
    """Return used and limit where the file system says that it is smaller here than at its mount."""
    top = Path(os.path.realpath(path))
    while not os.path.ismount(top):
        top = top.parent
    here, whole = os.statvfs(path), os.statvfs(top)
    limit = here.f_blocks * here.f_frsize
    if not 0 < limit < whole.f_blocks * whole.f_frsize:
        return None
    return limit - here.f_bfree * here.f_frsize, limit
