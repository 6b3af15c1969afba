"""Where a worktree stands: what changed in it, and the restore that stands unfinished there."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jvs_core.results.result import Result


class Changes(Result):
    """Paths that are new, different or gone, each list sorted."""

    added: list[str]
    modified: list[str]
    removed: list[str]

    @property
    def any(self) -> bool:
        """Whether there is any change."""
        return bool(self.added or self.modified or self.removed)


class Unfinished(Result):
    """An in-place restore, undo or redo that stands unfinished: ``under_way``, or cut short.

    Of the ``total`` paths that it changes, ``restored`` are as it wants them, both None where that cannot be told. ``own`` says whether the caller began it.
    """

    operation: Literal["restore", "undo", "redo"]
    snapshot_id: str
    holder_id: str
    started_at: str
    under_way: bool
    own: bool
    restored: int | None
    total: int | None


class Status(Result):
    """A worktree against its head, and the in-place restore that stands ``unfinished`` there, if any.

    ``caches`` are those of the changed paths that lie in known caches.
    """

    worktree: str
    path: str
    head_snapshot_id: str | None
    lock_state: Literal["free", "held", "expired"]
    clean: bool
    added: list[str]
    modified: list[str]
    removed: list[str]
    caches: list[str] = Field(default_factory=list)
    unfinished: Unfinished | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the status; ``unfinished`` and ``caches`` only where there is something."""
        return self.model_dump(exclude={name for name in ("caches", "unfinished") if not getattr(self, name)})
