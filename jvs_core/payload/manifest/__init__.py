"""The manifest: a line for each entry of a payload, and the root hash over all."""

from jvs_core.payload.manifest.document import (
    HEADER,
    RootHash,
    Written,
    encoded,
    read,
    read_lines,
    root_hash,
    root_hash_of,
    totals,
    write,
)
from jvs_core.payload.manifest.held_lines import held_lines

__all__ = [
    "HEADER",
    "RootHash",
    "Written",
    "encoded",
    "held_lines",
    "read",
    "read_lines",
    "root_hash",
    "root_hash_of",
    "totals",
    "write",
]
