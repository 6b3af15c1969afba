"""One recorded run: lock, snapshot, record, work, snapshot, record, lock; whatever happens in between."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from jvs_core import JvsError, Lease, LockConflict, Run
from jvs_jupyter.runs import endings, processes, provenance, telling
from jvs_jupyter.runs.endings import Signals, Told
from jvs_jupyter.runs.request import RunRequest
from jvs_jupyter.runs.telling import Seen

_POLL_S = 0.2
logger = logging.getLogger("jvs.runs")


class Done(NamedTuple):
    """What the work came to: what is to be raised, if anything, and the outcome."""

    failure: BaseException | None
    told: Told


class Work(Protocol):
    """What is run: a notebook, or a command."""

    @property
    def subject(self) -> str:
        """What is run, in words."""

    def fields(self) -> dict[str, Any]:
        """Return what the record says of the work before it begins."""

    def begun(self, run: Run) -> None:
        """Take note of the record, before the work begins."""

    def perform(self, run: Run, signals: Signals) -> Done:
        """Do the work; signals act in the blocks that it allows. Nothing that it started is left when this returns."""

    def seen(self) -> Seen:
        """Return how far the work came; called in another thread while it is performed."""

    def write(self, run: Run, told: Told, after: str | None, failure: BaseException | None) -> None:
        """Write what the after-snapshot is to hold, beside what the work wrote itself."""

    def take_back(self, run: Run, told: Told) -> None:
        """Correct what was written: there is no after-snapshot."""

    def results(self) -> dict[str, Any]:
        """Return what the record says of the work after its end: at least its ``metrics``."""


class RecordedRun:
    """A run in a worktree. ``execute`` does it once; the record is ``request.result`` afterwards."""

    def __init__(self, request: RunRequest, work: Work) -> None:
        self._request = request
        self._place = request.place
        self._repository = request.place.repository
        self._work = work

    def execute(self) -> BaseException | None:
        """Do the work between two snapshots and return what it is to raise.

        A crash leaves the record as ``started``; whoever looks after the lease ended finds it ``lost``.
        """
        with endings.handled() as signals:
            with self._locked(signals) as (lease, kept):
                run = self._begin(lease, kept)
                with self._closed(run):
                    failure = self._run(run, signals)
            signals.deliver()
        return failure

    @contextmanager
    def _locked(self, signals: Signals) -> Iterator[tuple[Lease, bool]]:
        """Hold the worktree's lock; a lock of the caller's session is used and kept, a dead run's is not."""
        repository, worktree = self._repository, self._place.worktree
        with signals.allowed():
            repository.runs.sweep_lost()
            deadline = time.monotonic() + self._request.wait_s
            while True:
                try:
                    repository.runs.make_way(worktree, within=processes.ancestors())
                    break
                except LockConflict:
                    if time.monotonic() >= deadline:
                        raise
                time.sleep(_POLL_S)
            kept = self._session_holds_lock()
            hold = repository.hold(
                worktree,
                wait_s=max(deadline - time.monotonic(), 0),
                purpose=f"run {self._work.subject}"[:200],
                reuse=kept,
                logged=self._request.before_snapshot_id is None,  # else the worktree is this run's own
            )
            lease = hold.__enter__()
        try:
            yield lease, kept
        finally:
            hold.__exit__(None, None, None)

    def _session_holds_lock(self) -> bool:
        try:
            self._repository.locks.renew(self._place.worktree)
        except JvsError:
            return False
        return True

    def _begin(self, lease: Lease, kept: bool) -> Run:
        request = self._request
        fields = self._work.fields()
        before = request.before_snapshot_id or self._snapshot(
            f"before run of {self._work.subject}"[:200], "before-run"
        )
        run = self._repository.runs.start(
            lease,
            before_snapshot_id=before,
            environment_digest=self._repository.runs.keep_environment(provenance.environment_lines()),
            git_commit=provenance.git_commit(self._place.root),
            reproduces=request.reproduces,
            point=request.point,
            lock_kept=kept,
            within=processes.ancestors(),
            **fields,
        )
        self._work.begun(run)
        return run

    @contextmanager
    def _closed(self, run: Run) -> Iterator[None]:
        """Close the record as ``lost`` where what is done about the work fails: the process lives on, and may run more."""
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            if self._request.result is None:
                try:
                    self._request.result = self._repository.runs.finish(
                        run.run_id,
                        "lost",
                        error=endings.named(error),
                        after_snapshot_id=None,
                        duration_s=time.monotonic() - began,
                        metrics={},
                    )
                except JvsError as problem:
                    logger.warning(
                        "JVS could not complete the record of run %s: %s", run.run_id, problem.message
                    )
            raise

    def _run(self, run: Run, signals: Signals) -> BaseException | None:
        """Do the work, take the snapshot after it and close the record; return what is to be raised."""
        began = time.monotonic()
        with telling.told(self._repository, run.run_id, self._work.seen, signals):
            failure, told = self._work.perform(run, signals)
        after: str | None = self._repository.reserve_snapshot_id()
        try:
            self._work.write(run, told, after, failure)
        except Exception as error:  # noqa: BLE001 - whatever a handler of papermill raises; recorded, and raised below
            failure, told = failure or error, endings.not_kept(told, "the output could not be written", error)
        try:
            self._snapshot(f"after run of {run.subject}"[:200] + f": {told.outcome}", "after-run", after)
        except JvsError as error:
            after, failure, told = (
                None,
                failure or error,
                endings.not_kept(told, "no snapshot holds the result", error),
            )
            self._work.take_back(run, told)
        self._request.result = self._repository.runs.finish(
            run.run_id,
            told.outcome,
            error=told.error,
            after_snapshot_id=after,
            duration_s=time.monotonic() - began,
            outputs=self._outputs(run.before_snapshot_id, after),
            **self._work.results(),
        )
        return failure

    def _outputs(self, before: str, after: str | None) -> list[str] | None:
        """Return the files that the run made or changed, sorted, no caches; None where that cannot be told."""
        if after is None:
            return None
        try:
            changes = self._repository.compare(before, after, caches=False)
        except JvsError as error:
            logger.warning("JVS could not find out what the run made: %s", error.message)
            return None
        return sorted(path for path in (*changes.added, *changes.modified) if not path.endswith("/"))

    def _snapshot(self, note: str, tag: str, snapshot_id: str | None = None) -> str:
        made = self._repository.snapshot(
            note,
            worktree=self._place.worktree,
            tags=("run", tag),
            consistency="prefer_quiesced",
            kind="run",
            snapshot_id=snapshot_id,
        )
        for line in made.degraded:
            logger.warning("snapshot %s: %s", made.snapshot_id, line)
        return made.snapshot_id
