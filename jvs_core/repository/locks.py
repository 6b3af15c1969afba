"""``repository.locks``: the locks of its worktrees, for the caller's session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.model import LeaseRecord
    from jvs_core.operations.context import Context
    from jvs_core.results import LockStatus


class Locks:
    """The locks of a repository's worktrees; ``worktree`` None means the one the repository was opened from.

    ``Repository.hold`` does all of this for a ``with`` block.
    """

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def acquire(
        self,
        worktree: str | None = None,
        *,
        lease_ms: int | None = None,
        wait_s: float = 0.0,
        purpose: str = "",
    ) -> LeaseRecord:
        """Take the worktree's lock for this session, for ``lease_ms`` (default 15 minutes).

        Raises LockConflict with holder, since when and until when; ClockSkewExceeded.
        """
        return operations.locking.acquire(
            self._context, worktree or self._worktree, lease_ms=lease_ms, wait_s=wait_s, purpose=purpose
        ).record

    @translated
    def status(self, worktree: str | None = None) -> LockStatus:
        """Return the state of the worktree's lock and its record."""
        return operations.locking.status(self._context, worktree or self._worktree)

    @translated
    def renew(self, worktree: str | None = None) -> LeaseRecord:
        """Extend the session's lease from now. Raises LockNotHeld, LockExpired, FencingMismatch."""
        return operations.locking.renew(self._context, worktree or self._worktree).record

    @translated
    def release(self, worktree: str | None = None) -> None:
        """Release the session's lock. Raises LockNotHeld, LockExpired, FencingMismatch."""
        operations.locking.release(self._context, worktree or self._worktree)
