"""Records of known damage, one a snapshot. They are hints: whoever acts on one reads the snapshot again."""

from __future__ import annotations

from collections.abc import Sequence

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.control.records.register import Register
from jvs_core.errors import JvsError
from jvs_core.model import MOST_DAMAGED, MOST_UNHEALED, SNAPSHOT_ID, Damage

DAMAGES = Register("damage", Damage, "snapshot_id", SNAPSHOT_ID, "the record of damage to {}", replaced=True)
_LONGEST_LINE = 1000


def remember(
    layout: Layout,
    snapshot_id: str,
    *,
    by: str,
    code: str,
    paths: Sequence[bytes],
    complete: bool,
    unhealed: Sequence[str] = (),
) -> None:
    """Write what is damaged of a snapshot, durable, in the critical section. A record that says the same already stays."""
    made = Damage(
        snapshot_id=snapshot_id,
        found_at=clock.timestamp(),
        found_by=by,
        code=code,
        paths=tuple(path.hex() for path in paths[:MOST_DAMAGED]),
        complete=complete and len(paths) <= MOST_DAMAGED,
        unhealed=tuple(line[:_LONGEST_LINE] for line in unhealed[:MOST_UNHEALED]),
    )
    try:
        known = DAMAGES.find(layout, snapshot_id)
    except JvsError:
        known = None
    if (
        known is not None
        and _says(known) == _says(made)
        and (not unhealed or known.unhealed == made.unhealed)
    ):
        return
    DAMAGES.replace(layout, made)


def paths_of(record: Damage) -> list[bytes]:
    """Return the paths that a record names."""
    return [bytes.fromhex(path) for path in record.paths]


def _says(record: Damage) -> tuple[object, ...]:
    return record.code, record.paths, record.complete
