"""Every shell and Python block of the tutorial and the guides does what the page says.

The blocks of a page run one after the other in an empty folder, as one script; a Python block is a program of its own,
and blocks with magics in a row are the cells of one notebook. A block that cannot run says so, and why, where its
reader sees it:

    ```bash title="Not run by the tests: needs two machines"
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Mounts
from tests.support.ledger import mount_points, unmount
from tests.support.source import PYTHONPATH

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# The pages of the compare tab and the Runs view have nothing to type: tests/browser/ does what they say.
_NOTHING_TO_RUN = {"coming-from", "compare-tab", "runs-view", "troubleshooting", "upgrading"}
PAGES = sorted([*(DOCS / "tutorial").glob("*.md"), *(DOCS / "guides").glob("*.md"), ROOT / "README.md"])
PAGES = [page for page in PAGES if page.stem not in _NOTHING_TO_RUN]
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL, _PYTHON = {"bash", "sh"}, {"python"}
_REASON = re.compile(r' title="Not run by the tests: [^"]+"')
_MAGIC = re.compile(r"^%", re.MULTILINE)
_CONFIGURATION = re.compile(r"^c\.", re.MULTILINE)
_PATIENCE_S = 500

_CELLS = """
import pathlib, sys
import nbformat.v4 as v4
from nbclient import NotebookClient
cells = [v4.new_code_cell(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
notebook = v4.new_notebook(cells=cells)
NotebookClient(notebook, timeout=120, resources={"metadata": {"path": "."}}).execute()
for cell in notebook.cells:
    for output in cell.outputs:
        print(output.get("text") or output.get("data", {}).get("text/plain", ""))
"""
_CONFIGURED = """
import pathlib, sys
from jupyter_server.services.contents.manager import AsyncContentsManager
from jupyterhub.app import JupyterHub
from traitlets.config import Config
from jvs_jupyter.hub import JvsSimpleLocalProcessSpawner
from jvs_jupyter.server.extension import JvsServer
c = Config()
exec(pathlib.Path(sys.argv[1]).read_text())
known = {
    "JvsServer": JvsServer,
    "AsyncContentsManager": AsyncContentsManager,
    "JupyterHub": JupyterHub,
    "JvsSpawnerMixin": JvsSimpleLocalProcessSpawner,
}
for owner, values in c.items():
    for name in values:
        known[owner].class_traits(config=True)[name]
    known[owner](config=c)
"""

# What a page takes for granted.
PREPARED = {
    "papermill": """
jvs init myrepo
python3 - <<'END'
import nbformat.v4 as v4, nbformat
cells = [v4.new_code_cell(text) for text in (
    "alpha, seed = 1.0, 0",
    "from jvs_magics import metric",
    "metric('accuracy', 1 / (1 + float(alpha)) + int(seed))",
)]
cells[0].metadata["tags"] = ["parameters"]
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
nbformat.write(v4.new_notebook(cells=cells, metadata=kernel), "myrepo/main/train.ipynb")
END
jvs --repo myrepo snapshot "baseline" --lock
jvs --repo myrepo ref create baseline HEAD
"""
}

# What pages show in passing, beyond that everything in them succeeds.
SAYS = {
    "got-in": ("Deleted 2 snapshots", "expired", "it is in no file of the repository"),
    "operations": ("Repository is healthy.", "TAMPERED  E_PAYLOAD_HASH_MISMATCH", "W_LEFTOVER", "damaged-"),
    "first-ten-minutes": ("Created snapshot", "~ data.csv", "Restored snapshot", "OK"),
    "notebook": ("Created snapshot", "~ results.csv"),
    "agents": ("hello", "E_LOCK_CONFLICT", "['app.py']"),
    "juicefs": ("juicefs-clone", "E_LOCK_CONFLICT"),
}


@dataclass(frozen=True)
class Block:
    """A block of a page that is to be run."""

    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that run; a mark without a reason, or with anything else in it, is refused."""
    for language, mark, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language not in _SHELL | _PYTHON:
            continue
        if mark:
            assert _REASON.fullmatch(mark), f"{page.name}: {language}{mark}"
            continue
        yield Block(language, text)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_one_after_the_other(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = list(blocks(page))
    assert found, "nothing on this page runs"
    if page.stem == "juicefs":
        mounts: Mounts = request.getfixturevalue("mounts")
        mounts.get("juicefs")
    work = tmp_path / "work"
    work.mkdir()
    try:
        said = _run(_script(page, found, tmp_path), work)
    finally:
        for mount in [mount for mount in mount_points() if mount.is_relative_to(work)]:
            unmount(mount)
    for word in SAYS.get(page.stem, ()):
        assert word in said


def _script(page: Path, found: list[Block], aside: Path) -> str:
    """Return one shell script. A Python block is a program of its own; blocks with magics in a row are one session."""
    commands = aside / "bin"
    commands.mkdir()
    (commands / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (commands / "python3").chmod(0o755)
    lines = [f"export PATH={shlex.quote(str(commands))}:$PATH", PREPARED.get(page.stem, "")]
    session: list[str] = []
    for number, block in enumerate(found):
        file = aside / f"block-{number}.py"
        file.write_text(block.text, encoding="utf-8")
        if block.language in _SHELL or not _MAGIC.search(block.text):
            lines += _session(session)
            session = []
        if block.language in _SHELL:
            lines.append(block.text)
        elif _MAGIC.search(block.text):
            session.append(str(file))
        elif _CONFIGURATION.search(block.text):
            lines.append(_python(_CONFIGURED, str(file)))
        else:
            lines.append(shlex.join([sys.executable, str(file)]))
    return "\n".join([*lines, *_session(session)])


def _session(files: list[str]) -> list[str]:
    return [_python(_CELLS, *files)] if files else []


def _python(program: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", program, *arguments])


def _run(script: str, work: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=work,
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "IPYTHONDIR": str(work.parent / "ipython")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_a_block_that_does_not_run_says_why(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```bash title="Not run by the tests: two machines"\ntrue\n```\n\n```python\n1\n```\n')
    assert list(blocks(page)) == [Block("python", "1\n")]
    for mark in ('title="Not run by the tests: "', "linenums", 'title="two machines"'):
        page.write_text(f"```bash {mark}\ntrue\n```\n")
        with pytest.raises(AssertionError):
            list(blocks(page))


def test_a_block_that_fails_is_noticed(tmp_path: Path) -> None:
    for number, block in enumerate(
        (
            Block("bash", "false\ntrue\n"),
            Block("python", "%jvs nonsense\n"),
            Block("python", "c.JvsServer.nonsense = 1\n"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(AssertionError):
            _run(_script(tmp_path / "page.md", [block], folder), folder)
