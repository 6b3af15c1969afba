"""Walk a tree by directory descriptors, so that neither the names in it nor its depth matter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """An entry below the root; ``parent`` is an open descriptor of its directory, valid until the walk goes on."""

    path: bytes
    parent: int
    name: bytes
    status: os.stat_result

    @property
    def proc_path(self) -> bytes:
        """A short path to the entry itself, for calls that take no descriptor."""
        return b"/proc/self/fd/%d/%s" % (self.parent, self.name)


def walk(root: Path) -> Iterator[Found]:
    """Yield every entry below ``root``, a directory before what is in it, without following links."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield from _walk(descriptor, b"")
    finally:
        os.close(descriptor)


def _walk(directory: int, prefix: bytes) -> Iterator[Found]:
    for name in sorted(os.fsencode(name) for name in os.listdir(directory)):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        path = prefix + name
        yield Found(path, directory, name, status)
        if (status.st_mode & 0o170000) == 0o040000:
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            try:
                yield from _walk(child, path + b"/")
            finally:
                os.close(child)
