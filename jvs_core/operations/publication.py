"""A snapshot that is being published: everything that its steps need, in one value."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core import files
from jvs_core.operations.context import Context, step

if TYPE_CHECKING:
    from jvs_core.control.lock.lease import Lease
    from jvs_core.model import Intent, Kind, Worktree
    from jvs_core.payload.copy.captured import Consistency
    from jvs_core.payload.engines.base import SnapshotEngine
    from jvs_core.payload.tree.walk import Scan
    from jvs_core.progress import Progress


@dataclass(frozen=True)
class Request:
    """What a snapshot was asked to be; ``snapshot_id`` was reserved before, or is None."""

    note: str
    tags: tuple[str, ...]
    consistency: Consistency
    kind: Kind = "user"
    cells: bytes | None = None
    snapshot_id: str | None = None


@dataclass(frozen=True)
class Publication:
    """A snapshot under way: of which worktree, as it stood when it began, asked for how, and under which lease.

    ``found`` is a scan of the worktree made just now, if any.
    """

    ctx: Context
    name: str
    record: Worktree
    request: Request
    lease: Lease
    engine: SnapshotEngine
    snapshot_id: str
    progress: Progress
    found: Scan | None = None

    @property
    def worktree(self) -> Path:
        """The folder that the snapshot is of."""
        return self.ctx.layout.worktree(self.name)

    @property
    def place(self) -> Path:
        """Where the snapshot lies once it is published."""
        return self.ctx.layout.snapshot(self.snapshot_id)

    @property
    def temporary(self) -> Path:
        """Where it is made."""
        return drafted(self.place)

    @property
    def descriptor(self) -> Path:
        """Where its descriptor lies once it is published."""
        return self.ctx.layout.descriptor(self.snapshot_id)

    @property
    def draft(self) -> Path:
        """Where its descriptor is made."""
        return drafted(self.descriptor)

    def begin(self) -> Intent:
        """Write down that this snapshot is taken, before the first byte of it."""
        return self.ctx.begin(
            "snapshot",
            worktree=self.name,
            worktree_id=self.record.worktree_id,
            snapshot_id=self.snapshot_id,
            fencing_token=self.lease.token,
            parent_snapshot_id=self.record.head_snapshot_id,
            note=self.request.note,
        )

    def step(self, name: str, total: int | None = None) -> AbstractContextManager[None]:
        """Report the block as one named step."""
        return step(self.progress, name, total)


def drafted(path: Path) -> Path:
    """Return the temporary name beside ``path`` of what gets that name when it is published."""
    return path.with_name(path.name + files.TEMPORARY_SUFFIX)
