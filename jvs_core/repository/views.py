"""``repository.views``: read-only copies of snapshots to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated
from jvs_core.progress import SILENT, Progress

if TYPE_CHECKING:
    from jvs_core.operations.context import Context
    from jvs_core.results import View


class Views:
    """A repository's open views. ``Repository.view`` opens one for a ``with`` block."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def open(
        self,
        snapshot: str,
        path: str = "",
        *,
        by_hand: bool = False,
        worktree: str | None = None,
        progress: Progress = SILENT,
    ) -> View:
        """Open a view of a snapshot, or of ``path`` in it, until it is closed or this process has ended.

        With ``by_hand`` it outlives the process: the session holds it, that is the shell of the terminal. A view of the
        same that is open already is shared. Raises what ``Repository.view`` does.
        """
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        intent = operations.views.opening.open_view(
            self._context, snapshot_id, path, by_hand=by_hand, progress=progress
        )
        return operations.views.holding.described(self._context, intent)

    @translated
    def all(self) -> list[View]:
        """Return the open views, oldest first, once for each who holds one."""
        return [
            operations.views.holding.described(self._context, intent)
            for intent in operations.views.holding.holders(self._context)
        ]

    @translated
    def close(self, name: str | None = None, *, by_hand: bool = False) -> list[View]:
        """Close views by id or by a path in them; None closes all of this process. Return what was closed.

        With ``by_hand`` those of the session. What was opened by hand can be closed by its name from everywhere. A folder
        stays while others hold it. Raises PathNotFound where there is none, Conflict where a running program holds it.
        """
        return operations.views.closing.close(self._context, name, by_hand=by_hand)
