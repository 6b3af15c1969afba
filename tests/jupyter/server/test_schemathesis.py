"""Requests made up from the OpenAPI file, to a live server: never a 500, never an answer that the file does not allow.

``JVS_FUZZ_EXAMPLES`` sets how many for each operation; the same ones each time unless it is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jvs_core import Repository
from jvs_jupyter.server import specification
from tests.browser.server import JupyterServer, jupyter_server

EXAMPLES = int(os.environ.get("JVS_FUZZ_EXAMPLES", "8"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
schema = schemathesis.openapi.from_dict(specification.document())


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """Return a live server over a repository with two snapshots, a ref, a pin and a worktree."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "root").mkdir()
    repo = Repository.init(folder / "root" / "team", engine="copy")
    for word in ("one", "two"):
        (repo.root / "main" / "notes.txt").write_text(word)
        repo.snapshot(word, tags=["t"], lock=True)
    repo.refs.create("best", "HEAD")
    repo.pins.create("HEAD", reason="good")
    repo.annotate("HEAD", note="edited", add_tags=["good"])
    repo.worktrees.create("trial")
    extension = "--ServerApp.jpserver_extensions={'jvs_jupyter': True}"
    with jupyter_server(folder, app="jupyter_server", options=(extension,), **private(folder)) as server:
        yield server


def private(folder: Path) -> dict[str, str]:
    """Return the variables of a user of its own."""
    return {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize="JVS_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_server(case: Any, live: JupyterServer) -> None:
    _aim(case)
    case.call_and_validate(
        base_url=f"{live.url}jvs/api/v1",
        headers={"Authorization": f"token {live.token}"},
        checks=CHECKS,
        timeout=60,
    )


def _aim(case: Any) -> None:
    """Let most requests reach the repository: made-up paths hardly ever name one."""
    for given in (case.query, case.body):
        if isinstance(given, dict) and isinstance(given.get("path"), str) and len(given["path"]) < 12:
            given["path"] = "team"
        if isinstance(given, dict) and _is_number(given.get("wait_s")) and 1 < given["wait_s"] <= 60:
            given["wait_s"] = 1
    if case.path_parameters and "id" in case.path_parameters and len(str(case.path_parameters["id"])) < 8:
        case.path_parameters["id"] = "HEAD"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
