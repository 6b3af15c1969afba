"""``repository.worktrees``: making, listing, renaming and removing worktrees."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core import operations, results
from jvs_core.errors import InputError
from jvs_core.faults import translated
from jvs_core.progress import SILENT, Progress
from jvs_core.repository.blocks import Translated

if TYPE_CHECKING:
    from jvs_core.model import UndoPoint
    from jvs_core.operations.context import Context
    from jvs_core.operations.temporary_worktrees import TemporaryWorktree
    from jvs_core.results import WorktreeCreated, WorktreeInfo, WorktreeRemoved


class Worktrees:
    """A repository's worktrees: real folders, each with a head of its own."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def create(
        self,
        name: str,
        *,
        from_: str | None = None,
        empty: bool = False,
        worktree: str | None = None,
        labels: Mapping[str, str] | None = None,
        progress: Progress = SILENT,
    ) -> WorktreeCreated:
        """Make a worktree from a snapshot (None: the head of the current worktree; empty when there is none).

        With ``empty`` it begins with nothing: no file, no head, and no history until its first snapshot. ``labels`` say whose it is or what it is for; JVS only keeps them.

        Raises NameInvalid, AlreadyExists, InputError (labels, or ``empty`` with ``from_``).
        """
        if empty and from_ is not None:
            raise InputError(
                "an empty worktree cannot start from a snapshot", hint="give either --from or --empty"
            )
        base = None if empty else self._context.base_for_new_worktree(from_, worktree or self._worktree)
        return operations.worktrees.create(self._context, name, base, labels=labels, progress=progress)

    @translated
    def isolated_run(
        self, name: str, *, from_: str, worktree: str | None = None, progress: Progress = SILENT
    ) -> AbstractContextManager[TemporaryWorktree]:
        """Make a worktree from a snapshot for one run; after the block it is removed, unless ``keep`` was set on it.

        After a crash ``doctor`` finds it, snapshots what no snapshot holds, and removes it.

        Raises NameInvalid, AlreadyExists; at the end LockConflict, when somebody holds its lock.
        """
        base = self._context.resolve(from_, worktree or self._worktree)
        return Translated(operations.temporary_worktrees.isolated_run(self._context, name, base, progress))

    @translated
    def names(self) -> list[str]:
        """Return the names of all worktrees, ``main`` first; one listing of a folder, whatever they hold."""
        return operations.worktrees.names(self._context)

    @translated
    def get(self, worktree: str | None = None) -> WorktreeInfo:
        """Return one worktree. Raises WorktreeNotFound."""
        return operations.worktrees.get(self._context, worktree or self._worktree)

    @translated
    def label(self, name: str, labels: Mapping[str, str]) -> WorktreeInfo:
        """Replace the labels of a worktree, with an audit record. Raises WorktreeNotFound, InputError."""
        return operations.worktrees.label(self._context, name, labels)

    @translated
    def all(
        self,
        unreadable: list[str] | None = None,
        *,
        status_within_s: float | None = None,
        progress: Progress = SILENT,
    ) -> list[WorktreeInfo]:
        """Return every worktree, ``main`` first.

        With ``status_within_s``, ``changes`` says how many paths of each differ from its head, as ``status`` does. It
        is None for those that the time is too short for, and ``unreadable`` gets their number.

        With a list as ``unreadable``, those with a damaged record are left out, and the list gets their errors.
        Without one, DescriptorCorrupt is raised.
        """
        return operations.worktrees.listing(
            self._context, unreadable, within_s=status_within_s, progress=progress
        )

    @translated
    def path(self, worktree: str | None = None) -> Path:
        """Return the absolute path of a worktree. Raises WorktreeNotFound."""
        return operations.worktrees.path(self._context, worktree or self._worktree)

    @translated
    def undo_point(self, worktree: str | None = None) -> UndoPoint | None:
        """Return what the last in-place restore of a worktree replaced; None when there is nothing to undo."""
        points = self._context.worktree(worktree or self._worktree).undo
        return points[-1] if points else None

    @translated
    def redo_point(self, worktree: str | None = None) -> UndoPoint | None:
        """Return what the last undo of a worktree replaced; None when there is nothing to redo."""
        points = self._context.worktree(worktree or self._worktree).redo
        return points[-1] if points else None

    @translated
    def rename(self, old: str, new: str) -> WorktreeInfo:
        """Give a worktree another name. Raises LockConflict when it is locked."""
        return operations.worktrees.rename(self._context, old, new)

    @translated
    def remove(
        self, name: str, *, force: bool = False, keep_last: bool = True, progress: Progress = SILENT
    ) -> WorktreeRemoved:
        """Remove a worktree; its snapshots stay.

        ``force`` also removes one with changes, after a last snapshot of it, which is pinned for 30 days. If that
        fails (NoSpace, UnsupportedFile), the worktree stays. Without ``keep_last`` the changes are lost. What no
        snapshot ever holds (repositories inside, sockets, excluded files) is removed with it. Raises InputError for ``main``, LockConflict, UnsavedChanges, PayloadHashMismatch where its head is damaged,
        EngineFailed where something is mounted in it.
        """
        last = operations.worktree_removal.remove(
            self._context, name, force=force, keep_last=keep_last, progress=progress
        )
        return results.WorktreeRemoved(worktree=name, last_snapshot_id=last)
