"""Owner, mode, extended attributes and times: which are kept, and in what order they can be set."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from stat import S_ISLNK
from struct import pack
from typing import NamedTuple

from jvs_core.payload.tree.walk import CAP_CHOWN, has_capability

CAPABILITY = "security.capability"
KEPT = ("system.posix_acl_access", "system.posix_acl_default", CAPABILITY)
_SOME_ROOM = 1 << 20
NO_XATTRS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

Xattrs = tuple[tuple[str, bytes], ...]


class Ownership(NamedTuple):
    """What this process may give away: everything, or files to itself and to its own groups only."""

    anything: bool
    user: int
    groups: frozenset[int]
    group: int

    def keep(self, mode: int, uid: int, gid: int) -> tuple[int, int, int]:
        """Return the mode, user and group that a copy made by this process will have.

        A copy that cannot keep its owner or group loses setuid or setgid, which would mean somebody else's rights.
        """
        if self.anything:
            return mode, uid, gid
        if uid != self.user:
            mode, uid = mode & ~0o4000, self.user
        if gid not in self.groups:
            mode, gid = mode & ~0o2000, self.group
        return mode, uid, gid


def ownership() -> Ownership:
    """Return what this process may give away."""
    groups = frozenset([*os.getgroups(), os.getegid()])
    return Ownership(has_capability(CAP_CHOWN), os.geteuid(), groups, os.getegid())


def below(folder: int, name: bytes) -> bytes:
    """Return a path by which ``name`` in the open ``folder`` can be given to calls that take no descriptor."""
    return b"/proc/self/fd/%d/%b" % (folder, name)


def kept_names(names: Iterable[str]) -> list[str]:
    """Return those of the extended attributes ``names`` that a snapshot keeps, sorted."""
    return sorted(name for name in names if name.startswith("user.") or name in KEPT)


def read_xattrs(target: int | bytes, *, follow: bool = False) -> Xattrs:
    """Return the kept extended attributes of an open file or of a path; a link is followed only with ``follow``."""
    follow = follow or isinstance(target, int)
    try:
        names = os.listxattr(target, follow_symlinks=follow)
    except OSError as error:
        if error.errno in NO_XATTRS:
            return ()
        raise
    if not names:
        return ()
    pairs = []
    for name in kept_names(names):
        with suppress(FileNotFoundError):
            try:
                pairs.append((name, os.getxattr(target, name, follow_symlinks=follow)))
            except OSError as error:
                if error.errno != errno.ENODATA:  # removed since it was listed
                    raise
    return tuple(pairs)


def supported(folder: int) -> bool:
    """Return whether the file system of the open ``folder`` has extended attributes; JuiceFS has, where asked for."""
    try:
        os.listxattr(folder)
    except OSError as error:
        if error.errno in NO_XATTRS:
            return False
        raise
    return True


def digest(xattrs: Xattrs) -> bytes:
    """Return SHA-256 over the names and values, each with its length, sorted by name; ``b""`` when there are none."""
    if not xattrs:
        return b""
    state = sha256()
    for name, value in xattrs:
        raw = os.fsencode(name)
        state.update(pack(">II", len(raw), len(value)) + raw + value)
    return state.digest()


def without_capability(xattrs: Xattrs) -> Xattrs:
    """Return ``xattrs`` but for the capabilities of a program."""
    return tuple(pair for pair in xattrs if pair[0] != CAPABILITY)


def granted(xattrs: Xattrs, wanted: bytes) -> Xattrs:
    """Return ``xattrs``, without capabilities where the digest ``wanted`` is that of the others alone."""
    if xattrs and digest(xattrs) != wanted:
        others = without_capability(xattrs)
        if digest(others) == wanted:
            return others
    return xattrs


def set_xattrs(
    target: int | bytes, wanted: Xattrs, *, clear: bool = False, follow: bool = False
) -> tuple[str, ...]:
    """Give ``target`` the attributes ``wanted``, after its mode is set; return the names that were refused.

    With ``clear`` kept attributes that are not wanted are removed. A link is followed only with ``follow``.
    """
    follow = follow or isinstance(target, int)
    refused = []
    have = dict(read_xattrs(target, follow=follow)) if clear else {}
    for name, value in wanted:
        if have.pop(name, None) == value:
            continue
        try:
            os.setxattr(target, name, value, follow_symlinks=follow)
        except OSError as error:
            if error.errno not in (*NO_XATTRS, errno.EPERM, errno.EACCES) and not _is_too_much(error, target):
                raise
            refused.append(name)
    for name in have:
        with suppress(OSError):
            os.removexattr(target, name, follow_symlinks=follow)
    return tuple(refused)


def _is_too_much(error: OSError, target: int | bytes) -> bool:
    """Say whether attributes do not fit beside a file, which ext4 calls a full disk."""
    if error.errno == errno.ENOSPC:
        space = os.fstatvfs(target) if isinstance(target, int) else os.statvfs(os.path.dirname(target))
        return space.f_bavail * space.f_frsize > _SOME_ROOM
    return error.errno in (errno.E2BIG, errno.ERANGE)


def apply_to_fd(
    fd: int,
    mode: int,
    uid: int,
    gid: int,
    mtime_ns: int | None,
    xattrs: Xattrs,
    *,
    atime_ns: int | None = None,
    clear: bool = False,
) -> tuple[str, ...]:
    """Set all attributes of an open file or folder, its times unless ``mtime_ns`` is None.

    Returns the names of the extended attributes refused.

    The order matters: a change of owner clears setuid and capabilities, an ACL carries the mode's group bits, and
    everything moves times of change, so owner, mode, attributes, times.
    """
    st = os.fstat(fd)
    if (st.st_uid, st.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    os.fchmod(fd, mode)
    refused = set_xattrs(fd, xattrs, clear=clear) if xattrs or clear else ()
    if mtime_ns is not None:
        os.utime(fd, ns=(mtime_ns if atime_ns is None else atime_ns, mtime_ns))
    return refused


def apply_to_name(
    folder: int,
    name: bytes,
    mode: int | None,
    uid: int,
    gid: int,
    mtime_ns: int | None,
    xattrs: Xattrs = (),
    *,
    clear: bool = False,
) -> tuple[str, ...]:
    """Set all attributes of a symbolic link (``mode`` None) or FIFO, which cannot be opened to do it.

    Its times stay as they are where ``mtime_ns`` is None.
    """
    st = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if (st.st_uid, st.st_gid) != (uid, gid):
        os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)
    if mode is not None:
        _set_mode(folder, name, mode, st)
    refused: tuple[str, ...] = ()
    if xattrs or clear:
        refused = set_xattrs(below(folder, name), xattrs, clear=clear)
    if mtime_ns is not None:
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder, follow_symlinks=False)
    return refused


def _set_mode(folder: int, name: bytes, mode: int, seen: os.stat_result) -> None:
    """Set the mode of what was ``seen`` under ``name``; what somebody put in its place since is left alone."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        now = os.fstat(handle)
        if (now.st_dev, now.st_ino) != (seen.st_dev, seen.st_ino) or S_ISLNK(now.st_mode):
            raise FileNotFoundError(errno.ENOENT, "exchanged while it was made", os.fsdecode(name))
        os.chmod(f"/proc/self/fd/{handle}", mode)
    finally:
        os.close(handle)


def apply_to_handle(handle: int, mode: int, uid: int, gid: int, xattrs: Xattrs) -> tuple[str, ...]:
    """Set owner, mode and attributes of what an ``O_PATH`` descriptor stands for, removing kept ones not wanted."""
    path = b"/proc/self/fd/%d" % handle
    st = os.fstat(handle)
    if (st.st_uid, st.st_gid) != (uid, gid):
        os.chown(path, uid, gid)
    os.chmod(path, mode)
    return set_xattrs(path, xattrs, clear=True, follow=True)
