"""One payload that arrives: made from what is there already and, for the rest, from where it comes from.

Every byte that comes is hashed as it is written, and compared with the manifest; all that was made is looked at, entry by
entry. A failure leaves part of it, for the caller to remove.
"""

from __future__ import annotations

from jvs_core.errors import EngineFailed
from jvs_core.payload.arrival.making import Arrival, Making
from jvs_core.payload.arrival.stock import Stock
from jvs_core.payload.arrival.ways import Way
from jvs_core.payload.check.comparison import mismatch
from jvs_core.payload.copy.transfer import attribute_losses
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress


@held_back()
def arrive(arrival: Arrival, stock: Stock, way: Way, progress: Progress) -> list[str]:
    """Make the payload and enter it into ``stock``; return what could not be kept, one line each. Nothing is durable yet.

    Raises
    ------
    PayloadHashMismatch
        What comes is not what the manifest says; names the paths.
    UnsupportedFile
        A file of ``source`` cannot be read.
    NoSpace, EngineFailed
        The file system refused; the tree that was made is not as it should be.
    """
    wanted, given_up = owned(arrival.entries)
    making = Making(arrival, wanted, stock, way, progress)
    making.make()
    losses = making.losses
    if losses.damaged:
        raise mismatch(sorted(set(losses.damaged)))
    way.close(arrival.target)
    found = making.look()
    if found.wrong or (found.regrouped and not given_up):
        raise EngineFailed(
            f"the copy is damaged: {listed([*found.wrong, *found.regrouped])}",
            hint="run it again; if it fails again, check the file system",
        )
    stock.add(arrival.target, [arrival.entries[position] for position in making.made])
    return [*given_up, *attribute_losses(losses.refused, losses.drifted)]
