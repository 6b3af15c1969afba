"""jupyter-collaboration keeps notebooks that are open in a store of its own: what is put back must reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from jvs_core import Repository

SOURCE = Path(__file__).parents[3]
NAMED = "JVS_COLLABORATION_PYTHON"


@pytest.fixture(scope="module")
def interpreter() -> str:
    """Return a Python with jupyter-collaboration: a named one, else this one if it has it."""
    named = os.environ.get(NAMED) or (sys.executable if find_spec("jupyter_server_ydoc") else None)
    if named is None:
        pytest.skip(
            f"needs jupyter-collaboration, which changes what Lab does: name a Python that has it in {NAMED}"
        )
    return named


@pytest.mark.parametrize("how", ["workspace", "file", "undo", "checkpoint"])
def test_an_open_notebook_shows_and_keeps_what_was_put_back(
    tmp_path: Path, interpreter: str, how: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    Repository.init(root / "team", engine="copy")
    played = subprocess.run(
        [interpreter, "-m", "tests.jupyter.server.collaborator", str(root), how],
        cwd=SOURCE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert played.returncode == 0, played.stderr + (tmp_path / "server.log").read_text()[-3000:]
    seen = json.loads(played.stdout)
    assert seen["put"] == seen["wanted"]
    assert seen["saved"] == [*seen["wanted"], "edited"]
