"""``repository.timeline``: automatic history, and getting lost files back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from jvs_core import operations
from jvs_core.faults import translated
from jvs_core.progress import SILENT, Progress

if TYPE_CHECKING:
    from jvs_core.errors import JvsError
    from jvs_core.model import Cause, Descriptor
    from jvs_core.operations.context import Context
    from jvs_core.operations.snapshot_file import SnapshotFile
    from jvs_core.operations.timeline.watching import Watch
    from jvs_core.results import Copy, LostFile, PutBack, Thinned, TimelineState
    from jvs_core.settings import TimelineConfig


class Timeline:
    """The automatic history: automatic snapshots, and deleted files.

    Nothing here waits or repeats by itself. ``Schedule`` says when it is time; ``jvs timeline run`` and the Jupyter
    server use it. ``worktree`` None means the one that the repository was opened from.
    """

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @property
    @translated
    def settings(self) -> TimelineConfig:
        """The repository's ``[timeline]``, as its configuration says now. Raises InputError where that is damaged."""
        return operations.timeline.standing.settings(self._context)

    @translated
    def state(self, worktree: str | None = None, *, progress: Progress = SILENT) -> TimelineState:
        """Return how the history of a worktree stands, which takes a look at it.

        ``saved``, ``changed`` (so many paths, known caches left out), ``paused`` for a reason, or ``off``. Why it is paused,
        and when the next snapshot comes, is known of programs of this user on this machine (see ``announce``).
        """
        return operations.timeline.standing.state(self._context, worktree or self._worktree, progress)

    @translated
    def snapshot(
        self, worktree: str | None = None, *, note: str = "", progress: Progress = SILENT
    ) -> Descriptor | None:
        """Take an automatic snapshot of a worktree if it changed; else return None.

        Its kind is ``auto``. It looks as ``snapshot_if_changed`` does. It uses the lock if this session holds it,
        else takes it without waiting. It records and names files that keep changing. Raises LockConflict where somebody else
        holds the lock, and what ``snapshot`` does; nothing is visible then, and it may be tried again later.
        """
        return operations.snapshot.take_if_changed(
            self._context,
            worktree or self._worktree,
            note=note,
            tags=(),
            consistency="prefer_quiesced",
            kind="auto",
            locking=operations.locking.Locking(take=True),
            progress=progress,
        )

    @translated
    def switch(self, on: bool) -> TimelineConfig:
        """Turn the automatic history of the repository on or off, in its configuration, and return that.

        Comments and other settings stay. Durable and in the log when this returns. Raises InputError where the configuration
        is damaged, or a link.
        """
        return operations.timeline.switching.switch(self._context, on)

    @translated
    def run(self, worktree: str | None = None, *, tell: Callable[[str], None] | None = None) -> NoReturn:
        """Keep the history of a worktree in this thread, until it is interrupted (KeyboardInterrupt).

        ``tell`` gets a line for each snapshot, pause and resumption. Faults pause it, and it resumes when they are
        over. An interrupt takes back a snapshot in progress and releases the lock. Raises InputError where the history is off.
        """
        operations.timeline.keeper.keep(
            self._context,
            worktree or self._worktree,
            lambda told: None if tell is None else tell(told.message),
        )

    @translated
    def watch(self, worktree: str | None = None) -> Watch:
        """Return what notices that something changed in a worktree, by inotify where that tells; see ``Watch``.

        Raises WorktreeNotFound.
        """
        from jvs_core.operations.timeline.watching import Watch

        return Watch(self._context.layout.worktree(worktree or self._worktree))

    @translated
    def announce(
        self,
        worktree: str | None = None,
        *,
        next_in_s: float | None = None,
        reason: JvsError | None = None,
    ) -> None:
        """Say that this process takes the snapshots of a worktree: when the next one, and why none just now.

        It lies in the user's state folder until ``withdraw``, or the end of the process; where it cannot be written, nothing
        is said.
        """
        ctx, name = self._context, worktree or self._worktree
        operations.timeline.announcements.announce(
            ctx, ctx.worktree(name).worktree_id, next_in_s=next_in_s, reason=reason
        )

    @translated
    def withdraw(self, worktree: str | None = None) -> None:
        """Take back what this process announced."""
        ctx, name = self._context, worktree or self._worktree
        operations.timeline.announcements.withdraw(ctx, ctx.worktree(name).worktree_id)

    @translated
    def thin(
        self,
        worktree: str | None = None,
        *,
        every: bool = False,
        most: int = 200,
        progress: Progress = SILENT,
    ) -> Thinned:
        """Remove the automatic snapshots of a worktree, or of ``every`` one, that the rules of ``keep`` do not keep.

        It removes only snapshots of the kind ``auto``. It keeps heads, snapshots that a ref, pin, intent or run
        names, and those with a note or a tag. It also keeps the last one that holds a file from before it was removed
        or overwritten in the last ``deleted_days``. If automatic snapshots and kept copies alone hold more than
        ``space_percent`` of the file system, the oldest go earlier, whatever the rules say, and ``notes`` says so.
        Kept copies older than ``deleted_days`` go as well. One call removes at most ``most``, in one collection of
        gc, and ``more`` says whether there is more to do. If it is killed, the next call completes it.

        Raises
        ------
        GcPlanMismatch
            Somebody needs one of them by now; nothing was removed, and it may be tried again.
        DescriptorCorrupt, RefBroken, LineageBroken
            Something that may protect a snapshot cannot be read; nothing was removed.
        """
        name = worktree or self._worktree
        return operations.timeline.thinning.thin(
            self._context, name, every=every, most=most, progress=progress
        )

    @translated
    def keep_file(self, path: str, cause: Cause, *, worktree: str | None = None) -> Copy | None:
        """Keep a copy of one file of a worktree, before it is removed or overwritten: ``delete``, ``rename`` or ``overwrite``.

        It costs one file: a reflink where the file system has them, else a copy. It is durable and in the log when this
        returns, needs no lock, and stays for ``deleted_days``. A crash leaves all of it, or what ``doctor`` removes. What lies
        in a known cache, and what is no regular file, is not kept: None. Raises PathNotFound, PathEscape, InputError (a
        folder), UnsupportedFile (it cannot be read), NoSpace.
        """
        copy = operations.timeline.keeping.keep(self._context, worktree or self._worktree, path, cause)
        return None if copy is None else operations.timeline.keeping.described(copy)

    @translated
    def copies(self, worktree: str | None = None, *, unreadable: list[str] | None = None) -> list[Copy]:
        """Return the kept copies of a worktree, newest first.

        With a list for what is ``unreadable``, damaged records are left out, and it gets what is wrong with them; without
        one DescriptorCorrupt is raised.
        """
        name = worktree or self._worktree
        return [
            operations.timeline.keeping.described(copy)
            for copy in operations.timeline.keeping.copies(self._context, name, unreadable)
        ]

    @translated
    def has_copy(self, copy_id: str, *, worktree: str | None = None) -> bool:
        """Return whether a copy of this id was kept of a worktree's file. Raises DescriptorCorrupt."""
        return (
            operations.timeline.keeping.find(self._context, worktree or self._worktree, copy_id) is not None
        )

    @translated
    def open_copy(self, copy_id: str, *, worktree: str | None = None) -> SnapshotFile:
        """Open a kept copy for reading; it is checked as a file of a snapshot is. Raises PathNotFound."""
        return operations.timeline.keeping.open_copy(self._context, worktree or self._worktree, copy_id)

    @translated
    def put_back(
        self,
        file: str,
        source: str,
        *,
        to: str | None = None,
        worktree: str | None = None,
        progress: Progress = SILENT,
    ) -> PutBack:
        """Put the file ``file`` back from ``source``, a snapshot or the id of a kept copy: where it was, or at ``to``.

        It never replaces anything. If something has that name now, the file becomes ``name (HH.MM).ext``, with the
        time of the source. It needs no lock, is durable and in the log when this returns; after a crash it is there whole or not at all.
        A folder of a snapshot can be put back too. Raises PathNotFound, SnapshotNotFound, PathEscape, PayloadHashMismatch.
        """
        return operations.timeline.putting_back.put_back(
            self._context, worktree or self._worktree, file, source, to, progress
        )

    @translated
    def deleted(
        self,
        query: str = "",
        folder: str = "",
        *,
        limit: int = 100,
        after: str | None = None,
        worktree: str | None = None,
        unreadable: list[str] | None = None,
        progress: Progress = SILENT,
    ) -> list[LostFile]:
        """Return the files that a worktree lost, each with its newest loss, newest first.

        ``query`` is a part of the path or a pattern, as for ``find``; ``folder`` one in which they lay, at any depth.
        ``after`` is the ``next`` of the last row of the page before. The answer comes from the index of changes that
        ``find`` uses, the kept copies and the names in the worktree. It leaves out files in known caches, and files
        that exist again unchanged. It leaves out damaged snapshots and copies; ``unreadable`` gets their errors.
        """
        return operations.timeline.losses.lost(
            self._context,
            worktree or self._worktree,
            query=query,
            folder=folder,
            limit=limit,
            after=after,
            days=self.settings.deleted_days,
            unreadable=unreadable,
            progress=progress,
        )
