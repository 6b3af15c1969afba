"""What verify found damaged of a snapshot."""

from __future__ import annotations

from typing import Annotated

from jvs_core.model.forms import HexPath, Holder, Line, SnapshotId, Timestamp
from jvs_core.model.record import Record
from jvs_core.validated import Field

MOST_DAMAGED = 1000
MOST_UNHEALED = 100


class Damage(Record):
    """What `verify` found damaged of a snapshot: a hint what to read again, and nothing more.

    ``paths`` are those in the payload that are not as the manifest says, in hexadecimal; ``complete`` says that these are
    all. ``unhealed`` is what a repair could not put right, a line each.
    """

    snapshot_id: SnapshotId
    found_at: Timestamp
    found_by: Holder
    code: Annotated[str, Field(pattern=r"^E_[A-Z_]{1,60}$")]
    paths: tuple[HexPath, ...] = Field(strict=False, max_length=MOST_DAMAGED)
    complete: bool
    unhealed: tuple[Line, ...] = Field(default=(), strict=False, max_length=MOST_UNHEALED)
