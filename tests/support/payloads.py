"""Real payloads: what people keep in a workspace. Each builder fills ``root``, which it makes if need be."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import venv
import zlib
from pathlib import Path
from typing import Any

from tests.support.hostile import build_hostile
from tests.support.metadata import metadata_of

__all__ = ["build_git_repository", "build_hostile", "build_notebooks", "build_virtualenv", "metadata_of"]

_INSTALLED = ("click", "rich", "pydantic")
_GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def build_virtualenv(root: Path) -> None:
    """Make a virtual environment with some packages in it: links out of the tree, scripts, many small files."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(root)
    (site_packages,) = root.glob("lib/python*/site-packages")
    for name in _INSTALLED:
        specification = importlib.util.find_spec(name)
        assert specification is not None
        assert specification.origin is not None
        shutil.copytree(Path(specification.origin).parent, site_packages / name)


def build_git_repository(root: Path) -> None:
    """Make a repository with commits, a branch, a tag, packed and loose objects."""
    root.mkdir(parents=True, exist_ok=True)
    _git(root, "init", "--quiet", "--initial-branch=main")
    for number in range(3):
        (root / "src").mkdir(exist_ok=True)
        (root / "src" / f"module_{number}.py").write_text(f"VALUE = {number}\n" * 50)
        _git(root, "add", ".")
        _git(root, "commit", "--quiet", "-m", f"step {number}")
        if number == 1:
            _git(root, "gc", "--quiet")
    _git(root, "tag", "-a", "v1", "-m", "first")
    _git(root, "branch", "topic/one", "HEAD~1")
    (root / "untracked.txt").write_text("work in progress\n")


def build_notebooks(root: Path) -> None:
    """Write a folder of notebooks with outputs of every kind, the data they read, and what Jupyter leaves beside."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    rows = "\n".join(f"{number},{number * number / 7:.6f}" for number in range(500))
    (root / "data" / "measured.csv").write_text(f"x,y\n{rows}\n")
    (root / "figure.png").write_bytes(_png(64, 48))
    for number, title in enumerate(("Übersicht", "train", "report")):
        cells = _cells(title, number)
        document = {"cells": cells, "metadata": _NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5}
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (root / f"{number:02} {title}.ipynb").write_text(text, encoding="utf-8")
    checkpoints = root / ".ipynb_checkpoints"
    checkpoints.mkdir()
    shutil.copy2(root / "01 train.ipynb", checkpoints / "01 train-checkpoint.ipynb")


_NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


def _cells(title: str, number: int) -> list[dict[str, Any]]:
    image = base64.b64encode(_png(320, 200)).decode()
    outputs: list[list[dict[str, Any]]] = [
        [
            {
                "output_type": "stream",
                "name": "stdout",
                "text": [f"epoch {i}: {1 / (i + 1):.4f}\n" for i in range(20)],
            }
        ],
        [
            {
                "output_type": "execute_result",
                "execution_count": 2,
                "metadata": {},
                "data": {"text/plain": ["   x  y"], "text/html": ["<table><tr><td>1</td></tr></table>"]},
            }
        ],
        [
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"image/png": image, "text/plain": ["<Figure size 320x200>"]},
            }
        ],
        [
            {
                "output_type": "error",
                "ename": "ValueError",
                "evalue": "x",
                "traceback": ["\u001b[31mValueError\u001b[0m: x"],
            }
        ],
    ]
    code = [
        {
            "cell_type": "code",
            "execution_count": count,
            "id": f"code-{number}-{count}",
            "metadata": {},
            "outputs": output,
            "source": [f"step({count})"],
        }
        for count, output in enumerate(outputs, start=1)
    ]
    heading = {"cell_type": "markdown", "id": f"head-{number}", "metadata": {}, "source": [f"# {title}\n"]}
    return [heading, *code]


def _png(width: int, height: int) -> bytes:
    """Return a colour gradient as a PNG image."""
    rows = b"".join(
        b"\0" + b"".join(bytes((x & 255, y & 255, (x * y) & 255)) for x in range(width))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _git(root: Path, *arguments: str) -> None:
    environment = {**os.environ, **_GIT_ENVIRONMENT}
    subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)
