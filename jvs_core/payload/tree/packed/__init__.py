"""Very many entries and stamps, held in columns of plain bytes instead of a value each."""

from jvs_core.payload.tree.packed.editing import Editable, duplicate, gone, present
from jvs_core.payload.tree.packed.entries import PackedEntries, held, worth
from jvs_core.payload.tree.packed.gathering import Gathering
from jvs_core.payload.tree.packed.inodes import PackedInodes, distinct, inodes
from jvs_core.payload.tree.packed.places import Places
from jvs_core.payload.tree.packed.stamps import PackedStamps

__all__ = [
    "Editable",
    "Gathering",
    "PackedEntries",
    "PackedInodes",
    "PackedStamps",
    "Places",
    "distinct",
    "duplicate",
    "gone",
    "held",
    "inodes",
    "present",
    "worth",
]
