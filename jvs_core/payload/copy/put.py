"""Copying one entry out of a payload to a new name, checked against the manifest on the way."""

from __future__ import annotations

import os
import secrets

from jvs_core.payload.check.comparison import mismatch
from jvs_core.payload.copy.transfer import Item, Outcome, Transfer
from jvs_core.payload.tree.content import Changed, Method
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import GONE
from jvs_core.payload.tree.folders import Folders, split

LEFTOVER_PREFIX = ".jvs-restore-"


def temporary_name() -> bytes:
    """Return a temporary name for an entry that is not complete."""
    return os.fsencode(LEFTOVER_PREFIX + secrets.token_hex(8))


def put(
    payloads: Folders, entry: Entry, target: int, name: bytes, method: Method, *, now: bool = False
) -> Outcome:
    """Copy ``entry`` of the payload to ``name`` in the folder ``target``, with its own time or the present (``now``).

    Raises PayloadHashMismatch when the payload does not hold what ``entry`` says, UnsupportedFile where it may not be
    read, OSError for the target; after any failure an incomplete ``name`` may be left.
    """
    folder, source_name = split(entry.path)
    mtime_ns = None if now else entry.mtime_ns
    item = Item(
        0, source_name, entry.kind, None, entry.size, mtime_ns, entry.mode, entry.uid, entry.gid,
        entry.target, xattrs=entry.xattrs,
    )  # fmt: skip
    try:
        source = payloads.at(folder)
    except OSError as error:
        if error.errno not in GONE:
            raise
        raise mismatch([entry.path]) from error
    try:
        made = Transfer(method, held=True).bring(item, source, target, name, folder)
    except Changed as error:
        raise mismatch([entry.path]) from error
    if isinstance(made, bytes):
        made = Outcome(made)
    if made.changed or made.sha256 != entry.sha256:
        raise mismatch([entry.path])
    return made
