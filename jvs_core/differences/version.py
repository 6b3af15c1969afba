"""One of the two versions of a path: what stands there, and its bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from jvs_core.differences.bounds import MB, Unreadable
from jvs_core.differences.model import Side
from jvs_core.results import TreeEntry


@dataclass(frozen=True)
class Version:
    """What stands at a path; ``opened`` opens its bytes, which only a file has. ``target`` is where a link leads to."""

    side: Side
    opened: Callable[[], BinaryIO]
    target: str | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.side.type == "file"

    def head(self, count: int) -> bytes:
        """Return the first bytes."""
        with self.opened() as stream:
            return stream.read(count)

    def read(self, most: int) -> bytes:
        """Return all bytes. Raises Unreadable for more than ``most``."""
        if self.side.size > most:
            raise Unreadable(_too_large(self.side.size, most))
        with self.opened() as stream:
            data = stream.read(most + 1)
        if len(data) > most:  # it grew
            raise Unreadable(_too_large(len(data), most))
        return data

    def sought(self, most: int) -> BinaryIO:
        """Open it to be read in any order. Raises Unreadable for more than ``most`` bytes."""
        if self.side.size > most:
            raise Unreadable(_too_large(self.side.size, most))
        return self.opened()


def stored(entry: TreeEntry, opened: Callable[[], BinaryIO]) -> Version:
    """Return the version that an entry of a snapshot or worktree is."""
    side = Side(type=entry.type, size=entry.size, mode=entry.mode, sha256=entry.sha256)
    return Version(side, opened, entry.target)


def given(content: bytes) -> Version:
    """Return the version that bytes in nobody's file are."""
    side = Side(type="file", size=len(content), mode="", sha256=sha256(content).hexdigest())
    return Version(side, lambda: io.BytesIO(content))


def _too_large(size: int, most: int) -> str:
    return (
        f"it has {size / MB:,.0f} MB; JVS looks only into files of up to {most / MB:,.0f} MB are looked into"
    )
