"""The tutorial notebooks: executed as a reader would, and as they are committed."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.magics.kernel import SOURCE
from tests.support.source import PYTHONPATH

NOTEBOOKS = sorted((SOURCE / "notebooks").glob("*.ipynb"))
_WIDGET = "application/vnd.jupyter.widget-view+json"
_MACHINE = re.compile(r"(/tmp/|/home/|/root/|/Users/|/work/)[\w.-]+|\w+@\w+")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    work = tmp_path / "work"
    work.mkdir()
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=120, resources={"metadata": {"path": str(work)}}).execute()
    assert _values(fresh) == _values(committed)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_has_outputs_and_names_no_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown)
    for output in shown:
        data = {kind: value for kind, value in output.get("data", {}).items() if kind != "image/png"}
        assert not _MACHINE.search(str(data) + str(output.get("text", "")))


def _values(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the plain results that do not hold an id, a time or a picture, nor the bar that slow machines show."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            plain = "" if _WIDGET in data else str(data.get("text/plain", ""))
            if plain and not re.search(r"\d{13}-[0-9a-f]{8}|<Figure", plain):
                found.append(plain)
    return found
