"""What identifies the state of an inode."""

from __future__ import annotations

from typing import NamedTuple


class Stamp(NamedTuple):
    """What identifies the state of one inode: any change of content or attributes moves ``ctime_ns``."""

    dev: int
    ino: int
    ctime_ns: int
