"""The manifest: a line for each entry of a payload, and the root hash over all."""

from jvs_core.payload.manifest.document import (
    HEADER,
    Written,
    encoded,
    read,
    read_lines,
    root_hash,
    root_hash_of,
    totals,
    write,
)

__all__ = [
    "HEADER",
    "Written",
    "encoded",
    "read",
    "read_lines",
    "root_hash",
    "root_hash_of",
    "totals",
    "write",
]
