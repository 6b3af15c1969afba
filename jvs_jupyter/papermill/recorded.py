"""One recorded run: lock, snapshot, record, cells, snapshot, record, lock; whatever happens in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_core.utils import ensure_event_loop
from papermill.exceptions import PapermillException, PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.iorw import write_ipynb
from papermill.log import logger

from jvs_core import JvsError, Lease, LockConflict, Run
from jvs_jupyter.papermill import described, literals, metrics, outcome, provenance
from jvs_jupyter.papermill.outcome import EarlyExit, Signals, Told
from jvs_jupyter.papermill.place import local_path, require_writable
from jvs_jupyter.papermill.request import Kernel, RunRequest
from jvs_jupyter.papermill.values import encoded_all

_POLL_S = 0.2


class RecordedRun:
    """A notebook run in a worktree. ``execute`` runs it once; the record is ``request.result`` afterwards."""

    def __init__(
        self,
        request: RunRequest,
        nb: Any,
        kernel_name: str,
        output_path: Any,
        options: dict[str, Any],
    ) -> None:
        self._request = request
        self._place = request.place
        self._repository = request.place.repository
        self._nb = nb
        self._output_path = output_path
        self._input_path = options.get("input_path")
        passed = literals.as_passed(nb) if request.parameters is None else request.parameters
        self._parameters = encoded_all(passed)
        literals.write(nb, kernel_name, passed)
        self._setup = described.setup(request, kernel_name, options)

    def execute(self, cells: Callable[[], Any], kernel: Kernel) -> Any:
        """Run ``cells`` between two snapshots and return the notebook, or raise what they raised.

        A crash leaves the record as ``started``; whoever looks after the lease ended finds it ``lost``. Raises InputError
        before anything happened where the output notebook could not be written.
        """
        require_writable(self._output_path)
        self._nb.metadata.papermill["parameters"] = self._parameters
        with outcome.handled() as signals:
            with self._locked(signals) as (lease, kept):
                run = self._begin(lease, kept)
                with self._closed(run):
                    failure = self._run(cells, kernel, run, signals)
            signals.deliver()
        if failure is not None:
            raise failure
        return self._nb

    @contextmanager
    def _locked(self, signals: Signals) -> Iterator[tuple[Lease, bool]]:
        """Hold the worktree's lock; a lock of the caller's session is used and kept, a dead run's is not."""
        repository, worktree = self._repository, self._place.worktree
        with signals.allowed():
            repository.runs.sweep_lost()
            deadline = time.monotonic() + self._request.wait_s
            while True:
                try:
                    repository.runs.make_way(worktree, within=described.ancestors())
                    break
                except LockConflict:
                    if time.monotonic() >= deadline:
                        raise
                time.sleep(_POLL_S)
            kept = self._session_holds_lock()
            hold = repository.hold(
                worktree,
                wait_s=max(deadline - time.monotonic(), 0),
                purpose=f"run {self._place.shown(self._input_path)}"[:200],
                reuse=kept,
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
        place, request = self._place, self._request
        shown = place.shown(self._input_path) or ""
        sha256 = provenance.notebook_sha256(self._nb, self._input_path)
        before = request.before_snapshot_id or self._snapshot(f"before run of {shown}", "before-run")
        run = self._repository.runs.start(
            lease,
            notebook=described.notebook_name(shown),
            input_path=shown,
            output_path=place.shown(self._output_path),
            parameters=self._parameters,
            before_snapshot_id=before,
            notebook_sha256=sha256,
            environment_digest=provenance.environment_digest(),
            git_commit=provenance.git_commit(place.root),
            reproduces=request.reproduces,
            point=request.point,
            setup=self._setup,
            lock_kept=kept,
            within=described.ancestors(),
        )
        self._nb.metadata["jvs"] = described.metadata(run)
        self._say_what_is_not_kept()
        return run

    @contextmanager
    def _closed(self, run: Run) -> Iterator[None]:
        """Close the record as ``lost`` where what is done about the cells fails: the process lives on, and may run more."""
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            if self._request.result is None:
                try:
                    self._request.result = self._repository.runs.finish(
                        run.run_id,
                        "lost",
                        error=outcome.named(error),
                        after_snapshot_id=None,
                        duration_s=time.monotonic() - began,
                        metrics={},
                    )
                except JvsError as problem:
                    logger.warning(f"the record of run {run.run_id} could not be closed: {problem.message}")
            raise

    def _run(
        self, cells: Callable[[], Any], kernel: Kernel, run: Run, signals: Signals
    ) -> BaseException | None:
        """Run the cells, take the snapshot after them and close the record; return what is to be raised."""
        began = time.monotonic()
        failure, told = self._run_cells(cells, kernel, signals)
        after: str | None = self._repository.reserve_snapshot_id()
        try:
            self._write(run, told, after, failure)
        except Exception as error:  # noqa: BLE001 - whatever a handler of papermill raises; recorded, and raised below
            failure, told = failure or error, outcome.not_kept(told, "the output could not be written", error)
        try:
            self._snapshot(f"after run of {run.notebook}: {told.outcome}", "after-run", after)
        except JvsError as error:
            after, failure, told = (
                None,
                failure or error,
                outcome.not_kept(told, "no snapshot holds the result", error),
            )
            self._take_back(run, told)
        self._request.result = self._repository.runs.finish(
            run.run_id,
            told.outcome,
            error=told.error,
            after_snapshot_id=after,
            duration_s=time.monotonic() - began,
            metrics=metrics.of_notebook(self._nb),
        )
        if failure is None and told.outcome == "early_exit" and self._request.early_exit_fails:
            if local_path(self._output_path) is None:
                write_ipynb(self._nb, self._output_path)
            return EarlyExit(told.error)
        return failure

    def _run_cells(
        self, cells: Callable[[], Any], kernel: Kernel, signals: Signals
    ) -> tuple[BaseException | None, Told]:
        ensure_event_loop()  # nbclient takes this one: a signal that finds it half made would show a traceback
        try:
            with signals.allowed():
                self._nb = cells()
            raise_for_execution_errors(self._nb, None)  # adds the error cells; written with the outcome below
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - recorded here, raised by the caller
            if isinstance(error, PapermillExecutionError):
                outcome.explain(error, self._nb)
            begun = any(cell.metadata.get("papermill", {}).get("start_time") for cell in self._nb.cells)
            return error, outcome.of_exception(error, kernel_up=begun or not kernel.starting)
        return None, outcome.of_notebook(self._nb)

    def _write(self, run: Run, told: Told, after: str | None, failure: BaseException | None) -> None:
        """Write the final notebook, with its outcome, where papermill would; what is remote papermill writes itself."""
        self._nb.metadata["jvs"] = {
            **described.metadata(run),
            "outcome": told.outcome,
            "error": told.error,
            "after_snapshot_id": after,
        }
        local = local_path(self._output_path)
        if local is not None or isinstance(failure, PapermillException):
            write_ipynb(self._nb, self._output_path)

    def _take_back(self, run: Run, told: Told) -> None:
        """Let the output notebook no longer speak of a snapshot that there is not."""
        try:
            self._write(run, told, None, None)
        except Exception:  # noqa: BLE001 - as above
            logger.warning("the output notebook could not be written; the record of the run is right")

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
            logger.warning(f"snapshot {made.snapshot_id}: {line}")
        return made.snapshot_id

    def _say_what_is_not_kept(self) -> None:
        local = local_path(self._output_path)
        if self._output_path is None or (local is not None and self._place.relative(local) is not None):
            return
        shown = self._output_path if isinstance(self._output_path, str) else "the output"
        logger.warning(
            f"{shown} is not in worktree {self._place.worktree!r}: the snapshots do not hold the output notebook"
        )
