"""Where a worktree stands: what changed in it, and the restore that stands unfinished there."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.results.result import Result
from jvs_core.validated import Field


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
    """An in-place restore, undo or redo that is not finished: it is ``under_way``, or was interrupted.

    Of the ``total`` paths that it changes, ``restored`` are done; both are None if JVS cannot tell. ``own``
    says whether the caller began it.
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
    """The changes of a worktree since its head, and an ``unfinished`` in-place restore, if there is one.

    ``caches`` are those of the changed paths that are in known caches. ``but_caches`` counts the others; it
    is not in the JSON.
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
    but_caches: int = Field(default=0, exclude=True)

    def to_json(self) -> dict[str, Any]:
        """Return the status; ``unfinished`` and ``caches`` only where there is something."""
        return self.model_dump(exclude={name for name in ("caches", "unfinished") if not getattr(self, name)})
