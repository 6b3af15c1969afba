"""Owner, mode, extended attributes and times: which are kept, and in what order they can be set."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import combinations
from stat import S_ISLNK, S_IWUSR
from struct import calcsize, iter_unpack, pack
from typing import NamedTuple

from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import CAP_CHOWN, has_capability

CAPABILITY = "security.capability"
ACCESS = "system.posix_acl_access"
KEPT = (ACCESS, "system.posix_acl_default", CAPABILITY)
_SOME_ROOM = 1 << 20
_MOST_TRIED = 10
NO_XATTRS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

_ACL_OWNER, _ACL_GROUP, _ACL_MASK, _ACL_OTHER = 0x01, 0x04, 0x10, 0x20

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


def at(folders: Folders, path: bytes) -> int | bytes:
    """Return how to give the entry ``path`` of a tree to calls that take a descriptor or a path."""
    folder, name = split(path)
    return below(folders.at(folder), name) if path else folders.top


@contextmanager
def handle(folders: Folders, path: bytes) -> Iterator[int]:
    """Yield an ``O_PATH`` descriptor of the entry ``path`` of a tree, which is no link."""
    folder, name = split(path)
    opened = os.open(name or b".", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folders.at(folder))
    try:
        if S_ISLNK(os.fstat(opened).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        yield opened
    finally:
        os.close(opened)


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


def kept_as(found: Xattrs, mode: int, wanted: bytes | None) -> tuple[Xattrs, bool]:
    """Return those of ``found`` that have the digest ``wanted``, and whether others, capabilities apart, are left out.

    An access list is ``found`` in a payload, and returned as it is outside, under ``mode``.

    What was added since, by whoever could, is left out. Where a value was changed or is gone nothing has that digest: then
    there are none. None is no digest.
    """
    found = with_mode(found, mode)
    if wanted is None or digest(found) == wanted:
        return found, False
    others = without_capability(found)
    return (others, False) if digest(others) == wanted else (_part(found, wanted), True)


def _part(found: Xattrs, wanted: bytes) -> Xattrs:
    """Return those of ``found`` that have the digest ``wanted``; none where none of their combinations has it."""
    if len(found) > _MOST_TRIED:
        return ()
    parts = (part for count in range(len(found)) for part in combinations(found, count))
    return next((part for part in parts if digest(part) == wanted), ())


def with_mode(xattrs: Xattrs, mode: int) -> Xattrs:
    """Return the attributes ``xattrs`` of something as they are once it has ``mode``, which an access list repeats."""
    return tuple((name, _list_with(value, mode) if name == ACCESS else value) for name, value in xattrs)


def _list_with(acl: bytes, mode: int) -> bytes:
    """Return an access list with the rights of ``mode``, as ``chmod`` changes it."""
    head = calcsize("<I")
    if (len(acl) - head) % calcsize("<HHI"):
        return acl
    entries = list(iter_unpack("<HHI", acl[head:]))
    group = _ACL_MASK if any(tag == _ACL_MASK for tag, *_ in entries) else _ACL_GROUP
    rights = {_ACL_OWNER: mode >> 6 & 7, group: mode >> 3 & 7, _ACL_OTHER: mode & 7}
    return acl[:head] + b"".join(pack("<HHI", tag, rights.get(tag, may), who) for tag, may, who in entries)


def set_xattrs(
    target: int | bytes, wanted: Xattrs, *, clear: bool = False, follow: bool = False
) -> tuple[str, ...]:
    """Give ``target`` the attributes ``wanted``, before its mode is set; return the names that were refused.

    Its owner needs the right to write for them, which an access list among them may take: that comes later. With ``clear`` kept attributes that are not wanted are removed. A link is followed only with ``follow``.
    """
    follow = follow or isinstance(target, int)
    refused = []
    have = dict(read_xattrs(target, follow=follow)) if clear else {}
    for name, value in reversed(wanted):
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
    clear: bool = False,
) -> tuple[str, ...]:
    """Set all attributes of an open file or folder, its times unless ``mtime_ns`` is None.

    Returns the names of the extended attributes refused.

    The order matters: a change of owner clears setuid and capabilities, attributes need the right to write, an access
    list carries the mode's bits, and everything moves times of change, so owner, attributes, mode, times.
    """
    refused = _give(fd, os.fstat(fd), mode, uid, gid, xattrs, clear=clear)
    if mtime_ns is not None:
        os.utime(fd, ns=(mtime_ns, mtime_ns))
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
        set_mode(folder, name, mode, st)
    refused: tuple[str, ...] = ()
    if xattrs or clear:
        refused = set_xattrs(below(folder, name), xattrs, clear=clear)
    if mtime_ns is not None:
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder, follow_symlinks=False)
    return refused


def set_mode(folder: int, name: bytes, mode: int, seen: os.stat_result) -> None:
    """Set the mode of what was ``seen`` under ``name``; what somebody put in its place since is left alone."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        now = os.fstat(handle)
        if (now.st_dev, now.st_ino) != (seen.st_dev, seen.st_ino) or S_ISLNK(now.st_mode):
            raise FileNotFoundError(errno.ENOENT, "replaced while JVS made it", os.fsdecode(name))
        os.chmod(f"/proc/self/fd/{handle}", mode)
    finally:
        os.close(handle)


def apply_to_handle(handle: int, mode: int, uid: int, gid: int, xattrs: Xattrs) -> tuple[str, ...]:
    """Set owner, mode and attributes of what an ``O_PATH`` descriptor stands for, removing kept ones not wanted."""
    return _give(b"/proc/self/fd/%d" % handle, os.fstat(handle), mode, uid, gid, xattrs, clear=True)


def _give(
    target: int | bytes, seen: os.stat_result, mode: int, uid: int, gid: int, xattrs: Xattrs, *, clear: bool
) -> tuple[str, ...]:
    """Set owner, attributes and mode of an open file, or of a path whose last part is a link to one."""
    if (seen.st_uid, seen.st_gid) != (uid, gid):
        os.chown(target, uid, gid)
    refused: tuple[str, ...] = ()
    if xattrs or clear:
        if not seen.st_mode & S_IWUSR:
            os.chmod(target, mode | S_IWUSR)
        refused = set_xattrs(target, xattrs, clear=clear, follow=True)
    os.chmod(target, mode)
    return refused
