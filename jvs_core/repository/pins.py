"""``repository.pins``: reasons to keep a snapshot whatever retention says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.model import Pin
    from jvs_core.operations.context import Context


class Pins:
    """A repository's pins, those of in-place restores among them."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def create(
        self, snapshot: str, *, reason: str = "", expires: str | None = None, worktree: str | None = None
    ) -> Pin:
        """Keep a snapshot from gc, until ``expires``: a duration from now (``30d``), a date or a time in UTC.

        Raises InputError, SnapshotNotFound, SnapshotExpired.
        """
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        return operations.pins.create(self._context, snapshot_id, reason=reason, expires=expires)

    @translated
    def all(self, unreadable: list[str] | None = None) -> list[Pin]:
        """Return all pins, oldest first, expired ones too.

        With a list for what is ``unreadable``, it gets what is wrong with those that cannot be read; without one
        DescriptorCorrupt is raised.
        """
        from jvs_core.control.records import pins as stored

        return stored.read_all(self._context.layout, unreadable)

    @translated
    def delete(self, pin_id: str) -> Pin:
        """Remove a pin and return what it was. Raises PinNotFound."""
        return operations.pins.delete(self._context, pin_id)
