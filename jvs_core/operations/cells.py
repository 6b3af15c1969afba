"""The executed cells that a notebook's kernel keeps with a snapshot: beside its payload, covered by its descriptor."""

from __future__ import annotations

import hashlib

from jvs_core import regular
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.errors import DescriptorCorrupt, PartialSnapshot
from jvs_core.model import Descriptor, HashValue

_LONGEST = 1 << 30


def digest(notebook: bytes) -> HashValue:
    """Return the descriptor's hash of a notebook of cells."""
    return HashValue(value=hashlib.sha256(notebook).hexdigest())


def of_snapshot(layout: Layout, snapshot_id: str) -> bytes | None:
    """Return the notebook kept with a snapshot; None where none is.

    Raises SnapshotNotFound, SnapshotExpired, and PartialSnapshot or DescriptorCorrupt when it is not what was kept.
    """
    descriptor = catalog.read(layout, snapshot_id)
    catalog.read_ready(layout, snapshot_id)
    return checked(layout, descriptor)


def checked(layout: Layout, descriptor: Descriptor) -> bytes | None:
    """Return the notebook that a published descriptor covers; None where it covers none and none is there.

    Raises PartialSnapshot, DescriptorCorrupt.
    """
    what = f"the executed cells of {descriptor.snapshot_id}"
    hint = f"jvs verify {descriptor.snapshot_id}"
    try:
        found = regular.read_regular(layout.cells(descriptor.snapshot_id), most=_LONGEST)
    except FileNotFoundError as error:
        if descriptor.cells_hash is None:
            return None
        raise PartialSnapshot(f"{what} are missing", hint=hint) from error
    if descriptor.cells_hash != digest(found):
        raise DescriptorCorrupt(f"{what} are not those that JVS kept", hint=hint)
    return found
