"""The time, by the file system's own clock, before which everything written to its files is known to be on the disk.

A program that changes a file through a mapping moves its ``ctime`` only when it touches a page that is clean. As long
as the page waits to be written back, more can be stored to it without a trace. Once it was written back, the next
store finds it clean, and ``ctime`` moves to that time. So a file that is read after a write-back, and whose ``ctime``
then lies before the time at which the write-back began and stays so, is what was read, for as long as it stays so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # worker processes, which get a time with their work, have no use for what walks trees
    from jvs_core.payload.tree.stamp import Stamp


@dataclass(frozen=True)
class WritebackTime:
    """A time ``now_ns``: a file on ``devices`` with an earlier ``ctime`` cannot change without its ``ctime`` moving.

    With ``one_by_one`` the file system writes back single files only: whoever reads one calls ``fsync`` on it first.
    The default holds for no file.
    """

    now_ns: int = 0
    devices: frozenset[int] = frozenset()
    one_by_one: bool = False

    def covers(self, stamp: Stamp) -> bool:
        """Say whether any change to the file of ``stamp`` from now on moves its ``ctime``."""
        return stamp.ctime_ns < self.now_ns and stamp.dev in self.devices

    def on(self, device: int) -> int:
        """Return the time for files on ``device``; 0 where it holds for none."""
        return self.now_ns if device in self.devices else 0


NEVER = WritebackTime()
