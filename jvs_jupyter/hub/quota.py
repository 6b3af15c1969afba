"""How much a user may hold: set at every spawn, on the kind of file system that the home is on."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core import JvsError
from jvs_jupyter.hub import btrfs_quota, juicefs_quota, subvolumes, xfs_quota
from jvs_jupyter.hub.ownership import Owner

_GIB = 1 << 30
_KINDS = {0x9123683E: "btrfs", 0x58465342: "XFS", 0x65735546: "FUSE", 0xEF53: "ext4", 0x01021994: "tmpfs"}
_ANSWER = 256


@dataclass(frozen=True)
class Quota:
    """How much a home may hold; 0 is no limit, and takes one away that was set before.

    ``metadata`` is the address of a JuiceFS volume's metadata engine; empty on btrfs and XFS.
    """

    gib: int = 0
    files: int = 0
    metadata: str = ""

    def apply(self, folder: Path, owner: Owner | None = None) -> None:
        """Set it on a home, or on JuiceFS on any folder; ``owner`` is the home's system user. Can be set again.

        Raises JvsError where the file system has no quotas that JVS sets, or they are switched off, or this process may
        not set them; its message is for the admin.
        """
        try:
            self._apply(folder, owner)
        except OSError as error:
            raise JvsError(f"JVS could not set a quota on {folder}: {error.strerror}") from error

    def _apply(self, folder: Path, owner: Owner | None) -> None:
        if self.metadata:
            juicefs_quota.limit(folder, self.metadata, self.gib, self.files)
            return
        kind = kind_of(folder)
        if kind == "FUSE":
            raise JvsError(
                "a quota on JuiceFS needs the address of its metadata engine", hint="set jvs_quota_metadata"
            )
        if kind not in ("btrfs", "XFS"):
            raise JvsError(
                f"a quota is configured, but {folder.parent} is on {kind}",
                hint="JVS sets quotas on btrfs, XFS and JuiceFS",
            )
        if owner is None:
            raise JvsError(
                f"a quota on {kind} needs a home for each system user",
                hint="use JvsLocalProcessSpawner with jvs_homes, started by root",
            )
        if kind == "XFS":
            xfs_quota.limit(folder, owner.uid, self.gib * _GIB, self.files)
        elif self.files:
            raise JvsError("btrfs has no limit on the number of files", hint="leave out jvs_quota_files")
        else:
            btrfs_quota.limit(folder, owner.uid, self.gib * _GIB)


def make_ground(folder: Path, owner: Owner | None) -> None:
    """Make the empty folder that a home is to be made in, closed to others, so that a quota can be set on it at any time.

    On btrfs it is a subvolume and on XFS of the project of ``owner``, whether there are quotas or not. Raises
    FileExistsError, OSError.
    """
    kind = kind_of(folder.parent) if owner is not None and os.geteuid() == 0 else ""
    if kind == "btrfs":
        subvolumes.make(folder)
    else:
        folder.mkdir(mode=0o700)
    joins = {"btrfs": btrfs_quota.join, "XFS": xfs_quota.join}
    if owner is not None and kind in joins:
        with suppress(OSError):  # a container may not; a quota that is configured says so
            joins[kind](folder, owner.uid)


def lift(folder: Path) -> None:
    """Move what is in ``folder`` up into the subvolume that it alone is in, which nothing else than that can be renamed out of.

    Elsewhere it stays. Killed in between, what is there is no repository, as before.
    """
    if not subvolumes.is_subvolume(folder.parent):
        return
    for name in os.listdir(folder):
        os.rename(folder / name, folder.parent / name)
    folder.rmdir()


def kind_of(folder: Path) -> str:
    """Return what file system a folder is on, in a word for people."""
    answer = ctypes.create_string_buffer(_ANSWER)
    if ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(folder), answer):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))
    magic = ctypes.c_ulong.from_buffer(answer).value & 0xFFFFFFFF
    return _KINDS.get(magic, f"a file system of the kind {magic:#x}")
