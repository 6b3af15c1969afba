"""``repository.runs``: what became of executed notebooks and commands."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jvs_core import model, operations
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.control.lock.lease import Lease
    from jvs_core.model import Run, RunOutcome, Verdict
    from jvs_core.operations.context import Context
    from jvs_core.results import RunTable, RunWork, SeenRun


class Runs:
    """A repository's run records. ``jvs_jupyter`` makes the runs; everybody may read what became of them."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def all(self, unreadable: list[str] | None = None) -> list[Run]:
        """Return every run, newest first. A run whose process and lease are gone shows as ``lost``.

        With a list for what is ``unreadable``, damaged records are left out, and it gets what is wrong with them; without
        one DescriptorCorrupt is raised.
        """
        return operations.runs.listing(self._context, unreadable)

    @translated
    def find(
        self,
        *,
        where: Iterable[str] = (),
        text: str | None = None,
        sort: str | None = None,
        together: bool = False,
        skip: int = 0,
        limit: int | None = None,
        unreadable: list[str] | None = None,
    ) -> list[Run]:
        """Return the runs for which every condition holds, newest first or sorted.

        Parameters
        ----------
        where
            Conditions as ``alpha>0.1``, with ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` or ``~`` (contains). A name is a
            field of the record, else a metric, else a parameter; ``metrics.NAME`` and ``parameters.NAME`` say which.
        text
            What the id, the name, the note, the notebook or command, the outcome or the parameters must contain.
        sort
            A name, with ``-`` before it for the largest first; runs without it come last.
        together
            Whether the runs of a sweep stand together, where the first of them is.
        skip, limit
            How many to leave out at the beginning, and to return at most. Without conditions and order no more are read.
        unreadable
            As for ``all``.

        Raises InputError for what is no condition.
        """
        conditions = list(where)
        if not (conditions or text or sort or together):
            return operations.runs.listing(self._context, unreadable, skip=skip, limit=limit)
        found = operations.run_query.chosen(
            self.all(unreadable), where=conditions, text=text, sort=sort, together=together
        )
        return found[skip : None if limit is None else skip + limit]

    @translated
    def ids(self) -> list[str]:
        """Return the ids of all runs, newest first; one listing of a folder."""
        return operations.runs.ids(self._context)

    @translated
    def works(self, unreadable: list[str] | None = None) -> list[RunWork]:
        """Return the notebooks and commands that were run, with how many runs each has, the last one first."""
        return operations.run_query.works(self.all(unreadable))

    @translated
    def rows(self, columns: Sequence[str] | None = None, **query: Any) -> RunTable:
        """Return runs as a table: those that ``find`` gives for ``query``.

        Without ``columns`` these are the main fields, then every parameter and every metric that one of the runs has.
        """
        return operations.run_query.table(self.find(**query), columns)

    @translated
    def table(self, columns: Sequence[str] | None = None, **query: Any) -> Any:
        """Return runs as a pandas DataFrame, as ``rows`` does. Raises InputError where pandas is not installed."""
        return self.rows(columns, **query).to_dataframe()

    @translated
    def annotate(self, run: str, *, name: str | None = None, note: str | None = None) -> Run:
        """Give a run a name and a note, durable; an empty name takes it away, None leaves things as they are.

        Raises RunNotFound, NameInvalid, InputError, AlreadyExists (another run has the name).
        """
        return operations.runs.annotate(
            self._context, operations.runs.get(self._context, run).run_id, name=name, note=note
        )

    @translated
    def remove(self, run: str) -> Run:
        """Remove a run's record, durable, and return what it was; its snapshots stay, until gc finds nothing needs them.

        Raises RunNotFound, LockConflict (it is under way).
        """
        return operations.runs.remove(self._context, operations.runs.get(self._context, run).run_id)

    @translated
    def get(self, run: str) -> Run:
        """Return a run by its id, by a unique prefix of it or of its last 8 digits, or by its name.

        Raises RunNotFound, InputError (several match).
        """
        return operations.runs.get(self._context, run)

    @translated
    def seen(self, run: Run) -> SeenRun:
        """Return a run, whether it runs at this moment, and its progress: its cell, its metrics so far."""
        return operations.live_runs.seen(self._context, run)

    @translated
    def tell(
        self, run_id: str, *, cell: int | None = None, cells: int | None = None, metrics: dict[str, Any]
    ) -> None:
        """Report the progress of a run: in which ``cell`` of how many ``cells`` it is, and its metrics so far.

        Neither durable nor in the log; of the metrics the first 50 are kept. It goes when the run ends.
        """
        operations.live_runs.tell(self._context, run_id, cell=cell, cells=cells, metrics=metrics)

    @translated
    def cancel(self, run: str) -> Run:
        """Ask a running run to stop, as Ctrl-C does, and return it; ``is_cancelled`` tells the run about it.

        The process of the run looks once a second, wherever it runs. Raises RunNotFound, FencingMismatch (it has ended),
        LockConflict (its process is gone, or is another user's).
        """
        return operations.live_runs.cancel(self._context, run)

    @translated
    def is_cancelled(self, run_id: str) -> bool:
        """Return whether the caller's user, or root, asked that a run under way stop."""
        return operations.live_runs.is_cancelled(self._context, run_id)

    @translated
    def mark(self) -> tuple[int, ...]:
        """Return what changes when a run under way comes further; one look at a folder."""
        return operations.live_runs.mark(self._context)

    @translated
    def keep_environment(self, lines: Iterable[str]) -> str:
        """Keep what is installed where runs are made, as lines ``name==version``, durable; return the digest of them.

        A run that has it as its ``environment_digest`` can be compared with others by package.
        """
        return operations.runs.keep_environment(self._context, lines)

    @translated
    def environment(self, run: Run) -> dict[str, str] | None:
        """Return what was installed where a run was made, versions by name; None where that is not known."""
        return operations.runs.environment(self._context, run)

    @translated
    def gone(self, run: Run) -> dict[str, str]:
        """Return a message for each snapshot of a run that is no longer whole, by ``before`` and ``after``.

        A record protects nothing from gc: it outlives its snapshots.
        """
        return operations.runs.gone(self._context, run)

    @translated
    def require_kept(self, run: Run) -> None:
        """Raise SnapshotExpired when gc removed a snapshot of a run, SnapshotNotFound when one is missing."""
        operations.runs.require_kept(self._context, run)

    @translated
    def proof(self, found: Sequence[Run], *, key: str | os.PathLike[str] | None = None) -> dict[str, bytes]:
        """Return, by name, the files with which others can check runs and their snapshots without this repository.

        Descriptors, manifests, run records, the log from the first record about them on, and a checkpoint of it, signed
        with the private key in the file ``key`` if one is given. ``Repository.check_proof`` checks them.

        Raises SnapshotExpired, SnapshotNotFound, DescriptorCorrupt, AuditChainBroken, InputError (the key).
        """
        snapshots = [
            snapshot_id
            for run in found
            for snapshot_id in (run.before_snapshot_id, run.after_snapshot_id)
            if snapshot_id is not None
        ]
        ids = [run.run_id for run in found]
        return operations.proof.making.make(self._context, snapshots, ids, None if key is None else Path(key))

    @translated
    def start(
        self,
        lease: Lease,
        *,
        parameters: dict[str, Any],
        before_snapshot_id: str,
        environment_digest: str,
        notebook: str | None = None,
        input_path: str | None = None,
        output_path: str | None = None,
        notebook_sha256: str | None = None,
        command: Sequence[str] | None = None,
        inputs: Iterable[str] = (),
        git_commit: str | None = None,
        reproduces: str | None = None,
        point: str | None = None,
        setup: dict[str, Any] | None = None,
        lock_kept: bool = False,
        within: Collection[int] = (),
    ) -> Run:
        """Record that a run of a notebook, or of a ``command``, begins, durable, under the ``lease`` of its worktree.

        ``point`` is the digest that all attempts at one point of a sweep share; ``lock_kept`` says that the lock was
        the session's before the run. Raises LockConflict when another run uses the lock, unless its process is one
        of ``within``, the processes that started this one.
        """
        return operations.runs.start(
            self._context,
            lease.record.worktree,
            lease,
            lock_kept=lock_kept,
            within=within,
            notebook=notebook,
            input_path=input_path,
            output_path=output_path,
            parameters=parameters,
            before_snapshot_id=before_snapshot_id,
            notebook_sha256=notebook_sha256,
            command=None if command is None else tuple(command),
            inputs=tuple(inputs),
            environment_digest=environment_digest,
            git_commit=git_commit,
            reproduces=reproduces,
            point=point,
            setup=setup or {},
        )

    @translated
    def finish(
        self,
        run_id: str,
        outcome: RunOutcome,
        *,
        error: str | None,
        after_snapshot_id: str | None,
        duration_s: float,
        metrics: dict[str, Any],
        exit_status: int | None = None,
        outputs: Sequence[str] | None = None,
        left_behind: Iterable[str] = (),
        failed_cell: tuple[int, str | None] | None = None,
    ) -> Run:
        """Record how a run ended, durable; of the paths that are its ``outputs`` the first 1,000.

        ``failed_cell`` is the place of the cell that ended it in the output notebook, from 0, and its id.

        Raises FencingMismatch when it was given up for lost before."""

        return operations.runs.finish(
            self._context,
            run_id,
            outcome,
            error=error,
            after_snapshot_id=after_snapshot_id,
            duration_s=duration_s,
            metrics=metrics,
            exit_status=exit_status,
            outputs=None if outputs is None else tuple(outputs[: model.OUTPUTS_KEPT]),
            outputs_total=None if outputs is None else len(outputs),
            left_behind=tuple(left_behind),
            failed_cell=None
            if failed_cell is None
            else model.FailedCell(index=failed_cell[0], id=failed_cell[1]),
        )

    @translated
    def judge(self, run_id: str, verdict: Verdict, paths: Iterable[str] = ()) -> Run:
        """Record what a reproduction showed, durable."""
        return operations.runs.judge(self._context, run_id, verdict, paths)

    @translated
    def sweep_lost(self) -> list[Run]:
        """Record as ``lost`` every run whose process is gone and whose lease ended, and return them."""
        return operations.runs.sweep_lost(self._context)

    @translated
    def make_way(self, worktree: str | None = None, *, within: Collection[int] = ()) -> None:
        """Make sure that no run uses the lock that this session holds on a worktree.

        A lock that a dead run of this session left behind is given back. A run whose process is one of ``within`` is
        the caller's own. Raises LockConflict naming the run.
        """
        operations.runs.make_way(self._context, worktree or self._worktree, within)
