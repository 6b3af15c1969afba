"""A notebook as the work of a recorded run: its cells run by papermill, its outcome told in its metadata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_core.utils import ensure_event_loop
from papermill.exceptions import PapermillException, PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.iorw import write_ipynb
from papermill.log import logger

from jvs_core import Run
from jvs_jupyter.papermill import described, literals, metrics, outcome, provenance
from jvs_jupyter.papermill.outcome import EarlyExit
from jvs_jupyter.papermill.place import local_path, require_writable, shown
from jvs_jupyter.papermill.request import Kernel
from jvs_jupyter.runs.endings import Signals, Told
from jvs_jupyter.runs.recorded import Done, RecordedRun
from jvs_jupyter.runs.request import RunRequest
from jvs_jupyter.runs.telling import Seen
from jvs_jupyter.runs.values import encoded_all


class NotebookRun:
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
        self._nb = nb
        self._output_path = output_path
        self._input_path = options.get("input_path")
        passed = literals.as_passed(nb) if request.parameters is None else request.parameters
        self._parameters = encoded_all(passed)
        literals.write(nb, kernel_name, passed)
        self._setup = described.setup(request, kernel_name, options)
        self._cells: Callable[[], Any] = lambda: nb
        self._kernel = Kernel()
        self._told = Told("ok", None)

    def execute(self, cells: Callable[[], Any], kernel: Kernel) -> Any:
        """Run ``cells`` between two snapshots and return the notebook, or raise what they raised.

        Raises InputError before anything happened where the output notebook could not be written.
        """
        require_writable(self._output_path)
        self._nb.metadata.papermill["parameters"] = self._parameters
        self._cells, self._kernel = cells, kernel
        failure = RecordedRun(self._request, self).execute()
        result = self._request.result
        if (
            failure is None
            and result is not None
            and result.outcome == "early_exit"
            and self._request.early_exit_fails
        ):
            if local_path(self._output_path) is None:
                write_ipynb(self._nb, self._output_path)
            failure = EarlyExit(result.error)
        if failure is not None:
            raise failure
        return self._nb

    @property
    def subject(self) -> str:
        """What the record calls the notebook's path."""
        return shown(self._place, self._input_path) or ""

    def fields(self) -> dict[str, Any]:
        """Return what the record says of the notebook."""
        return {
            "notebook": described.notebook_name(self.subject),
            "input_path": self.subject,
            "output_path": shown(self._place, self._output_path),
            "parameters": self._parameters,
            "notebook_sha256": provenance.notebook_sha256(self._nb, self._input_path),
            "inputs": self._inputs(),
            "setup": self._setup,
        }

    def begun(self, run: Run) -> None:
        """Name the record in the notebook, and say what no snapshot will hold."""
        self._nb.metadata["jvs"] = described.metadata(run)
        self._say_what_is_not_kept()

    def perform(self, run: Run, signals: Signals) -> Done:
        """Run the cells."""
        ensure_event_loop()  # nbclient takes this one: a signal that finds it half made would show a traceback
        try:
            self._kernel.between_cells = signals.deliver
            with signals.allowed():
                self._nb = self._cells()
            raise_for_execution_errors(
                self._nb, None
            )  # adds the error cells; written with the outcome afterwards
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - recorded here, raised by the caller
            if isinstance(error, PapermillExecutionError):
                outcome.explain(error, self._nb)
            begun = any(cell.metadata.get("papermill", {}).get("start_time") for cell in self._nb.cells)
            return Done(error, outcome.of_exception(error, kernel_up=begun or not self._kernel.starting))
        return Done(None, outcome.of_notebook(self._nb))

    def seen(self) -> Seen:
        """Return the cell under way, and the metrics that the outputs hold so far."""
        cells = list(self._nb.cells)
        under_way = (
            index
            for index, cell in enumerate(cells, 1)
            if cell.metadata.get("papermill", {}).get("status") == "running"
        )
        return Seen(next(under_way, None), len(cells) or None, metrics.of_notebook(self._nb))

    def write(self, run: Run, told: Told, after: str | None, failure: BaseException | None) -> None:
        """Write the final notebook, with its outcome, where papermill would; what is remote papermill writes itself."""
        self._told = told
        self._nb.metadata["jvs"] = {
            **described.metadata(run),
            "outcome": told.outcome,
            "error": told.error,
            "after_snapshot_id": after,
        }
        local = local_path(self._output_path)
        if local is not None or isinstance(failure, PapermillException):
            write_ipynb(self._nb, self._output_path)

    def take_back(self, run: Run, told: Told) -> None:
        """Let the output notebook no longer speak of a snapshot that there is not."""
        try:
            self.write(run, told, None, None)
        except Exception:  # noqa: BLE001 - whatever a handler of papermill raises
            logger.warning("the output notebook could not be written; the record of the run is right")

    def results(self) -> dict[str, Any]:
        """Return the metrics that the outputs hold, and the cell that ended the run where it is not ok."""
        return {
            "metrics": metrics.of_notebook(self._nb),
            "failed_cell": outcome.failed_cell(self._nb, self._told),
        }

    def _inputs(self) -> tuple[str, ...]:
        local = local_path(self._input_path)
        inside = None if local is None else self._place.relative(local)
        return () if inside is None else (inside,)

    def _say_what_is_not_kept(self) -> None:
        local = local_path(self._output_path)
        if self._output_path is None or (local is not None and self._place.relative(local) is not None):
            return
        where = self._output_path if isinstance(self._output_path, str) else "the output"
        logger.warning(
            f"{where} is not in worktree {self._place.worktree!r}: the snapshots do not hold the output notebook"
        )
