"""``%jvs``, and ``jvs`` below its kernel, in a notebook that runs as a recorded run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from papermill import execute_notebook

from jvs_core import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return a new repository, the current directory in its main worktree."""
    made = Repository.init(tmp_path / "repo", engine="copy")
    monkeypatch.chdir(made.root / "main")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return made


def run_cells(*cells: str) -> None:
    """Run a notebook of these cells as a recorded run."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    sources = [nbformat.v4.new_code_cell(source) for source in ("%load_ext jvs_magics", *cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=sources, metadata={"kernelspec": kernel}), "in.ipynb")
    execute_notebook("in.ipynb", "out.ipynb", engine_name="jvs", progress_bar=False)


SHELL = (
    "import subprocess, sys",
    "def jvs(*line): subprocess.run([sys.executable, '-m', 'jvs_core.cli', *line], check=True)",
)


@pytest.mark.parametrize("session_holds_it", [False, True])
@pytest.mark.parametrize(
    "cells",
    [
        ("%jvs lock acquire", "open('made', 'w').close()", "%jvs lock release"),
        ("open('made', 'w').close()", "%jvs lock release", "%jvs snapshot inside"),
        (*SHELL, "jvs('lock', 'acquire')", "open('made', 'w').close()", "jvs('lock', 'release')"),
        (*SHELL, "jvs('lock', 'run', '--', 'touch', 'made')", "jvs('snapshot', '--lock')"),
        ("%jvs lock run -- touch made", "%jvs lock renew", "%jvs auto on", "open('more', 'w').close()"),
    ],
)
def test_a_notebook_that_handles_the_lock_leaves_it_to_its_run(
    repository: Repository, cells: tuple[str, ...], session_holds_it: bool
) -> None:
    if session_holds_it:
        repository.locks.acquire()
    run_cells(*cells)
    run = repository.runs.all()[0]
    assert (run.outcome, run.error) == ("ok", None)
    assert run.after_snapshot_id is not None
    assert repository.stat(run.after_snapshot_id, "made").type == "file"
    assert repository.locks.status().state == ("held" if session_holds_it else "free")
