"""What was exported."""

from __future__ import annotations

from jvs_core.results.result import Made


class Exported(Made):
    """A snapshot, or a part of it, in a file or folder.

    ``files`` and ``bytes`` count its regular files. For an archive, ``sha256`` is the digest of the archive.
    For a folder, it is the payload hash of what the folder holds; if that is the whole snapshot, it is the
    snapshot's own payload hash.
    """

    path: str
    files: int
    bytes: int
    sha256: str
