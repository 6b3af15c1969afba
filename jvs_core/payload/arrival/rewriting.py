"""Making the next version of a file out of the earlier one: what did not change in it goes on sharing blocks."""

from __future__ import annotations

import os
from hashlib import sha256

from jvs_core.payload.copy.transfer import Outcome
from jvs_core.payload.tree import attributes, content
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.sealing import sealed

WORTH_BYTES = 1 << 20
"""Smaller files are copied, where that is not done in place anyway."""
_CHUNK = 1 << 20
_BLOCK = 4096


def rewrite(entry: Entry, before: Entry, opened: int, made: int, *, seal: bool, durable: bool) -> Outcome:
    """Make ``made``, a file that is as ``before`` and nobody else's, what ``entry`` says, with the content of ``opened``.

    The digest in the answer is that of the content that it has then. The caller may write to ``made`` whatever its mode.
    """
    digest = before.sha256 if before.sha256 == entry.sha256 else _update(opened, made)
    now = os.fstat(made)
    if (now.st_uid, now.st_gid) != (entry.uid, entry.gid):
        os.fchown(made, entry.uid, entry.gid)
    refused: tuple[str, ...] = ()
    drifted = False
    if entry.xattrs != before.xattrs or entry.xattrs:
        xattrs, drifted = attributes.kept_as(attributes.read_xattrs(opened), entry.mode, entry.xattrs)
        refused = attributes.set_xattrs(made, xattrs, clear=True)
    os.fchmod(made, sealed(entry.mode) if seal else entry.mode)
    os.utime(made, ns=(entry.mtime_ns, entry.mtime_ns))
    if durable:
        os.fsync(made)
    return Outcome(digest, refused=refused, drifted=drifted)


def _update(opened: int, made: int) -> bytes:
    """Write to ``made`` the blocks in which ``opened`` differs; return the digest of what it holds then."""
    state = sha256(usedforsecurity=False)
    end = 0
    while data := os.pread(opened, _CHUNK, end):
        state.update(data)
        if data != os.pread(made, len(data), end):
            _write_differing(data, made, end)
        end += len(data)
    os.ftruncate(made, end)
    content.require_sized(opened)
    return state.digest()


def _write_differing(data: bytes, made: int, offset: int) -> None:
    """Write the runs of blocks of ``data`` that ``made`` has not at ``offset``."""
    old = os.pread(made, len(data), offset)
    start: int | None = None
    for at in range(0, len(data) + _BLOCK, _BLOCK):
        differs = at < len(data) and data[at : at + _BLOCK] != old[at : at + _BLOCK]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            _write_all(made, memoryview(data)[start:at], offset + start)
            start = None


def _write_all(made: int, view: memoryview, offset: int) -> None:
    while view:
        count = os.pwrite(made, view, offset)
        view, offset = view[count:], offset + count
