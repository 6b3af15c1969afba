"""Quotas on XFS: the homes of a system user are in the project whose number is the user's.

The number is set on the empty folder that a home is made in, with the flag by which all that is made there later has it.
``xfs_quota -c project`` would open everything that a user put there, as root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

from jvs_core import JvsError

_GET, _SET = 0x801C581F, 0x401C5820
_ATTRIBUTES = struct.Struct("=5I8s")
_INHERIT = 0x200
_TOOLS = "/usr/sbin:/sbin"


def join(folder: Path, uid: int) -> None:
    """Put an empty folder, and what is made in it from now on, into a system user's project. Raises OSError."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags, extent, extents, _, shared, rest = _read(here)
        fcntl.ioctl(here, _SET, _ATTRIBUTES.pack(flags | _INHERIT, extent, extents, uid, shared, rest))
    finally:
        os.close(here)


def project(folder: Path) -> int | None:
    """Return the number of the project that what is made in a folder gets; None: of none. Raises OSError."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags, _, _, number, _, _ = _read(here)
    finally:
        os.close(here)
    return number if flags & _INHERIT else None


def limit(home: Path, uid: int, most: int, files: int) -> None:
    """Let all homes of a system user hold ``most`` bytes and so many files, 0: no limit; counts at once, and can be set again.

    Raises JvsError where the home is of no project or of another, or with what xfs_quota said.
    """
    if project(home) != uid:
        raise JvsError(
            f"{home.name} does not belong to the project {uid}, so it cannot have a quota",
            hint="jvs hub reset makes a new home, and keeps the old one beside it",
        )
    tool = shutil.which("xfs_quota") or shutil.which("xfs_quota", path=_TOOLS)
    if tool is None:
        raise JvsError(
            "a quota is configured, but the program xfs_quota is missing", hint="apt install xfsprogs"
        )
    mount = home
    while not os.path.ismount(mount):
        mount = mount.parent
    command = [tool, "-x", "-c", f"limit -p bhard={most} ihard={files} {uid}", str(mount)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr.strip():
        raise JvsError(
            f"JVS could not set a quota on {home}: {done.stderr.strip()[-300:]}",
            hint=f"mount {mount} with prjquota; that needs a fresh mount, not a remount",
        )


def _read(folder: int) -> tuple[int, int, int, int, int, bytes]:
    answer = bytearray(_ATTRIBUTES.size)
    fcntl.ioctl(folder, _GET, answer)
    flags, extent, extents, number, shared, rest = _ATTRIBUTES.unpack(answer)
    return flags, extent, extents, number, shared, rest
