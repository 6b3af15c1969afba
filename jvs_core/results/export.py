"""What was exported."""

from __future__ import annotations

from jvs_core.results.result import Made


class Exported(Made):
    """A snapshot, or a part of it, in a file or folder.

    ``files`` and ``bytes`` count its regular files. ``sha256`` is that of the archive; of a folder, the payload hash over
    what it holds, which is the snapshot's own where it holds all.
    """

    path: str
    files: int
    bytes: int
    sha256: str
