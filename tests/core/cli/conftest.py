"""The command, run in this process or as one of its own, and repositories to run it on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from jvs_core import Repository, Settings
from jvs_core.cli.main import run
from tests.support.others import Others, python_for_others
from tests.support.users import SOMEBODY

SOURCE = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document that it printed."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error object that it printed."""
        assert set(self.json) == {"error"}
        found: dict[str, Any] = self.json["error"]
        assert set(found) == {"code", "message", "hint"}
        return found

    @property
    def first(self) -> str:
        """The first line of its output."""
        return self.out.splitlines()[0]


class Jvs(Protocol):
    """Runs ``jvs`` with arguments; fails the test unless it ends with ``status``."""

    def __call__(self, *args: str, status: int = 0) -> Ended:
        """Run it."""


@pytest.fixture
def jvs(capsysbinary: pytest.CaptureFixture[bytes]) -> Jvs:
    """Return the command, run in this process."""

    def call(*args: str, status: int = 0) -> Ended:
        capsysbinary.readouterr()
        found = run(list(args))
        out, err = capsysbinary.readouterr()
        ended = Ended(found, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))
        assert "Traceback" not in ended.out + ended.err
        assert ended.status == status, ended
        return ended

    return call


Environment = dict[str, str]


def environment(**changes: str) -> Environment:
    """Return the environment for a process of the command, from this source tree."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), **changes}


def start(*args: str, **kwargs: Any) -> subprocess.Popen[bytes]:
    """Start the command as a process with its output captured."""
    kwargs = {"env": environment(), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs}
    return subprocess.Popen([sys.executable, "-m", "jvs_core.cli", *args], **kwargs)


def process(*args: str, cwd: Path, status: int = 0, **changes: str) -> Ended:
    """Run the command as a process, with changes to its environment."""
    child = start(*args, cwd=cwd, env=environment(**changes), stdin=subprocess.DEVNULL)
    out, err = child.communicate(timeout=60)
    ended = Ended(
        child.returncode, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape")
    )
    assert "Traceback" not in ended.out + ended.err
    assert ended.status == status, ended
    return ended


@pytest.fixture
def repo(tmp_path: Path, jvs: Jvs, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new repository, the current directory in its main worktree, which holds two files."""
    monkeypatch.chdir(tmp_path)
    jvs("init", "repo", "--engine", "copy")
    root = tmp_path / "repo"
    monkeypatch.chdir(root / "main")
    Path("a.txt").write_text("one\n")
    Path("data").mkdir()
    Path("data/b.csv").write_text("x,y\n1,2\n")
    return root


@pytest.fixture
def take(repo: Path, jvs: Jvs) -> Callable[..., str]:
    """Return a function that takes a snapshot and returns its id."""

    def snapshot(note: str = "", *options: str) -> str:
        found: str = jvs("snapshot", note, "--lock", "--json", *options).json["snapshot_id"]
        return found

    return snapshot


@pytest.fixture
def two(repo: Path, take: Callable[..., str]) -> tuple[str, str]:
    """Return the ids of two snapshots, between which a.txt changed, c.txt came and data/b.csv went."""
    first = take("first")
    Path("a.txt").write_text("two\n")
    Path("c.txt").write_text("new\n")
    Path("data/b.csv").unlink()
    return first, take("second", "--tag", "t")


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that everybody can reach."""
    found = Path(tempfile.mkdtemp(prefix="jvs-rights-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


@pytest.fixture
def command(place: Path) -> Others:
    """Return the command as a process of a user."""
    return Others(place, python_for_others())


@pytest.fixture
def theirs(place: Path) -> Path:
    """Return a repository of SOMEBODY with one snapshot."""
    folder = place / "theirs"
    folder.mkdir()
    state = folder / "state"
    settings = Settings(
        user="somebody",
        host="host",
        session="s",
        engine="copy",
        state_dir=state,
        cache_dir=state,
        config_dir=state,
    )
    repository = Repository.init(folder / "r", settings=settings)
    (folder / "r" / "main" / "a").write_text("one")
    repository.snapshot("one", lock=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    return folder / "r"
