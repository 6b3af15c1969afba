"""``repository.index``: what each snapshot changed, from the index of changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated
from jvs_core.progress import SILENT, Progress

if TYPE_CHECKING:
    from jvs_core.operations.context import Context
    from jvs_core.results import SnapshotChanges


class Index:
    """What the snapshots of a repository changed, each seen from the one before.

    The answer comes from an index in the cache folder. ``within_s`` limits the time for updating it; the default is
    no limit. The answer leaves out what is not in the index by then, and the next call continues from there.
    """

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def update(self, *, within_s: float | None = None, progress: Progress = SILENT) -> bool:
        """Bring the index up to date and return whether it is."""
        return operations.changed.bring_up_to_date(self._context, within_s, progress)

    @translated
    def of(
        self, snapshots: Iterable[str], *, limit: int = 5, within_s: float | None = None
    ) -> dict[str, SnapshotChanges]:
        """Return what each of these snapshots (full ids) changed, the first ``limit`` paths; those unknown are left out."""
        return operations.changed.of(self._context, snapshots, limit, within_s)

    @translated
    def lineage(self, worktree: str | None = None, *, within_s: float | None = None) -> list[str]:
        """Return the snapshots that led to a worktree's head, newest first."""
        return operations.changed.ancestry(self._context, worktree or self._worktree, within_s)

    @translated
    def touching(self, path: str, *, within_s: float | None = None) -> set[str]:
        """Return the snapshots that changed ``path``, or anything below it. Raises PathEscape."""
        return operations.changed.touching(self._context, path, within_s)

    @translated
    def naming(self, word: str, *, within_s: float | None = None) -> set[str]:
        """Return the snapshots that changed a file with ``word`` in its path, in whatever case."""
        return operations.changed.naming(self._context, word, within_s)
