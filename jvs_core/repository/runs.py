"""``repository.runs``: what became of executed notebooks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from jvs_core.control.lock.lease import Lease
from jvs_core.faults import translated
from jvs_core.model import Run, RunOutcome, Verdict
from jvs_core.operations import runs
from jvs_core.operations.context import Context


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
        return runs.listing(self._context, unreadable)

    @translated
    def get(self, run: str) -> Run:
        """Return a run by its id, or by a unique prefix of it or of its last 8 digits.

        Raises RunNotFound, InputError (several match).
        """
        return runs.get(self._context, run)

    @translated
    def gone(self, run: Run) -> dict[str, str]:
        """Return what is to be said of each snapshot of a run that is no longer whole, by ``before`` and ``after``.

        A record protects nothing from gc: it outlives its snapshots.
        """
        return runs.gone(self._context, run)

    @translated
    def require_kept(self, run: Run) -> None:
        """Raise SnapshotExpired when gc removed a snapshot of a run, SnapshotNotFound when one is missing."""
        runs.require_kept(self._context, run)

    @translated
    def start(
        self,
        lease: Lease,
        *,
        notebook: str,
        input_path: str,
        output_path: str | None,
        parameters: dict[str, Any],
        before_snapshot_id: str,
        notebook_sha256: str,
        environment_digest: str,
        git_commit: str | None = None,
        reproduces: str | None = None,
        point: str | None = None,
        setup: dict[str, Any] | None = None,
        lock_kept: bool = False,
        within: Collection[int] = (),
    ) -> Run:
        """Record that a run begins, durable, under the ``lease`` of its worktree.

        ``point`` is the digest that all attempts at one point of a sweep share; ``lock_kept`` says that the lock was
        the session's before the run. Raises LockConflict when another run uses the lock, unless its process is one
        of ``within``, the processes that started this one.
        """
        return runs.start(
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
    ) -> Run:
        """Record how a run ended, durable. Raises FencingMismatch when it was given up for lost before."""
        return runs.finish(
            self._context,
            run_id,
            outcome,
            error=error,
            after_snapshot_id=after_snapshot_id,
            duration_s=duration_s,
            metrics=metrics,
        )

    @translated
    def judge(self, run_id: str, verdict: Verdict, paths: Iterable[str] = ()) -> Run:
        """Record what a reproduction showed, durable."""
        return runs.judge(self._context, run_id, verdict, paths)

    @translated
    def sweep_lost(self) -> list[Run]:
        """Record as ``lost`` every run whose process is gone and whose lease ended, and return them."""
        return runs.sweep_lost(self._context)

    @translated
    def make_way(self, worktree: str | None = None, *, within: Collection[int] = ()) -> None:
        """Make sure that no run uses the lock that this session holds on a worktree.

        A lock that a dead run of this session left behind is given back. A run whose process is one of ``within`` is
        the caller's own. Raises LockConflict naming the run.
        """
        runs.make_way(self._context, worktree or self._worktree, within)
