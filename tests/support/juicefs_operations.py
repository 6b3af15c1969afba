"""What the process that serves a JuiceFS mount was asked for, and asked its metadata engine for, as it counts itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_FUSE, _META = "juicefs_fuse_ops_total_", "juicefs_meta_ops_total_"


@dataclass
class Operations:
    """Numbers of operations by their names: ``fuse`` of the kernel, ``meta`` of the metadata engine."""

    fuse: Counter[str] = field(default_factory=Counter)
    meta: Counter[str] = field(default_factory=Counter)


@contextmanager
def counted(mount: Path) -> Iterator[Operations]:
    """Yield the operations on the volume at ``mount``, filled in when the block is done; other users of the mount count, too."""
    found = Operations()
    before = _so_far(mount)
    yield found
    after = _so_far(mount)
    found.fuse, found.meta = after.fuse - before.fuse, after.meta - before.meta


def _so_far(mount: Path) -> Operations:
    found = Operations()
    for line in (mount / ".stats").read_text().splitlines():
        name, _, value = line.partition(" ")
        for prefix, counter in ((_FUSE, found.fuse), (_META, found.meta)):
            if name.startswith(prefix):
                counter[name.removeprefix(prefix)] = int(float(value))
    return found
