"""The facade: all that can be done with a repository, as one class and one register (locks, refs …) a module.

It is longer than other modules since half of it is the documentation of the Python interface, and a method here only
names the operation that does the work; mixins would cut the class and leave one noun in several places."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core import settings as environment
from jvs_core.control import catalog
from jvs_core.control.discovery import find_root, standing
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.errors import InputError
from jvs_core.faults import translated
from jvs_core.operations.context import Context
from jvs_core.progress import SILENT, Progress
from jvs_core.repository.audit import Audit
from jvs_core.repository.blocks import Translated
from jvs_core.repository.cells import Cells
from jvs_core.repository.config import Config
from jvs_core.repository.gc import Gc
from jvs_core.repository.index import Index
from jvs_core.repository.locks import Locks
from jvs_core.repository.pins import Pins
from jvs_core.repository.refs import Refs
from jvs_core.repository.runs import Runs
from jvs_core.repository.timeline import Timeline
from jvs_core.repository.views import Views
from jvs_core.repository.worktrees import Worktrees

if TYPE_CHECKING:
    from jvs_core.control.lock.lease import Lease
    from jvs_core.model import AnnotatedDescriptor, Checkpoint, Descriptor, Kind
    from jvs_core.operations.sandbox import Sandbox
    from jvs_core.operations.snapshot import Demand
    from jvs_core.operations.snapshot_file import SnapshotFile
    from jvs_core.results import (
        AdoptionEstimate,
        Bisection,
        CacheShare,
        ChangedEntries,
        Cloned,
        Comparison,
        DoctorReport,
        Exported,
        Extracted,
        FoundFile,
        HistoryItem,
        Imported,
        Initialized,
        ProofReport,
        RepositoryInfo,
        Restored,
        RestoredInPlace,
        SnapshotDetails,
        Stats,
        Status,
        TreeEntry,
        Tried,
        VerifyReport,
    )
    from jvs_core.settings import Settings

__all__ = ["Repository"]


class Repository:
    """A repository on disk.

    Synchronous, and safe to share between threads. ``worktree`` arguments name a worktree; None means the one that
    the repository was opened from (``main`` when opened from outside any). SNAPSHOT arguments are a full id, a unique
    prefix of an id or of its last 8 digits, a ref, ``HEAD``, ``HEAD~N``, ``tag:NAME`` (the newest with this tag that led to the
    worktree's head) or a time such as ``@2026-11-28T18:00``, ``@yesterday`` or ``@2h`` (the newest that was taken then or
    before, in local time). What concerns locks, worktrees, refs, pins,
    gc, runs, views, the timeline or the audit log alone is in the registers ``locks``, ``worktrees``, ``refs``, ``pins``, ``gc``,
    ``runs``, ``views``, ``index``, ``audit``, ``cells``, ``config`` and ``timeline``. Every method raises subclasses of ``JvsError`` only. When a method that changes something returns, the change is durable and in the audit log. After a crash in the middle
    the repository is as before or as after, or ``doctor`` makes it so.
    """

    def __init__(
        self, root: str | os.PathLike[str], *, worktree: str = MAIN, settings: Settings | None = None
    ) -> None:
        self._context = Context.open(Layout(Path(root)), settings or environment.from_environment())
        self._worktree = worktree
        self._degraded: tuple[str, ...] = ()
        self.locks = Locks(self._context, worktree)
        self.worktrees = Worktrees(self._context, worktree)
        self.refs = Refs(self._context, worktree)
        self.cells = Cells(self._context, worktree)
        self.index = Index(self._context, worktree)
        self.runs = Runs(self._context, worktree)
        self.audit = Audit(self._context)
        self.config = Config(self._context)
        self.gc = Gc(self._context, worktree)
        self.pins = Pins(self._context, worktree)
        self.timeline = Timeline(self._context, worktree)
        self.views = Views(self._context, worktree)

    @classmethod
    @translated
    def open(cls, path: str | os.PathLike[str] = ".", *, settings: Settings | None = None) -> Repository:
        """Open the repository at or above ``path``; its worktree is the one that ``path`` lies in.

        A current folder that was removed counts as lying where it did. Raises NotARepository, UntrustedRepository (it belongs to somebody else; nothing was read), FormatUnsupported.
        """
        settings = settings or environment.from_environment()
        root = find_root(Path(path), settings)
        return cls(root, worktree=Layout(root).worktree_at(standing(Path(path))), settings=settings)

    @classmethod
    @translated
    def init(
        cls,
        path: str | os.PathLike[str],
        *,
        from_: str | os.PathLike[str] | None = None,
        adopt: str | os.PathLike[str] | None = None,
        engine: str | None = None,
        shared: bool = False,
        exclude: Iterable[str] = (),
        exclude_caches: bool = False,
        settings: Settings | None = None,
        progress: Progress = SILENT,
    ) -> Repository:
        """Make a new repository at ``path``, whose last part is its name; clone ``from_`` into ``main``.

        The folder ``adopt`` becomes ``main`` itself, whatever its size, in one step that leaves a link in its place. Snapshots
        leave out what matches ``exclude``, in the syntax of .gitignore, and with ``exclude_caches`` known caches; ``main`` has it. Raises
        NameInvalid, AlreadyExists, PathNotFound, EngineUnavailable, InputError (with both, or where ``adopt`` cannot be
        moved: a home folder, a mount point, on another file system, in a repository, somebody else's), EngineFailed (it is
        read-only).
        """
        if from_ and adopt:
            raise InputError("a folder can be cloned or adopted, not both", hint="give --from or --adopt")
        settings = settings or environment.from_environment()
        degraded = operations.init.create(
            Path(path),
            settings,
            source=Path(from_) if from_ else None,
            adopted=Path(adopt) if adopt else None,
            engine=engine,
            shared=shared,
            exclude=environment.parse_exclude(exclude, exclude_caches),
            progress=progress,
        )
        made = cls(Path(os.path.realpath(path)), settings=settings)
        made._degraded = tuple(degraded)
        return made

    @classmethod
    @translated
    def clone(
        cls,
        source: str | os.PathLike[str],
        path: str | os.PathLike[str],
        *,
        only: Sequence[str] = (),
        same_id: bool = False,
        settings: Settings | None = None,
        progress: Progress = SILENT,
    ) -> Cloned:
        """Clone the repository at or above ``source`` to ``path``, perhaps on another file system; return what came.

        Copies each distinct file once and checks it against its manifest. Hard links within a snapshot stay, and
        snapshots share what they shared before. Worktrees are as their heads have them. ``only`` limits it to these
        snapshots, with their ancestors as stubs. The clone has an identity of its own, unless ``same_id`` moves the
        repository. A failure leaves the hidden folder ``.NAME.unfinished`` beside ``path``; the same call continues
        from it. ``refused`` of the answer lists damaged snapshots. Raises NameInvalid, AlreadyExists, InputError, SnapshotNotFound, UnsavedChanges (with
        ``same_id``), AuditChainBroken, LockConflict (the same clone is under way), NoSpace.
        """
        settings = settings or environment.from_environment()
        ctx = Context.open(Layout(find_root(Path(source), settings)), settings)
        return operations.moving.clone.clone(ctx, Path(path), only=only, same_id=same_id, progress=progress)

    @classmethod
    @translated
    def import_old(
        cls,
        source: str | os.PathLike[str],
        path: str | os.PathLike[str],
        *,
        settings: Settings | None = None,
        progress: Progress = SILENT,
    ) -> Imported:
        """Import the repository of JVS 0.1.0, or of JVS in Go (v6.5 to v8.2), in the folder ``source`` as ``path``.

        ``source`` does not change. Snapshots keep id, note, tags, time and lineage, from JVS 0.1.0 also pins, runs and undo.
        JVS checks each payload against its own hash if it can compute that; the answer names the others. ``refused`` of the
        answer lists damaged ones. Worktrees come as they are there. After a failure the same call continues. Raises
        NotARepository, UntrustedRepository,
        FormatUnsupported, NameInvalid, AlreadyExists, LockConflict, NoSpace.
        """
        return operations.moving.importing.import_old(
            Path(source), Path(path), settings or environment.from_environment(), progress
        )

    @staticmethod
    @translated
    def estimate(
        folder: str | os.PathLike[str], *, name: str | None = None, within_s: float = 2.0
    ) -> AdoptionEstimate:
        """Return what ``init`` with ``adopt=folder`` needs, and whether it is possible. Changes nothing.

        ``name`` is that of the repository beside the folder, a free one when left out. Counting ends after ``within_s``
        seconds, caches included, links and mounts not followed. Raises PathNotFound.
        """
        return operations.adoption_estimate.estimate(Path(folder), name, within_s)

    @property
    def root(self) -> Path:
        """The repository's folder."""
        return self._context.layout.root

    @property
    def repo_id(self) -> str:
        """The repository's identity, which it keeps when it is moved."""
        return self._context.repo_id

    @property
    def worktree(self) -> str:
        """The name of the worktree that the repository was opened from."""
        return self._worktree

    @property
    def settings(self) -> Settings:
        """Who is calling."""
        return self._context.settings

    @property
    def requested_engine(self) -> str:
        """The engine asked for by environment or configuration, or ``auto``."""
        return self._context.requested_engine

    @translated
    def initialized(self) -> Initialized:
        """Return what ``init`` reports. After ``from_``, ``degraded`` says what of that folder could not be kept."""
        return operations.init.describe(self._context, self._degraded)

    @translated
    def info(self) -> RepositoryInfo:
        """Return what the repository is and how it is set."""
        return operations.browse.info(self._context)

    @translated
    def status(self, worktree: str | None = None, *, progress: Progress = SILENT) -> Status:
        """Return how the worktree differs from its head."""
        return operations.status.status(self._context, worktree or self._worktree, progress)

    @translated
    def snapshot(
        self,
        note: str = "",
        *,
        worktree: str | None = None,
        tags: Iterable[str] = (),
        consistency: Demand = "quiesced",
        kind: Kind = "user",
        cells: bytes | None = None,
        lock: bool = False,
        wait_s: float = 0.0,
        snapshot_id: str | None = None,
        progress: Progress = SILENT,
    ) -> Descriptor:
        """Take a snapshot of the whole worktree.

        The caller's session must hold the worktree's lock. ``lock`` takes it for this call unless held, waits up to
        ``wait_s`` seconds, and releases it. With ``prefer_quiesced``, if files keep changing, the snapshot is taken
        again as ``best_effort``: the descriptor says so and names the files. ``kind`` says why it is made:
        by a ``user``, unasked (``auto``), around a ``run``, before a ``restore``, as a ``checkpoint`` of a notebook. ``cells`` is a notebook of
        what a kernel executed, kept beside the payload (see the register ``cells``). ``snapshot_id`` is an id
        from ``reserve_snapshot_id``, for callers that must write it into a file of the snapshot itself.

        Raises
        ------
        LockNotHeld, LockExpired, FencingMismatch, LockConflict
            The lock is not the caller's; nothing is visible.
        ConsistencyUnavailable
            ``quiesced`` was asked for and files kept changing; the message names them.
        UnsupportedFile, NoSpace, EngineFailed
            The worktree cannot be read or the copy not be written; nothing is visible.
        """
        return operations.snapshot.take(
            self._context,
            worktree or self._worktree,
            note=note,
            tags=tuple(tags),
            consistency=consistency,
            kind=kind,
            cells=cells,
            locking=operations.locking.Locking(lock, wait_s),
            snapshot_id=snapshot_id,
            progress=progress,
        )

    @translated
    def snapshot_if_changed(
        self,
        note: str = "",
        *,
        worktree: str | None = None,
        tags: Iterable[str] = (),
        consistency: Demand = "quiesced",
        kind: Kind = "user",
        cells: bytes | None = None,
        lock: bool = False,
        wait_s: float = 0.0,
        progress: Progress = SILENT,
    ) -> Descriptor | None:
        """Take a snapshot as ``snapshot`` does if the worktree differs from its head; else return None.

        Changed times and known caches (see ``compare``) do not count; owners, extended attributes and hard links do.
        Looking needs no lock. If several callers see the same change, one of them takes the snapshot. A damaged head
        counts as different. Raises what
        ``snapshot`` does.
        """
        return operations.snapshot.take_if_changed(
            self._context,
            worktree or self._worktree,
            note=note,
            tags=tuple(tags),
            consistency=consistency,
            kind=kind,
            cells=cells,
            locking=operations.locking.Locking(lock, wait_s),
            progress=progress,
        )

    @translated
    def annotate(
        self,
        snapshot: str,
        *,
        note: str | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
        worktree: str | None = None,
    ) -> AnnotatedDescriptor:
        """Edit the note and tags of a snapshot; without ``note`` that stays.

        The descriptor on disk never changes: the edit is a record of its own, in the log. It needs no lock. From now
        on everything that shows or finds snapshots uses the edited note and tags. The returned descriptor has them, with all edits
        in ``annotations``; ``original`` is the one on disk. Raises InputError (also when nothing would change),
        SnapshotExpired.
        """
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        return operations.annotate.annotate(
            self._context, snapshot_id, note=note, add=tuple(add_tags), remove=tuple(remove_tags)
        )

    @staticmethod
    def reserve_snapshot_id() -> str:
        """Return an id for a later ``snapshot``. Nothing is written; one that is never used costs nothing."""
        return catalog.new_id()

    @translated
    def history(
        self,
        worktree: str | None = None,
        *,
        limit: int | None = None,
        every: bool = False,
        tag: str | None = None,
        before: str | None = None,
        path: str | None = None,
        auto: bool = True,
        grep: str | None = None,
        since: str | None = None,
        until: str | None = None,
        larger: int | None = None,
        smaller: int | None = None,
        unreadable: list[str] | None = None,
        progress: Progress = SILENT,
    ) -> list[HistoryItem]:
        """Return the snapshots that led to the worktree's head, or ``every`` snapshot, newest first.

        ``path`` is a file, a folder, or a pattern from the worktree's top: only snapshots that changed it since the
        one before (see ``find``). PathNotFound is raised if no snapshot ever had it. ``larger`` and ``smaller``
        select those that changed a file of more, or of less, than so many bytes. Without ``auto``, automatic
        snapshots are left out. ``grep`` selects by text in the note, ignoring case. ``since`` and ``until`` are ISO
        8601 times, ``yesterday``, or durations ago, such as ``7d``. A time without a zone is local; a day or a minute
        means all of it.
        ``limit`` and ``before``, the last snapshot of the page before, page through it: a page costs what it holds.
        With a list as ``unreadable``, damaged snapshots are left out, and the list gets their errors. Without one,
        the first error is raised.
        """
        name = worktree or self._worktree
        start = None if before is None else self._context.resolve(before, name)
        among = since_ms = until_ms = None
        if since is not None or until is not None:
            since_ms = None if since is None else operations.moments.moment(since)
            until_ms = None if until is None else operations.moments.moment(until, end=True)
        if path is not None or larger is not None or smaller is not None:
            sizes = operations.file_filter.FileFilter.asked(larger=larger, smaller=smaller)
            among = operations.file_history.changing(
                self._context, path, sizes, unreadable=unreadable, progress=progress
            )
        return operations.history.history(
            self._context,
            name,
            limit=limit,
            every=every,
            tag=tag,
            before=start,
            unreadable=unreadable,
            among=among,
            auto=auto,
            grep=grep,
            since_ms=since_ms,
            until_ms=until_ms,
        )

    @translated
    def find(
        self,
        pattern: str,
        *,
        worktree: str | None = None,
        every: bool = False,
        deleted: bool = False,
        larger: int | None = None,
        smaller: int | None = None,
        since: str | None = None,
        until: str | None = None,
        unreadable: list[str] | None = None,
        progress: Progress = SILENT,
    ) -> list[FoundFile]:
        """Return the files whose path matches in the snapshots that led to the worktree's head, or in ``every`` one, by path.

        ``pattern`` is a part of the path, or a glob. Without a slash the glob matches the name, else the path (``**``
        matches across folders). ``deleted`` selects files that the worktree does not have now. ``larger``,
        ``smaller`` (bytes), ``since`` and ``until`` (as for ``history``) select files with one change that fits them
        all: made, edited or removed then, at that size. The answer comes from an index of changes in the cache
        folder, which is updated first, or made from the manifests. Snapshots that cannot be read are left out, and
        ``unreadable`` gets their errors.
        """
        return operations.file_history.find(
            self._context,
            worktree or self._worktree,
            pattern,
            every=every,
            deleted=deleted,
            filtered=operations.file_filter.FileFilter.asked(
                larger=larger, smaller=smaller, since=since, until=until
            ),
            unreadable=unreadable,
            progress=progress,
        )

    @translated
    def stats(
        self, snapshot: str | None = None, *, worktree: str | None = None, progress: Progress = SILENT
    ) -> Stats:
        """Return how much space the repository takes and what for, what each snapshot alone holds, and the largest paths.

        With ``snapshot``, what that one holds. This is an estimate: it distinguishes contents by size and SHA-256
        from the index of changes (see ``find``), so equal contents count once. It leaves out folders and what the
        file system needs for itself. It walks worktrees and ``.jvs``, and reads no content. Removing several
        snapshots frees more than each alone. ``unreadable`` lists what could not be read.
        """
        if snapshot is None:
            return operations.space.stats.of_repository(self._context, progress)
        name = worktree or self._worktree
        return operations.space.stats.of_snapshot(
            self._context, self._context.resolve(snapshot, name), progress
        )

    @translated
    def beginning(self, prefix: str, *, limit: int = 200) -> list[Descriptor]:
        """Return the newest snapshots whose id begins with ``prefix``, of all worktrees, as a shell completes them.

        It costs what it returns, however long the history is; a snapshot that cannot be read is left out.
        """
        return operations.history.beginning(self._context, prefix, limit)

    @translated
    def caches(self, snapshot: str = "HEAD", *, worktree: str | None = None) -> CacheShare:
        """Return how much of a snapshot lies in known caches, which the configuration may exclude from snapshots."""
        name = worktree or self._worktree
        return operations.browse.caches(self._context, self._context.resolve(snapshot, name))

    @translated
    def resolve(self, snapshot: str, *, worktree: str | None = None) -> str:
        """Return the full id that ``snapshot`` names. Raises SnapshotNotFound, SnapshotAmbiguous."""
        return self._context.resolve(snapshot, worktree or self._worktree)

    @translated
    def show(self, snapshot: str, *, worktree: str | None = None) -> SnapshotDetails:
        """Return one snapshot in full."""
        return operations.history.show(
            self._context, self._context.resolve(snapshot, worktree or self._worktree)
        )

    @translated
    def ls(
        self, snapshot: str, path: str = "", *, worktree: str | None = None, recursive: bool = False
    ) -> list[TreeEntry]:
        """Return the entries of one folder of a snapshot (of everything below with ``recursive``), or one file's.

        Raises PathNotFound.
        """
        return operations.browse.ls(
            self._context,
            self._context.resolve(snapshot, worktree or self._worktree),
            path,
            recursive=recursive,
        )

    @translated
    def stat(self, snapshot: str, path: str, *, worktree: str | None = None) -> TreeEntry:
        """Return the one entry of a snapshot that ``path`` is, a folder too. Raises PathNotFound."""
        return operations.browse.stat(
            self._context, self._context.resolve(snapshot, worktree or self._worktree), path
        )

    @translated
    def open_file(self, snapshot: str, path: str, *, worktree: str | None = None) -> SnapshotFile:
        """Open a regular file of a snapshot for reading; what is read is checked against the manifest.

        If you read to the end, you get the last piece only if the whole file is right. To read a part, call ``check``
        first; ``seek`` does so by itself. Raises PathNotFound, SnapshotExpired, PayloadHashMismatch; so do the methods that read.
        """
        return operations.snapshot_file.open_file(
            self._context, self._context.resolve(snapshot, worktree or self._worktree), path
        )

    @translated
    def stat_now(self, path: str, *, worktree: str | None = None) -> TreeEntry:
        """Return the current entry at a path of the worktree, relative to the worktree's top; ``sha256`` is None.

        Raises PathNotFound where there is nothing that a snapshot would keep, PathEscape.
        """
        return operations.present_file.stat_now(self._context, worktree or self._worktree, path)

    @translated
    def open_now(self, path: str, *, worktree: str | None = None) -> io.BufferedReader:
        """Open a regular file of the worktree for reading, as it is now, by its path from the worktree's top.

        Follows no symbolic link, not even one to a folder, and waits for no FIFO. It does not prevent others from
        writing to the file. Raises PathNotFound where there is no such file, PathEscape.
        """
        return operations.present_file.open_now(self._context, worktree or self._worktree, path)

    @translated
    def compare(
        self,
        before: str,
        after: str | None = None,
        *,
        paths: Sequence[str] = (),
        worktree: str | None = None,
        caches: bool = True,
        renames: bool = False,
        progress: Progress = SILENT,
    ) -> Comparison:
        """Return what changed from snapshot ``before`` to snapshot ``after`` (None: to the worktree as it is).

        ``paths`` selects among the changed ones: an exact name and everything below it, or a pattern, as for
        ``restore_paths``. Without ``caches``, what lies in ``__pycache__``, ``.ipynb_checkpoints``, ``.venv``, ``node_modules``, ``lost+found`` or a
        folder with a ``CACHEDIR.TAG`` is no change. With ``renames`` a file that only moved (same content, not empty, same mode) is in
        ``renamed``, and neither in ``added`` nor in ``removed``.
        """
        name = worktree or self._worktree
        return operations.compare.compare(
            self._context, name, before, after, progress, caches=caches, renames=renames, paths=paths
        )

    @translated
    def changed_entries(
        self,
        before: str,
        after: str | None = None,
        *,
        paths: Sequence[str] = (),
        worktree: str | None = None,
        caches: bool = True,
        progress: Progress = SILENT,
    ) -> ChangedEntries:
        """Return what ``compare`` does with ``renames``, and of each path what stood there and what stands there now."""
        name = worktree or self._worktree
        return operations.compare.changes(
            self._context, name, before, after, progress, caches=caches, paths=paths
        )

    @translated
    def restore(
        self,
        snapshot: str,
        *,
        name: str | None = None,
        worktree: str | None = None,
        same_owner: bool = False,
        progress: Progress = SILENT,
    ) -> Restored:
        """Restore a snapshot to a new worktree; change no other.

        It is called ``restore-<first 8 of the id>-<date>-<time>-<4 random>`` unless ``name`` is given; ``suggest_name`` returns one that is easy to remember.

        ``same_owner`` restores owners, setuid, setgid and capabilities too. Only root can use it, in a repository
        that only root can write (InputError). Otherwise ``degraded`` of the answer says what was left out. Raises AlreadyExists, SnapshotExpired, PayloadHashMismatch and the other integrity errors.
        """
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        context = self._context.restoring(same_owner)
        return operations.restore.to_new_worktree(context, snapshot_id, name=name, progress=progress)

    @translated
    def suggest_name(self, snapshot: str, *, worktree: str | None = None) -> str:
        """Return a free name for a worktree made of a snapshot, after its note and time: ``explored-nov28-1727``.

        The time is local. Nothing is made, and somebody else may take the name meanwhile.
        """
        return operations.restored_name.suggest(
            self._context, self._context.resolve(snapshot, worktree or self._worktree)
        )

    @translated
    def restore_path(
        self,
        snapshot: str,
        path: str,
        *,
        to: str | None = None,
        worktree: str | None = None,
        inplace: bool = False,
        reason: str = "",
        lock: bool = False,
        wait_s: float = 0.0,
        same_owner: bool = False,
        progress: Progress = SILENT,
    ) -> Extracted:
        """Copy one file or folder out of a snapshot to ``to`` in the worktree (None: where it was).

        An existing target is AlreadyExists unless ``inplace``, which needs the lock and a ``reason`` and takes a
        snapshot of the present first, as ``restore_inplace`` does. ``lock`` and ``wait_s`` as for ``snapshot``,
        ``same_owner`` as for ``restore``.
        """
        name = worktree or self._worktree
        snapshot_id = self._context.resolve(snapshot, name)
        return operations.inplace.path_restore.path(
            self._context.restoring(same_owner),
            name,
            snapshot_id,
            path,
            to=to,
            replace=inplace,
            reason=reason,
            locking=operations.locking.Locking(lock, wait_s),
            progress=progress,
        )

    @translated
    def restore_paths(
        self,
        snapshot: str,
        paths: Sequence[str],
        *,
        to: str | None = None,
        worktree: str | None = None,
        inplace: bool = False,
        reason: str = "",
        lock: bool = False,
        wait_s: float = 0.0,
        same_owner: bool = False,
        progress: Progress = SILENT,
    ) -> list[Extracted]:
        """Copy several files or folders out of a snapshot, one after the other; as ``restore_path`` does each.

        A path is an exact name, or a pattern: ``*`` and ``?`` match within a folder, ``**`` across folders. All paths
        are looked up before the first is copied. ``to`` needs exactly one path. An error names those that were
        already restored.
        """
        name = worktree or self._worktree
        return operations.inplace.several.paths(
            self._context.restoring(same_owner),
            name,
            self._context.resolve(snapshot, name),
            paths,
            to=to,
            replace=inplace,
            reason=reason,
            locking=operations.locking.Locking(lock, wait_s),
            progress=progress,
        )

    @translated
    def restore_inplace(
        self,
        snapshot: str,
        *,
        reason: str,
        worktree: str | None = None,
        dry_run: bool = False,
        lock: bool = False,
        wait_s: float = 0.0,
        same_owner: bool = False,
        progress: Progress = SILENT,
    ) -> RestoredInPlace:
        """Make the worktree equal to a snapshot by changing only what differs, after a snapshot of the present.

        Needs the lock; ``lock`` and ``wait_s`` as for ``snapshot``, ``same_owner`` as for ``restore``. After a crash the next command that holds the
        lock, or ``doctor``, completes it.
        """
        name = worktree or self._worktree
        snapshot_id = self._context.resolve(snapshot, name)
        return operations.inplace.restoring.restore(
            self._context.restoring(same_owner),
            name,
            snapshot_id,
            reason=reason,
            dry_run=dry_run,
            locking=operations.locking.Locking(lock, wait_s),
            progress=progress,
        )

    @translated
    def undo(
        self,
        *,
        reason: str = "",
        force: bool = False,
        worktree: str | None = None,
        dry_run: bool = False,
        lock: bool = False,
        wait_s: float = 0.0,
        same_owner: bool = False,
        progress: Progress = SILENT,
    ) -> RestoredInPlace:
        """Take back the last in-place restore, the one before at the next call: content and head become what they were.

        If anything else happened since (a snapshot, or a change outside of known caches), it raises NothingToUndo,
        and the hint names the snapshot to restore. ``force`` goes back anyway. It always takes a snapshot of the
        present first, and ``redo`` goes forward again. Needs the lock; ``lock`` and ``wait_s`` as for ``snapshot``, ``same_owner``
        as for ``restore``.
        """
        return operations.inplace.undoing.go(
            self._context.restoring(same_owner),
            worktree or self._worktree,
            "undo",
            reason=reason,
            force=force,
            dry_run=dry_run,
            locking=operations.locking.Locking(lock, wait_s),
            progress=progress,
        )

    @translated
    def redo(
        self,
        *,
        reason: str = "",
        force: bool = False,
        worktree: str | None = None,
        dry_run: bool = False,
        lock: bool = False,
        wait_s: float = 0.0,
        same_owner: bool = False,
        progress: Progress = SILENT,
    ) -> RestoredInPlace:
        """Take back the last ``undo``: content and head become what they were before it. All else is as there.

        After another in-place restore there is nothing to redo.
        """
        return operations.inplace.undoing.go(
            self._context.restoring(same_owner),
            worktree or self._worktree,
            "redo",
            reason=reason,
            force=force,
            dry_run=dry_run,
            locking=operations.locking.Locking(lock, wait_s),
            progress=progress,
        )

    @translated
    def forget_undo(self, worktree: str | None = None, *, lock: bool = False, wait_s: float = 0.0) -> int:
        """Give up everything that ``undo`` and ``redo`` could go back to in a worktree; return how many steps that were.

        Content and head do not change. The snapshots stay as well, but you can now drop them (see ``gc.plan``). Needs the lock, as for ``snapshot``. Raises NothingToUndo.
        """
        return operations.inplace.undoing.forget(
            self._context, worktree or self._worktree, locking=operations.locking.Locking(lock, wait_s)
        )

    @translated
    def hold(
        self,
        worktree: str | None = None,
        *,
        wait_s: float = 0.0,
        purpose: str = "",
        lease_ms: int | None = None,
        reuse: bool = False,
        logged: bool = True,
    ) -> AbstractContextManager[Lease]:
        """Hold the worktree's lock for a ``with`` block, renew it in a daemon thread, and release it.

        ``reuse`` uses a lock that this session already holds, and keeps it. Without ``logged``, the log has no record
        of the lock; the record of the operation under it has its token. When a renewal fails for good, the
        next operation that needs the lock raises.
        """
        block = operations.locking.hold(
            self._context,
            worktree or self._worktree,
            wait_s=wait_s,
            purpose=purpose,
            lease_ms=lease_ms,
            reuse=reuse,
            by_hand=logged,
        )
        return Translated(block)

    @translated
    def sandbox(
        self,
        from_: str = "HEAD",
        *,
        keep: bool = False,
        note: str = "",
        tags: Iterable[str] = (),
        worktree: str | None = None,
        progress: Progress = SILENT,
    ) -> AbstractContextManager[Sandbox]:
        """Make a worktree from a snapshot for a ``with`` block and hold its lock.

        At the end of the block JVS takes a snapshot of it, with the tag ``sandbox``, and removes it unless ``keep``
        is set, here or on the sandbox. If the block raises, JVS takes a snapshot too, if anything changed. After a crash ``doctor``
        does the same.

        Raises
        ------
        SnapshotNotFound, SnapshotExpired, PayloadHashMismatch
            There is nothing to start from.
        UnsavedChanges
            Something still wrote after the snapshot: the sandbox stays.
        """
        block = operations.sandbox.sandbox(
            self._context,
            self._context.resolve(from_, worktree or self._worktree),
            keep=keep,
            note=note,
            tags=tuple(tags),
            progress=progress,
        )
        return Translated(block)

    @translated
    def export(
        self,
        snapshot: str,
        target: str | os.PathLike[str],
        *,
        path: str = "",
        with_proof: bool = False,
        key: str | os.PathLike[str] | None = None,
        worktree: str | None = None,
        progress: Progress = SILENT,
    ) -> Exported:
        """Write a snapshot, or ``path`` in it, to a new file or folder for somebody without JVS.

        ``target`` ends in ``.tar.zst``, ``.tar.gz``, ``.tar`` or ``.zip``, or becomes a folder. Every byte is checked
        against the manifest while it is written. The target appears whole and durable, or not at all; a crash leaves a
        hidden ``.jvs-export-…`` beside it at most. An archive belongs to nobody: no owners, setuid, setgid and
        capabilities are in it, and two of the same snapshot are the same bytes. ``degraded`` of the answer names what the
        kind of archive cannot hold.

        Parameters
        ----------
        with_proof
            Put the manifest, the descriptor and the log up to a checkpoint beside the files, for ``check_proof``.
        key
            Sign the checkpoint with the private key in this file.

        Raises
        ------
        AlreadyExists, PathNotFound
            There is something at ``target``; its folder, or ``path``, is not there.
        PayloadHashMismatch, SnapshotExpired, DescriptorCorrupt, PartialSnapshot
            The snapshot is damaged, or gone.
        InputError
            Archives of this kind are not written here, or zstd is missing.
        """
        return operations.export.exporting.export(
            self._context,
            self._context.resolve(snapshot, worktree or self._worktree),
            path,
            Path(target),
            with_proof=with_proof,
            key=None if key is None else Path(key),
            progress=progress,
        )

    @translated
    def view(
        self, snapshot: str, path: str = "", *, worktree: str | None = None, progress: Progress = SILENT
    ) -> AbstractContextManager[Path]:
        """Show a snapshot, or ``path`` in it, as a read-only folder or file for a ``with`` block, which gets its path.

        The view is a copy in the repository. It shares blocks with the snapshot if the file system can; nothing that
        happens to it, not even by root, changes the snapshot. JVS checks every entry. It reads the content if the
        file system has to copy it, or if mode, owner or time changed; ``verify`` reads every byte. gc keeps the snapshot while the
        view is open. The block's end closes it; after a crash ``doctor`` does. ``views`` has those that are open.

        Raises
        ------
        SnapshotNotFound, SnapshotExpired, PathNotFound, PayloadHashMismatch
            There is nothing to look at.
        NoSpace, EngineFailed
            It cannot be made; or the repository is not yours to write to: ``export`` to a folder of your own, then.
        """
        snapshot_id = self._context.resolve(snapshot, worktree or self._worktree)
        return Translated(operations.views.opening.opened(self._context, snapshot_id, path, progress))

    @staticmethod
    @translated
    def check_proof(
        path: str | os.PathLike[str], *, key: str | os.PathLike[str] | None = None
    ) -> ProofReport:
        """Check what ``export`` made with a proof, or ``jvs run export``: its files, records and log, up to its checkpoint.

        ``path`` is a zip file, a tar file or a folder. Needs no repository. With ``key``, the file of a public key, the
        checkpoint must be signed by it. Raises InputError where there is no proof in it.
        """
        return operations.proof.checking.check(Path(path), None if key is None else Path(key))

    @translated
    def bisect(
        self,
        good: str,
        bad: str,
        attempt: Callable[[Sandbox], int],
        *,
        what: str,
        afresh: bool = False,
        worktree: str | None = None,
        on_try: Callable[[Tried, int], None] | None = None,
        progress: Progress = SILENT,
    ) -> Bisection:
        """Find the first bad snapshot on the lineage between a good one and a bad one, by halves.

        Parameters
        ----------
        attempt
            Called with a sandbox made from each snapshot that is tried; nothing of what it leaves there stays. It returns
            an exit status as for ``git bisect run``: 0 good, 125 skip, up to 127 bad, above it ends the search.
        what
            The question, in words. A later call with the same ends and words continues where this one was
            interrupted, unless it starts ``afresh``.
        on_try
            Called with what each try showed, and about how many are left.

        Raises
        ------
        InputError
            The good snapshot does not come before the bad one.
        SnapshotNotFound, SnapshotExpired, PayloadHashMismatch
            A snapshot cannot be tried.
        """
        one, other = (self._context.resolve(name, worktree or self._worktree) for name in (good, bad))
        return operations.bisect.bisect(
            self._context, one, other, attempt, what=what, afresh=afresh, on_try=on_try, progress=progress
        )

    @translated
    def verify(
        self,
        snapshot: str | Sequence[str] | None = None,
        *,
        worktree: str | None = None,
        every: bool = False,
        since: Checkpoint | None = None,
        key: str | os.PathLike[str] | None = None,
        subset: str | None = None,
        progress: Progress = SILENT,
    ) -> VerifyReport:
        """Verify one snapshot or several (None: the worktree's head, if it has one), or ``every`` one, and the audit log.

        ``every`` also checks the repository against its log. The log must extend the checkpoint ``since``, which must
        be signed by the public key in the file ``key`` where one is given. Reads every byte and trusts no cache. The
        report says what is wrong; only a snapshot or key that does not exist raises. It changes nothing. If the
        caller may write, it records damage, so that nothing is made from it and ``heal`` finds it.

        ``subset``, as in ``3/7``, checks every snapshot, but reads only the contents of that share; of other files it
        checks the metadata. Each content belongs to one share, so after seven calls all have been read, whatever
        snapshots come and go. ``next/7`` is the share that was read longest ago. The report then has ``subset``: what
        was read now, and when each share, and all of each snapshot, was last read. The caller's cache folder
        remembers that.
        """
        name = worktree or self._worktree
        if subset is not None and snapshot is not None:
            raise InputError(
                "a share is a part of the contents of all snapshots",
                hint="verify all snapshots, or leave out the share",
            )
        every = every or subset is not None
        several = [snapshot] if snapshot is None or isinstance(snapshot, str) else snapshot
        return operations.verify.verify(
            self._context,
            None if every else [one for each in several for one in self._context.resolve_or_head(each, name)],
            progress,
            since=since,
            key=None if key is None else Path(key),
            subset=subset,
        )

    @translated
    def doctor(
        self, *, repairs: Iterable[str] = (), strict: bool = False, progress: Progress = SILENT
    ) -> DoctorReport:
        """Find everything that is wrong, after carrying out ``repairs``.

        Repairs are ``clean_tmp``, ``advance_head``, ``clean_locks``, ``clean_intents``, ``audit_repair``,
        ``finish_restore`` and ``heal``. Healthy means no error, with ``strict`` no warning either. Without repairs nothing is
        changed.
        """
        return operations.doctor.repair.examine(
            self._context, tuple(repairs), strict=strict, progress=progress
        )
