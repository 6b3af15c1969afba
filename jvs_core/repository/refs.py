"""``repository.refs``: names for snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.control.records import refs as stored
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.model import Ref
    from jvs_core.operations.context import Context


class Refs:
    """A repository's refs. A ref never changes, and protects its snapshot from gc."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def create(self, name: str, snapshot: str, *, note: str = "", worktree: str | None = None) -> Ref:
        """Name a snapshot for good. Raises NameInvalid, AlreadyExists."""
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        return operations.refs.create(self._context, name, snapshot_id, note=note)

    @translated
    def all(self) -> list[Ref]:
        """Return all refs by name. Raises RefBroken."""
        return stored.REFS.all(self._context.layout)

    @translated
    def broken(self) -> list[str]:
        """Return what is wrong with each ref that cannot be read; a history or a snapshot is shown without them."""
        return [error.message for error in stored.REFS.readable(self._context.layout)[1].values()]

    @translated
    def delete(self, name: str) -> Ref:
        """Delete a ref and return what it was. Raises RefNotFound."""
        return operations.refs.delete(self._context, name)
