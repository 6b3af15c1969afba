"""The hashes of JVS in Go: over a descriptor, and over a payload.

A descriptor's is SHA-256 of its JSON, keys sorted, without blanks, ``descriptor_checksum`` and ``integrity_state`` emptied.
A payload's is SHA-256 over sorted lines ``kind:path:metadata:hash``, one an entry but for the top and whatever is called
``.READY``. The metadata are ``mode=0644`` and of a file ``,size=3``; those of early versions (v6.5) end with
``,mod=`` and the time of the file in nanoseconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from jvs_core.operations.moving.go_repository import GoDescriptor
from jvs_core.payload.tree.entry import FILE, FOLDER, SYMLINK, Entry

READY = b".READY"
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def checksum(descriptor: GoDescriptor) -> str:
    """Return the checksum (hex) of a descriptor."""
    fields = {
        **descriptor.model_dump(exclude_unset=True),
        "descriptor_checksum": "",
        "integrity_state": "",
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for plain, escaped in _ESCAPED.items():
        text = text.replace(plain, escaped)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def root_hash(entries: Sequence[Entry], *, times: bool) -> str:
    """Return the payload root hash (hex) of ``entries``; with ``times`` that of versions that covered the times of files."""
    lines = [
        _line(entry, times=times) for entry in entries if entry.path.rpartition(b"/")[2] not in (b"", READY)
    ]
    return hashlib.sha256(b"".join(line + b"\n" for line in sorted(lines))).hexdigest()


def _line(entry: Entry, *, times: bool) -> bytes:
    mode = b"mode=%04o" % (entry.mode & 0o777)
    if entry.kind == FOLDER:
        return b"dir:%b:%b:%b" % (entry.path, mode, _hex(entry.path.rpartition(b"/")[2]))
    if entry.kind == SYMLINK:
        return b"symlink:%b:%b:%b" % (entry.path, mode, _hex(entry.target))
    meta = mode + b",size=%d" % entry.size + (b",mod=%d" % entry.mtime_ns if times else b"")
    digest = entry.sha256.hex().encode() if entry.kind == FILE else _hex(b"")
    return b"file:%b:%b:%b" % (entry.path, meta, digest)


def _hex(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
