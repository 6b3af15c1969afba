"""A Jupyter server with the extension, and a repository below its root folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - only the topmost conftest may name plugins

from jvs_core import Repository
from tests.jupyter.server.interface import Interface


@pytest.fixture
def extension_config() -> dict[str, Any]:
    """Return the extension's own settings; tests override it."""
    return {}


@pytest.fixture  # type: ignore[no-redef]  # overriding a fixture is how it is set
def jp_server_config(
    extension_config: dict[str, Any],
) -> dict[str, Any]:
    """Enable the extension."""
    return {"ServerApp": {"jpserver_extensions": {"jvs_jupyter": True}}, "JvsServer": extension_config}


@pytest.fixture
def repo(jp_root_dir: Path, private_state: Path) -> Repository:
    """Return the repository ``team`` below the server's root, two files in ``main``, as a terminal sees it."""
    repo = Repository.init(jp_root_dir / "team", engine="copy")
    (repo.root / "main" / "data").mkdir()
    (repo.root / "main" / "data" / "a.csv").write_text("a,b\n1,2\n")
    (repo.root / "main" / "notes.txt").write_text("notes")
    return repo


@pytest.fixture
def server(
    jp_serverapp: Any, http_server_client: Any, jp_auth_header: dict[str, str], jp_base_url: str
) -> Interface:
    """Return the REST interface of the running server."""
    return Interface(http_server_client, jp_base_url, dict(jp_auth_header))
