"""The modes of files in payloads: nobody may write there, and the manifest alone knows which mode a file has outside."""

from __future__ import annotations

import os

from jvs_core.payload.tree.entry import FILE

_TAKEN = 0o7222


def sealed(mode: int) -> int:
    """Return the mode in a payload of a file that has ``mode`` outside, whichever kind of file it says besides.

    Its owner may read it, whatever the mode says; nobody writes, and who runs it gets nobody else's rights.
    """
    return mode & ~_TAKEN | 0o400


def is_kept(kind: str, now: int, mode: int) -> bool:
    """Say whether JVS gave an entry the mode ``now`` in a payload that has ``mode`` outside.

    Where the file system clones a whole tree at once, and in snapshots older than the sealing, that is ``mode`` itself.
    """
    return now == mode or (kind == FILE and now == sealed(mode))


def seal_linked(folder: int, name: bytes, made: os.stat_result, mode: int) -> bool:
    """Say whether ``name``, the further name ``made`` of a payload's file, is sealed now; False where its mode drifted.

    ``mode`` is the one that it has outside, ``st_mode`` whole. A file of a snapshot that is older than the sealing is
    sealed here, under all its names.
    """
    if made.st_mode == sealed(mode):
        return True
    if made.st_mode != mode:
        return False
    from jvs_core.payload.tree import attributes  # a worker that links does without it where all is sealed

    try:
        attributes.set_mode(folder, name, sealed(mode) & 0o7777, made)
    except PermissionError:
        return False
    return True
