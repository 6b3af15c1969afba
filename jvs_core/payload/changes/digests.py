"""What is known of the content of one file."""

from __future__ import annotations

from typing import NamedTuple


class Digests(NamedTuple):
    """What the index knows of one file: its content hash, and its xattrs digest (None: never read)."""

    sha256: bytes
    xattrs: bytes | None
