"""One hub for all tests, and the repository ``team`` that its users' worktrees come from."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import Repository, Settings
from tests.jupyter.hub.hub import Hub, proxy, running


def make_team(folder: Path, *, shared: bool = False, engine: str | None = "copy") -> Repository:
    """Make the repository ``team`` with two files and the ref ``template-1``."""
    settings = replace(
        Settings.from_environment(), user="maker", state_dir=folder / "state", cache_dir=folder / "cache"
    )
    repo = Repository.init(folder / "team", engine=engine, shared=shared, settings=settings)
    (repo.root / "main" / "notes.txt").write_text("notes")
    (repo.root / "main" / "data").mkdir()
    (repo.root / "main" / "data" / "a.csv").write_text("a,b\n1,2\n")
    repo.snapshot("first", lock=True)
    repo.refs.create("template-1", "HEAD")
    return repo


def need_proxy() -> None:
    """Skip what needs the hub's proxy where there is none; on CI fail."""
    if proxy() is None:
        reason = "configurable-http-proxy is not installed (make test)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody can pass to; pytest closes its own, also while another run uses it."""
    with tempfile.TemporaryDirectory(prefix="jvs-hub-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def team(tmp_path: Path) -> Repository:
    """Return a fresh repository ``team``."""
    return make_team(tmp_path)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Return a running hub; ``hub.folder / "team"`` is its repository."""
    need_proxy()
    folder = tmp_path_factory.mktemp("hub")
    config = make_team(folder).root / ".jvs" / "config.toml"
    config.write_text(config.read_text().replace("renew_interval_ms = 10000", "renew_interval_ms = 1000"))
    assert "= 1000\n" in config.read_text()
    with running(Hub(folder)) as started:
        yield started


@pytest.fixture
def repo(hub: Hub) -> Repository:
    """Return the hub's repository as an outsider sees it."""
    settings = replace(
        Settings.from_environment(), user="ann", session="elsewhere", state_dir=hub.folder / "state"
    )
    return Repository(hub.folder / "team", settings=settings)
