"""Runs whose output or record cannot be written: told truthfully, and the process goes on."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable

import pytest
from papermill import PapermillExecutionError, execute_notebook
from papermill.iorw import papermill_io

from jvs_core import JvsError
from jvs_jupyter.papermill import metrics
from tests.conftest import Mounts
from tests.jupyter.papermill.support import Papermill, Workspace
from tests.support.filesystems import LOOP_KINDS, read_only

Jvs = Callable[..., subprocess.CompletedProcess[str]]


class Unwritable:
    """A place for outputs that takes everything but the notebook as it ended, as a client without rights would."""

    def write(self, buf: str, path: str) -> None:
        """Refuse what tells the outcome, with an error of no kind in particular."""
        if '"outcome": "cell_error"' in buf:
            raise RuntimeError(f"{path} may not be written")

    def pretty_path(self, path: str) -> str:
        """Return the path."""
        return path


def run_here(output: str, notebook: str = "in.ipynb") -> None:
    """Run a notebook in this process, as one does that runs many."""
    execute_notebook(notebook, output, engine_name="jvs", progress_bar=False)


def test_an_output_that_cannot_be_written_ends_the_run_and_the_process_runs_the_next(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papermill_io, "_handlers", [("nowhere://", Unwritable()), *papermill_io._handlers])
    workspace.notebook("bad.ipynb", "1 / 0")
    workspace.notebook("in.ipynb", "print(1)")
    with pytest.raises(PapermillExecutionError):
        run_here("nowhere://out.ipynb", "bad.ipynb")
    run = workspace.only_run()
    assert run.outcome == "cell_error"
    assert run.error is not None
    assert "the output could not be written: RuntimeError: nowhere://out.ipynb may not" in run.error
    assert run.after_snapshot_id is not None
    assert workspace.repository.locks.status().state == "free"
    run_here("out.ipynb")
    assert workspace.repository.runs.all()[0].outcome == "ok"


def test_a_run_whose_record_cannot_be_made_whole_is_closed_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_nb: object) -> None:
        raise TypeError("no metric")

    workspace.notebook("in.ipynb", "print(1)")
    with monkeypatch.context() as patched:
        patched.setattr(metrics, "of_notebook", fail)
        with pytest.raises(TypeError):
            run_here("out.ipynb")
    run = workspace.only_run()
    assert (run.outcome, run.error) == ("lost", "TypeError: no metric")
    run_here("out.ipynb")
    assert workspace.repository.runs.all()[0].outcome == "ok"


@pytest.mark.parametrize(("output", "said"), [("no/such/out.ipynb", "no folder"), ("results", "is a folder")])
def test_an_output_that_cannot_be_is_refused_before_anything_is_recorded(
    workspace: Workspace, jvs: Jvs, papermill: Papermill, output: str, said: str
) -> None:
    workspace.notebook("in.ipynb", "open('ran', 'w')")
    (workspace.main / "results").mkdir()
    assert said in jvs("run", "exec", "in.ipynb", "-o", output, status=2).stderr
    assert said in papermill("in.ipynb", output, status=1).stderr
    assert workspace.repository.runs.all() == []
    assert workspace.repository.history() == []
    assert not (workspace.main / "ran").exists()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%load_ext jvs_magics\n%jvs nonsense", "UsageError: E_USAGE: no such command"),
        (
            "%load_ext jvs_magics\n%jvs auto on\nopen('f', 'w')\n%jvs show x",
            "UsageError: E_SNAPSHOT_NOT_FOUND",
        ),
        ("%nosuchmagic", "UsageError: Line magic function `%nosuchmagic` not found"),
        ("assert not 1", "AssertionError"),
    ],
)
def test_what_a_failing_cell_said_is_in_the_record_and_in_papermills_error(
    workspace: Workspace, cell: str, said: str
) -> None:
    workspace.notebook("in.ipynb", "1", cell)
    with pytest.raises(PapermillExecutionError, match=re.escape(said.split(maxsplit=1)[0])) as raised:
        run_here("out.ipynb")
    assert said in str(raised.value)
    run = workspace.only_run()
    assert run.outcome == "cell_error"
    assert (run.error or "").startswith(f"cell 1: {said}")


@pytest.mark.parametrize("output", ["out.ipynb", "../../out.ipynb"])
def test_a_read_only_repository_is_the_contracts_error_before_anything_runs(
    workspace: Workspace, mounts: Mounts, output: str
) -> None:
    mounts.get(LOOP_KINDS[0])  # skips, or on CI fails, where nothing can be mounted
    workspace.notebook("in.ipynb", "1")
    with read_only(workspace.repository.root):
        os.chdir(workspace.main)
        with pytest.raises(JvsError) as refused:
            run_here(output)
        os.chdir("/")
    assert refused.value.code in ("E_USAGE", "E_ENGINE_FAILED")
    assert workspace.repository.runs.all() == []
