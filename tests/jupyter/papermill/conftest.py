"""Workspaces with notebooks, and papermill and ``jvs`` as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.jupyter.papermill.support import Papermill, Workspace, environment


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a new repository, the current directory in its main worktree."""
    repository = Repository.init(tmp_path / "repo", engine="copy")
    main = repository.root / "main"
    monkeypatch.chdir(main)
    return Workspace(repository, main)


@pytest.fixture
def papermill() -> Papermill:
    """Return a function that runs papermill's command with this engine and checks its exit status."""

    def call(*args: str, status: int | None = 0, **changes: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "papermill", "--engine", "jvs", "--no-progress-bar", *args],
            env=environment(**changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert status is None or done.returncode == status, done.stderr
        return done

    return call


@pytest.fixture
def jvs() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the command ``jvs`` as a process and checks its exit status."""

    def call(
        *args: str, status: int = 0, stdin: str | None = None, **changes: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "jvs_core.cli", *args],
            env=environment(**changes),
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return call


@pytest.fixture(autouse=True)
def jupyter_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let kernels keep their files apart from this user's, and find a kernel that cannot start."""
    home = tmp_path_factory.mktemp("jupyter")
    broken = home / "share" / "kernels" / "broken"
    broken.mkdir(parents=True)
    (broken / "kernel.json").write_text(
        '{"argv": ["/bin/false"], "display_name": "broken", "language": "python"}'
    )
    monkeypatch.setenv(
        "JUPYTER_PATH", os.pathsep.join([str(home / "share"), os.environ.get("JUPYTER_PATH", "")])
    )
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    return home
