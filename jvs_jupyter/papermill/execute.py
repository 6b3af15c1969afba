"""Running one notebook, in place or in a worktree of its own."""

from __future__ import annotations

import os
from pathlib import Path

from jvs_core import InputError, JvsError, Repository
from jvs_jupyter.papermill import place
from jvs_jupyter.papermill.isolated import seen_from
from jvs_jupyter.papermill.spec import RunSpec, default_output
from jvs_jupyter.runs import isolate
from jvs_jupyter.runs.place import at
from jvs_jupyter.runs.request import Finished, RunRequest


def execute(spec: RunSpec, *, progress_bar: bool = False) -> Finished:
    """Run what ``spec`` says. Raises JvsError when the run could not begin."""
    repository = Repository.open(spec.repo or _anchor(spec))
    worktree = spec.worktree or repository.worktree
    if spec.isolated:
        with isolate.worktree_of(spec, repository, worktree) as isolated:
            seen = seen_from(spec, isolated)
            finished = _papermill(
                spec, isolated.request(), seen.input_path, str(seen.output_path), progress_bar
            )
            isolated.collect(finished.run)
            seen.collect(isolated, finished.run)
        return finished
    cwd = Path(os.path.abspath(spec.cwd or "."))
    request = RunRequest(at(repository, worktree, cwd), wait_s=spec.wait_s, reproduces=spec.reproduces)
    output = default_output(_plain_path(spec.notebook)) if spec.output is None else spec.output
    return _papermill(spec, request, spec.notebook, output, progress_bar)


def _papermill(
    spec: RunSpec, request: RunRequest, input_path: str, output_path: str, progress_bar: bool
) -> Finished:
    import papermill

    if place.local_path(input_path) is not None and not Path(input_path).is_file():
        raise InputError(f"no notebook {input_path}", hint="give a file, or jvs://SNAPSHOT/path.ipynb")
    failure: BaseException | None = None
    request.parameters = spec.parameters
    try:
        papermill.execute_notebook(
            input_path,
            output_path,
            parameters=spec.parameters,
            engine_name="jvs",
            kernel_name=spec.kernel,
            progress_bar=progress_bar,
            execution_timeout=spec.execution_timeout,
            resources={"metadata": {"path": str(request.place.cwd)}},
            jvs_run=request,
        )
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if request.result is None:
            _explain(error)
            raise
        failure = error
    assert request.result is not None
    return Finished(request.result, failure)


def _explain(error: BaseException) -> None:
    """Raise the contract's error for what papermill says of a notebook that it cannot run."""
    from papermill.exceptions import PapermillException

    if isinstance(error, PapermillException | ValueError | KeyError) and not isinstance(error, JvsError):
        raise InputError(f"papermill cannot run this notebook: {error}") from error


def _anchor(spec: RunSpec) -> str:
    """Return where to look for the repository: around the caller, else around the notebook."""
    folder = Path(spec.notebook).parent
    here = Path(spec.cwd or ".")
    for candidate in (here, folder):
        if any((parent / ".jvs").is_dir() for parent in (candidate.resolve(), *candidate.resolve().parents)):
            return str(candidate)
    return str(here)


def _plain_path(notebook: str) -> str:
    return place.in_snapshot(notebook)[1] if notebook.startswith(place.IN_SNAPSHOT) else notebook
