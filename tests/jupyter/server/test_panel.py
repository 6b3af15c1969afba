"""A server with JupyterLab says that the panel is not there, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_jupyter.server import panel


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where JupyterLab looks for extensions."""
    monkeypatch.setattr(panel, "jupyter_path", lambda name: [str(tmp_path / name)])
    monkeypatch.setattr(panel, "_WHY_NOT", tmp_path / "why.txt")
    return tmp_path


def test_a_panel_that_is_missing_is_named_with_the_reason(folder: Path) -> None:
    (folder / "why.txt").write_text("Node.js was not there\n")
    told = panel.missing({"jupyterlab": object(), "jvs": object()})
    assert told is not None
    assert told.startswith("JVS has no panel in JupyterLab: Node.js was not there. Everything else works.")
    assert "Install Node.js 20 or later" in told
    (folder / "why.txt").unlink()
    assert "it is not installed" in str(panel.missing(["notebook"]))


def test_nothing_is_said_where_it_is_there_or_nobody_could_see_it(folder: Path) -> None:
    assert panel.missing(["jvs", "nbclassic"]) is None
    place = folder / "labextensions" / panel.EXTENSION
    place.mkdir(parents=True)
    (place / "package.json").write_text("{}")
    assert panel.missing(["jupyterlab"]) is None
