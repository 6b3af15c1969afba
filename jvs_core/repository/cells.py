"""``repository.cells``: what a notebook's kernel executed on the way to a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.operations.context import Context


class Cells:
    """The notebooks of executed cells that kernels keep with snapshots, in the nbformat JSON they came in."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def read(self, snapshot: str, *, worktree: str | None = None) -> bytes | None:
        """Return the notebook kept with a snapshot, checked against its descriptor; None where none is.

        Raises SnapshotNotFound, SnapshotExpired, PartialSnapshot, DescriptorCorrupt.
        """
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        return operations.cells.of_snapshot(self._context.layout, snapshot_id)
