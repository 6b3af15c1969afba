"""What a worktree is, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from jvs_core.model.forms import LARGEST, Count, HexPath, OperationName, SnapshotId, Timestamp, Uuid
from jvs_core.model.record import Record
from jvs_core.validated import Field


class UndoPoint(Record):
    """What an in-place restore, undo or redo replaced: enough to take it back.

    ``snapshot_id`` holds the worktree as it was, ``head_snapshot_id`` was its head; ``restored_snapshot_id`` is what it became.
    Where that was a path only, ``path`` is the one in the snapshot and ``to`` the one in the worktree.
    """

    snapshot_id: SnapshotId
    head_snapshot_id: SnapshotId | None
    restored_snapshot_id: SnapshotId
    restored_at: Timestamp
    path: HexPath | None = None
    to: HexPath | None = None


class WorktreeConfig(Record):
    """A worktree's ``config.json``: what it is. The name is its folder's.

    ``labels`` say whose it is or what it is for, in the words of who made it; JVS only keeps them.
    """

    worktree_id: Uuid
    isolation: Literal["exclusive"] = "exclusive"
    created_at: Timestamp
    base_snapshot_id: SnapshotId | None
    labels: dict[str, str] = Field(default_factory=dict)


class Head(Record):
    """Where a worktree stands: the file ``heads/<number>``, never rewritten. The highest number counts.

    ``undo`` and ``redo`` are what can be taken back, the oldest first.
    """

    number: Annotated[int, Field(ge=1, le=LARGEST)]
    worktree_id: Uuid
    snapshot_id: SnapshotId | None
    base_snapshot_id: SnapshotId | None
    undo: tuple[UndoPoint, ...] = Field(default=(), strict=False)
    redo: tuple[UndoPoint, ...] = Field(default=(), strict=False)
    fencing_token: Count | None
    operation: OperationName


@dataclass(frozen=True)
class Worktree:
    """A worktree as it was read: what it is, and where it stands."""

    config: WorktreeConfig
    head: Head

    @property
    def worktree_id(self) -> str:
        """The identity, never given to another worktree."""
        return self.config.worktree_id

    @property
    def isolation(self) -> str:
        """How many may write at a time."""
        return self.config.isolation

    @property
    def created_at(self) -> str:
        """When it was made."""
        return self.config.created_at

    @property
    def labels(self) -> dict[str, str]:
        """Whose it is or what it is for."""
        return self.config.labels

    @property
    def base_snapshot_id(self) -> str | None:
        """The snapshot that it was made from."""
        return self.head.base_snapshot_id

    @property
    def head_snapshot_id(self) -> str | None:
        """The snapshot that it stands at."""
        return self.head.snapshot_id

    @property
    def undo(self) -> tuple[UndoPoint, ...]:
        """What its in-place restores replaced, oldest first."""
        return self.head.undo

    @property
    def redo(self) -> tuple[UndoPoint, ...]:
        """What its undos replaced, oldest first."""
        return self.head.redo
