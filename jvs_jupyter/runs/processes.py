"""The processes above this one, as /proc shows them."""

from __future__ import annotations

import os
from pathlib import Path


def ancestors() -> frozenset[int]:
    """Return the processes that started this one: a run among them has this one as its part."""
    found: list[int] = []
    pid = os.getppid()
    while pid > 0 and pid not in found:
        found.append(pid)
        pid = _parent(pid)
    return frozenset(found)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
