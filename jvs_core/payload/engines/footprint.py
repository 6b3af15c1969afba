"""How many bytes removing trees gives back: a file counts when its last name goes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from jvs_core.errors import EngineUnavailable
from jvs_core.payload.engines import select, subvolume
from jvs_core.payload.tree import juicefs

_BLOCK = 512


class Footprint:
    """Adds up, over trees that are to be removed together, what their removal gives back.

    A file with names outside of these trees counts nothing; one with names in several counts at the last of them.
    Blocks that files share below their names (reflinks, btrfs snapshots) cannot be seen and count in full. ``patience``
    is the number of entries to look at; what lies beyond it counts nothing, and ``complete`` is then False.
    """

    def __init__(self, patience: int | None = None) -> None:
        self.complete = True
        self._left = patience
        self._names: dict[tuple[int, int], int] = {}

    def add(self, tree: Path) -> int:
        """Return the bytes that removing ``tree`` too gives back; nothing for one that is not there."""
        total = 0
        pending = [os.fsencode(tree)]
        while pending:
            if self._left is not None and self._left <= 0:
                self.complete = False
                break
            try:
                with os.scandir(pending.pop()) as listing:
                    entries = list(listing)
            except FileNotFoundError:
                continue
            except OSError:  # no permission, or a path too long for one call
                self.complete = False
                continue
            if self._left is not None:
                self._left -= len(entries) + 1
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                with suppress(FileNotFoundError):
                    total += self._freed(entry.stat(follow_symlinks=False))
        return total

    def _freed(self, st: os.stat_result) -> int:
        if not stat.S_ISREG(st.st_mode):
            return 0
        if st.st_nlink > 1:
            inode = st.st_dev, st.st_ino
            names = self._names[inode] = self._names.get(inode, 0) + 1
            if names < st.st_nlink:
                return 0
        return min(st.st_size, st.st_blocks * _BLOCK)


def shares_blocks(directory: Path) -> bool:
    """Tell whether files in ``directory`` may share blocks, so that a sum of their sizes is an estimate."""
    if subvolume.on_btrfs(directory) or juicefs.mount_at(directory) is not None:
        return True
    try:
        select.probe("reflink-copy", directory)
    except EngineUnavailable:
        return False
    return True
