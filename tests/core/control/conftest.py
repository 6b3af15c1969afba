"""A control plane on this machine's temporary files, and one on each real file system."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.settings import Settings
from tests.core.control.support import caller, make_layout


@pytest.fixture(autouse=True)
def sectionless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the parts of the control plane be tried one by one, outside of a critical section."""
    if "critical" not in request.path.name:
        monkeypatch.setattr(critical, "require", lambda _: None)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an empty repository's control plane."""
    root = tmp_path / "repo"
    root.mkdir()
    return make_layout(root)


@pytest.fixture
def real_layout(workdir: Path) -> Layout:
    """Return an empty repository's control plane on each real file system in turn."""
    return make_layout(workdir)


@pytest.fixture
def ada(tmp_path: Path) -> Settings:
    """Return a caller."""
    return caller(tmp_path, user="ada")


@pytest.fixture
def bob(tmp_path: Path) -> Settings:
    """Return another caller, on another host."""
    return caller(tmp_path, user="bob", host="there")
