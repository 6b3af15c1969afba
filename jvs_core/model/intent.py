"""What is under way, written before its first byte, so that whoever comes after a crash can complete or undo it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from jvs_core.model.forms import (
    VIEW,
    Count,
    HexPath,
    Holder,
    Name,
    OperationName,
    ShortId,
    SnapshotId,
    Timestamp,
    Uuid,
)
from jvs_core.model.process import Process
from jvs_core.model.record import Record
from jvs_core.model.worktree import UndoPoint
from jvs_core.validated import AfterValidator, Field, model_validator


def _payload_path(text: str) -> str:
    """Return a hexadecimal path in a worktree whose last part only JVS could have named."""
    parts = bytes.fromhex(text).split(b"/")
    if any(part in (b"", b".", b"..") or b"\0" in part for part in parts):
        raise ValueError("leads out of the worktree")
    if re.fullmatch(rb"\.jvs-restore-[0-9a-f]{8,32}", parts[-1]) is None:
        raise ValueError("is not a name that JVS gives")
    return text


HiddenName = Annotated[str, Field(pattern=r"^\.[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.[0-9a-f]{8}\.tmp$")]
ViewName = Annotated[str, Field(pattern=VIEW)]
HiddenPath = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$"), AfterValidator(_payload_path)]


class SnapshotDetails(Record):
    """What is needed to complete or undo a snapshot."""

    parent_snapshot_id: SnapshotId | None
    note: str


class InplaceDetails(Record):
    """What an in-place restore makes of a worktree that stood at head ``seen_head``.

    ``own_snapshot`` is one of edits made meanwhile, which the restore itself takes or took after that head.
    """

    operation_name: Literal["restore", "undo", "redo"]
    content: SnapshotId
    head: SnapshotId | None
    pre: SnapshotId
    undo: tuple[UndoPoint, ...] = Field(strict=False)
    redo: tuple[UndoPoint, ...] = Field(default=(), strict=False)
    reason: str
    seen_head: Annotated[int, Field(ge=1)]
    same_owner: bool = False
    own_snapshot: SnapshotId | None = None


class PathDetails(Record):
    """The name under which one path is brought, and the snapshot of before where it replaces something."""

    temporary: HiddenPath
    pre: SnapshotId | None = None


class TemporaryDetails(Record):
    """The name under which a worktree is made or taken away."""

    temporary: HiddenName


class RenameDetails(Record):
    """The name that a worktree gets."""

    new_name: Name


class RefDetails(Record):
    """The ref that is made or deleted."""

    ref: Name


class HealDetails(Record):
    """Nothing: which snapshot is healed, the intent says, and heal reads again what is damaged of it."""


class PlanDetails(Record):
    """The plan that is carried out."""

    plan_id: ShortId


class TemporaryWorktreeDetails(Record):
    """The snapshot that a temporary worktree is made from."""

    base: SnapshotId


class ViewDetails(Record):
    """The folder of a view, the path that is looked at, in hexadecimal, and the name of the folder until it is complete.

    ``by_hand``: somebody closes it who asked for it on a command line; the process is that of their session.
    """

    tree: ViewName
    inner: HexPath
    temporary: HiddenName
    by_hand: bool


class CloneDetails(Record):
    """The snapshots that are being read, and where the clone of them is to lie."""

    snapshots: tuple[SnapshotId, ...] = Field(strict=False)
    target: str


INTENT_DETAILS: dict[str, type[Record]] = {
    "snapshot": SnapshotDetails,
    "restore_inplace": InplaceDetails,
    "restore_path": PathDetails,
    "restore_new_path": PathDetails,
    "restore": TemporaryDetails,
    "worktree_create": TemporaryDetails,
    "worktree_remove": TemporaryDetails,
    "worktree_rename": RenameDetails,
    "ref_create": RefDetails,
    "ref_delete": RefDetails,
    "gc_run": PlanDetails,
    "heal": HealDetails,
    "clone": CloneDetails,
    "sandbox": TemporaryWorktreeDetails,
    "isolated_run": TemporaryWorktreeDetails,
    "view": ViewDetails,
}


class Intent(Process):
    """What is under way, written before the first byte of it. ``details`` are those of its operation.

    ``uid`` and ``seen_ms`` are of the file that it was read from: whose it is, and when it last gave a sign of life.
    """

    intent_id: Annotated[str, Field(pattern=r"^[a-z_]{1,40}-([0-9a-f]{32}|[0-9]{13}-[0-9a-f]{8})$")]
    operation: OperationName
    worktree: Name | None
    worktree_id: Uuid | None
    snapshot_id: SnapshotId | None
    fencing_token: Count | None
    holder_id: Holder
    started_at: Timestamp
    details: dict[str, Any] = Field(default_factory=dict)
    uid: int | None = Field(default=None, exclude=True)
    seen_ms: int | None = Field(default=None, exclude=True)

    @model_validator
    def _of_its_operation(self) -> Self:
        form = INTENT_DETAILS.get(self.operation)
        if form is None or not self.intent_id.startswith(f"{self.operation}-"):
            raise ValueError("not an operation of JVS")
        checked = form.model_validate(self.details).model_dump()
        self.details.clear()
        self.details.update(checked)
        return self
