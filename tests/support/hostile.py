"""A payload with every kind of entry that a copy may get wrong."""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

_NAMES = (
    b"\xff\xfe not UTF-8",
    b"\xed\xa0\x80 surrogate",
    b"new\nline",
    b"tab\tbell\x07escape\x1b[31m",
    "é composed".encode(),
    "e\u0301 decomposed".encode(),
    "名前 🧪".encode(),
    b" spaces at both ends ",
    b"-rf",
    b"~",
    b"*?[a-z]",
    b"back\\slash 'quoted' \"twice\" `$HOME`",
    b".READY",
    b"manifest",
    b".jvs-tmp",
    b"...",
    b"n" * 255,
)

# Depth × name length goes well past PATH_MAX (4096).
DEEP_LEVELS = 20
DEEP_NAME = b"d" * 240


def build_hostile(root: Path) -> None:
    """Fill ``root`` with everything that must be kept; attributes the file system refuses are left off.

    Sockets and devices, which nothing keeps, are in ``build_unsupported``.
    """
    root.mkdir(parents=True, exist_ok=True)
    _build_names(root / "names")
    _build_links(root / "links")
    _build_hard_links(root / "hard-links")
    _build_attributes(root / "attributes")
    _build_sparse(root / "sparse")
    _build_deep(root / "deep")
    _build_owners(root / "owners")
    (root / "empty" / "emptier").mkdir(parents=True)
    (root / "empty.file").touch()
    os.mkfifo(root / "fifo", 0o640)
    _build_modes(root / "modes")
    _build_times(root / "times")


def build_unsupported(root: Path) -> list[bytes]:
    """Make a socket and, as root, a device in ``root``; return their names."""
    root.mkdir(parents=True, exist_ok=True)
    os.mknod(root / "socket", stat.S_IFSOCK | 0o600)
    if os.geteuid() != 0:
        return [b"socket"]
    os.mknod(root / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    return [b"device", b"socket"]


def posix_acl(*, user: int, permissions: int) -> bytes:
    """Return an access list in the kernel's form: the usual three entries, one more user, and the mask."""
    undefined = 0xFFFFFFFF
    entries = [(0x01, 6, undefined), (0x02, permissions, user), (0x04, 4, undefined), (0x10, 7, undefined)]
    entries.append((0x20, 4, undefined))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _build_names(root: Path) -> None:
    root.mkdir()
    for name in _NAMES:
        path = os.fsencode(root) + b"/" + name
        with open(path, "wb") as file:
            file.write(name)


def _build_links(root: Path) -> None:
    root.mkdir()
    (root / "target").write_text("linked to")
    for name, target in {
        "relative": b"target",
        "dangling": b"nowhere/at all",
        "absolute": b"/etc/hostname",
        "loop": b"loop",
        "to-parent": b"..",
        "to-directory": b"../empty",
        "not-utf-8": b"\xff\n\xfe",
        "long": b"x/" * 500,
    }.items():
        os.symlink(target, os.fsencode(root / name))
    os.utime(root / "relative", ns=(1, 1_234_567_890_000_000_001), follow_symlinks=False)


def _build_hard_links(root: Path) -> None:
    (root / "elsewhere").mkdir(parents=True)
    (root / "one").write_bytes(b"one inode, three names")
    os.link(root / "one", root / "two")
    os.link(root / "one", root / "elsewhere" / "three")
    (root / "twin").write_bytes(b"one inode, three names")


def _build_attributes(root: Path) -> None:
    (root / "directory").mkdir(parents=True)
    (root / "file").write_text("attributes")
    os.chmod(root / "file", 0o664)
    (root / "read-only").write_text("read-only")
    for path in (root / "file", root / "directory", root / "read-only"):
        _set_xattr(path, "user.colour", b"\x00green\xff")
        _set_xattr(path, "user.empty", b"")
    acl = posix_acl(user=12345, permissions=6)
    _set_xattr(root / "file", "system.posix_acl_access", acl)
    _set_xattr(root / "directory", "system.posix_acl_default", acl)
    os.chmod(root / "read-only", 0o400)


def _build_sparse(root: Path) -> None:
    root.mkdir()
    with (root / "holes").open("wb") as file:
        for offset in (0, 1 << 20, 3 << 20):
            file.seek(offset)
            file.write(b"data" * 1024)
        file.truncate(5 << 20)
    with (root / "only-hole").open("wb") as file:
        file.truncate((4 << 20) + 123)


def _build_deep(root: Path) -> None:
    root.mkdir()
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(DEEP_LEVELS):
        os.mkdir(DEEP_NAME, dir_fd=here)
        below = os.open(DEEP_NAME, os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    with os.fdopen(os.open("bottom", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=here), "wb") as file:
        file.write(b"deeper than PATH_MAX")
    os.symlink("bottom", "link", dir_fd=here)
    os.mkfifo("fifo", dir_fd=here)
    os.close(here)


def _build_owners(root: Path) -> None:
    root.mkdir()
    (root / "mine").touch()
    if os.geteuid() != 0:
        return
    (root / "theirs").write_text("another owner")
    os.chown(root / "theirs", 12345, 23456)
    os.symlink("theirs", root / "their-link")
    os.chown(root / "their-link", 12345, 23456, follow_symlinks=False)
    (root / "their-directory").mkdir()
    os.chown(root / "their-directory", 12345, 23456)


def _build_modes(root: Path) -> None:
    root.mkdir()
    for mode in (0o400, 0o444, 0o600, 0o640, 0o666, 0o711, 0o777, 0o1644, 0o2755, 0o4755, 0o6755):
        (root / f"file-{mode:04o}").write_text(f"{mode:o}")
        os.chmod(root / f"file-{mode:04o}", mode)
    for mode in (0o500, 0o555, 0o700, 0o1777, 0o2770, 0o3777):
        directory = root / f"directory-{mode:04o}"
        directory.mkdir()
        (directory / "inside").touch()
        os.chmod(directory, mode)
    if os.geteuid() == 0:
        (root / "nobody-may").write_text("root may")
        os.chmod(root / "nobody-may", 0)


def _build_times(root: Path) -> None:
    (root / "old-directory").mkdir(parents=True)
    (root / "old-directory" / "inside").touch()
    for name, moment in {
        "nanosecond": 1_700_000_000_000_000_001,
        "all-nines": 1_699_999_999_999_999_999,
        "epoch": 0,
        "beyond-2038": 2_208_988_800_123_456_789,
    }.items():
        (root / name).write_text(name)
        os.utime(root / name, ns=(moment, moment))
    os.utime(root / "old-directory", ns=(1, 1_000_000_000_987_654_321))


def _set_xattr(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
