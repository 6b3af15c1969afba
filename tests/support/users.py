"""Being another user for a while, in this process."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

SOMEBODY = 12345
_SET_DUMPABLE = 4


@contextlib.contextmanager
def as_user(uid: int = SOMEBODY, group_id: int | None = None) -> Iterator[None]:
    """Run the block with the effective rights of ``uid`` and nobody's groups but its own, or one; needs root.

    A process that changed its user may not use its own ``/proc/self/fd`` until it says that it may be looked at.
    """
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(uid if group_id is None else group_id)
    os.seteuid(uid)
    try:
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)
