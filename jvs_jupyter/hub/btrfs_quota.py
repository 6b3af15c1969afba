"""Quotas on btrfs: all subvolumes of a system user's homes are in the group ``1/UID``, which has the limit.

btrfs puts what is made in a subvolume into the groups of that, as long as quotas are *simple* ones (Linux 6.7): so what a
user makes later, worktrees and snapshots, is in the group without anybody's doing. Subvolumes are named by number, never by
path: root opens nothing that is below a home.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jvs_core import JvsError
from jvs_jupyter import quotas
from jvs_jupyter.hub.subvolumes import TOP, opened

_TREE_SEARCH_V2 = 0xC0709411
_GROUP_ASSIGN = 0x40189429
_GROUP_CREATE = 0x4010942A
_GROUP_LIMIT = 0x8030942B

_SIMPLE = "squota"
_ROOT_TREE = 1
_ROOT_BACKREF = 144
_LIMIT_ALL = 1
_NO_LIMIT = (1 << 64) - 1
_LEVEL = 48
_ROOM = 1 << 16
_KEY = struct.Struct("=7Q4I32x")
_COUNT_AT = 64
_ITEM = struct.Struct("=QQQII")


def join(folder: Path, uid: int) -> None:
    """Put an empty subvolume into the group of a system user, where there are simple quotas. Raises OSError."""
    with opened(folder.parent) as beside, opened(folder) as here:
        if _mode(here) == _SIMPLE:
            _join(beside, quotas.subvolume_id(here), uid)


def limit(home: Path, uid: int, most: int) -> None:
    """Let all homes of a system user hold ``most`` bytes, 0: no limit; counts at once, and can be set again.

    What is in the home already joins the group; without quotas nothing that was written before they were switched on
    counts. Raises JvsError, OSError.
    """
    with (
        opened(home.parent) as beside,
        opened(home) as here,
    ):  # in a group that is full nothing can be said of groups
        _require_simple(here, home.parent)
        if os.fstat(here).st_ino != TOP:
            raise JvsError(
                f"{home.name} is not a subvolume, so it cannot have a quota",
                hint="jvs hub reset makes a new home, and keeps the old one beside it",
            )
        for number in (own := quotas.subvolume_id(here), *_inside(beside, own)):
            _join(beside, number, uid)
        flags, value = _LIMIT_ALL, most or _NO_LIMIT
        fcntl.ioctl(
            beside, _GROUP_LIMIT, bytearray(struct.pack("=6Q", _group(1, uid), flags, value, 0, 0, 0))
        )


def _join(folder: int, number: int, uid: int) -> None:
    with suppress(FileExistsError):
        fcntl.ioctl(folder, _GROUP_CREATE, struct.pack("=QQ", 1, _group(1, uid)))
    with suppress(FileExistsError, FileNotFoundError):  # a member already; removed meanwhile
        fcntl.ioctl(folder, _GROUP_ASSIGN, struct.pack("=QQQ", 1, _group(0, number), _group(1, uid)))


def _inside(folder: int, top: int) -> list[int]:
    """Return the numbers of all subvolumes below that of the number ``top``."""
    children = defaultdict(list)
    for number, parent in _subvolumes(folder):
        children[parent].append(number)
    found, pending = [], [top]
    while pending:
        inner = children.pop(pending.pop(), [])
        found += inner
        pending += inner
    return found


def _subvolumes(folder: int) -> Iterator[tuple[int, int]]:
    """Yield the number of each subvolume of a btrfs, with that of the one around it."""
    first = (TOP, _ROOT_BACKREF, 0)
    while True:
        asked = bytearray(_KEY.size + 8 + _ROOM)
        most = _NO_LIMIT
        _KEY.pack_into(
            asked, 0, _ROOT_TREE, first[0], most, first[2], most, 0, most, first[1], 255, 1 << 20, 0
        )
        struct.pack_into("=Q", asked, _KEY.size, _ROOM)
        fcntl.ioctl(folder, _TREE_SEARCH_V2, asked)
        (count,) = struct.unpack_from("=I", asked, _COUNT_AT)
        if not count:
            return
        at = _KEY.size + 8
        for _ in range(count):
            _, number, offset, kind, length = _ITEM.unpack_from(asked, at)
            at += _ITEM.size + length
            first = (number, kind, min(offset + 1, most))
            if kind == _ROOT_BACKREF:
                yield number, offset


def _group(level: int, number: int) -> int:
    return level << _LEVEL | number


def _require_simple(folder: int, where: Path) -> None:
    mode = _mode(folder)
    if mode == _SIMPLE:
        return
    kind = f"quotas of the kind {mode!r}, which do not count a user's snapshots" if mode else "no quotas"
    off = f"btrfs quota disable {where}; " if mode else ""
    raise JvsError(
        f"a quota is configured, but the btrfs of {where} has {kind}",
        hint=f"{off}btrfs quota enable --simple {where} (Linux 6.7, btrfs-progs 6.7)",
    )


def _mode(folder: int) -> str:
    """Return the kind of quotas that the btrfs of an open folder has; empty: none."""
    try:
        return (quotas.SYSTEM / str(quotas.btrfs_id(folder)) / "qgroups" / "mode").read_text().strip()
    except FileNotFoundError:
        return ""
