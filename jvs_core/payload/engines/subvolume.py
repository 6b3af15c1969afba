"""btrfs subvolumes: make, snapshot, lock, delete; by ioctl, as the unprivileged owner can too."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jvs_core import anchored
from jvs_core.payload.tree.mounts import mount_of

ROOT_INODE = 256

_SUBVOL_CREATE = 0x5000940E
_SNAP_DESTROY = 0x5000940F
_SNAP_CREATE_V2 = 0x50009417
_SUBVOL_GETFLAGS = 0x80089419
_SUBVOL_SETFLAGS = 0x4008941A
_READ_ONLY = 1 << 1
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def is_subvolume(path: Path) -> bool:
    """Tell whether ``path`` is the top folder of a btrfs subvolume; False for all else, missing paths included."""
    try:
        if os.lstat(path).st_ino != ROOT_INODE:
            return False
        with _opened(path) as fd:
            _flags(fd)
    except OSError:
        return False
    return True


def on_btrfs(directory: Path) -> bool:
    """Tell whether ``directory`` is on btrfs."""
    mount = mount_of(directory)
    return mount is not None and mount.kind == "btrfs"


def create(target: Path) -> None:
    """Make the empty subvolume ``target``. Raises FileExistsError, or OSError as btrfs refuses."""
    with _opened(target.parent) as parent:
        fcntl.ioctl(parent, _SUBVOL_CREATE, bytearray(struct.pack("=q4088s", 0, _name(target, 4087))))


def snapshot(source: Path, target: Path, *, read_only: bool) -> None:
    """Make ``target`` a snapshot of the subvolume ``source``: one instant of it, inode numbers and times kept.

    The kernel writes out what is buffered of ``source`` and commits before it answers, so the snapshot is durable.
    A crash leaves the whole snapshot or none. Nested subvolumes are left out: an empty folder with inode 2
    stands in their place.
    """
    flags = _READ_ONLY if read_only else 0
    with _opened(source) as origin, _opened(target.parent) as parent:
        request = struct.pack("=qQQ32x4040s", origin, 0, flags, _name(target, 4039))
        fcntl.ioctl(parent, _SNAP_CREATE_V2, bytearray(request))


def is_read_only(path: Path) -> bool:
    """Tell whether the subvolume at ``path`` refuses all writing."""
    with _opened(path) as fd:
        return bool(_flags(fd) & _READ_ONLY)


def set_read_only(path: Path, wanted: bool) -> None:
    """Make the subvolume at ``path`` refuse, or take, writing. Only its owner and root may."""
    with _opened(path) as fd:
        flags = _flags(fd)
        changed = flags | _READ_ONLY if wanted else flags & ~_READ_ONLY
        if changed != flags:
            fcntl.ioctl(fd, _SUBVOL_SETFLAGS, struct.pack("=Q", changed))


def topmost(folder: Path) -> list[Path]:
    """Return the subvolumes below ``folder`` that lie in no other below it. Follows no links."""
    found: list[Path] = []
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as listing:
                inner = [Path(item.path) for item in listing if item.is_dir(follow_symlinks=False)]
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG):
                continue
            raise
        for each in inner:
            (found if is_subvolume(each) else pending).append(each)
    return found


def delete(path: Path) -> bool:
    """Delete the subvolume ``path`` with all it holds, in one step; False where it must be emptied first.

    False means that the kernel wants privilege for it, or that subvolumes are nested inside. The subvolume takes
    writing then, so that its owner can empty it and remove the folder.
    """
    with _opened(path.parent) as parent:
        try:
            fcntl.ioctl(parent, _SNAP_DESTROY, bytearray(struct.pack("=q4088s", 0, _name(path, 4087))))
            return True
        except OSError as problem:
            if problem.errno not in {errno.EPERM, errno.EACCES, errno.ENOTEMPTY, errno.EROFS, errno.EBUSY}:
                raise
    set_read_only(path, False)
    return False


def _name(path: Path, limit: int) -> bytes:
    name = os.fsencode(path.name)
    if not name or len(name) > limit:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return name


def _flags(fd: int) -> int:
    answer = fcntl.ioctl(fd, _SUBVOL_GETFLAGS, bytes(8))
    return int(struct.unpack("=Q", answer)[0])


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    fd = anchored.open_folder(folder, _FOLDER)
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        yield fd
    finally:
        os.close(fd)
