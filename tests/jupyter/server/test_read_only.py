"""A repository on a mount that nobody may write to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.conftest import Mounts
from tests.jupyter.server.interface import Interface
from tests.support.filesystems import LOOP_KINDS, read_only

CHANGING: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "snapshots", {"note": "x"}),
    ("POST", "restores", {"snapshot": "HEAD"}),
    ("POST", "restores", {"snapshot": "HEAD", "inplace": True, "confirm": True, "reason": "x"}),
    ("POST", "restores", {"snapshot": "HEAD", "file": "notes.txt", "to": "other.txt"}),
    (
        "POST",
        "restores",
        {"snapshot": "HEAD", "file": "notes.txt", "inplace": True, "confirm": True, "reason": "x"},
    ),
    ("POST", "undo", {"confirm": True}),
    ("POST", "worktrees", {"name": "new"}),
    ("POST", "refs", {"name": "new", "snapshot": "HEAD"}),
    ("POST", "pins", {"snapshot": "HEAD"}),
    ("POST", "locks", {}),
    ("DELETE", "worktrees/trial", {}),
    ("DELETE", "refs/kept", {}),
]
READING = [
    "workspace",
    "snapshots",
    "snapshots/HEAD",
    "snapshots/HEAD/files",
    "worktrees",
    "refs",
    "pins",
    "locks",
    "runs",
]


@pytest.fixture(autouse=True)
def _mountable(mounts: Mounts) -> None:
    mounts.get(LOOP_KINDS[0])  # skips, or on CI fails, where nothing can be mounted


async def test_every_change_is_refused_in_the_contracts_words_and_all_can_be_read(
    server: Interface, repo: Repository
) -> None:
    repo.snapshot("one", lock=True)
    (repo.root / "main" / "notes.txt").write_text("two")
    repo.snapshot("two", lock=True)
    repo.restore_inplace("HEAD~1", reason="to be undone", lock=True)
    repo.worktrees.create("trial")
    repo.refs.create("kept", "HEAD")
    with read_only(repo.root):
        for method, route, fields in CHANGING:
            if method == "POST":
                answer = await server.ask(method, route, {"path": "team/main", **fields})
            else:
                answer = await server.ask(method, route, path="team/main")
            if answer.status == 202:
                error = (await server.done(answer))["error"]
            else:
                assert answer.status == 403, (method, route, answer.data)
                error = answer.json["error"]
            assert error["code"] == "E_ENGINE_FAILED", (method, route, error)
            assert "Read-only file system" in error["message"], (method, route, error)
            assert "read-only" in error["hint"], (method, route, error)
        for route in READING:
            answer = await server.ask("GET", route, path="team/main")
            assert answer.status == 200, (route, answer.data)
    assert repo.doctor(strict=True).healthy


async def test_a_read_only_folder_gets_no_repository(server: Interface, jp_root_dir: Path) -> None:
    closed = jp_root_dir / "closed"
    closed.mkdir()
    with read_only(closed):
        answer = await server.ask("POST", "repositories", {"path": "closed/new"})
    assert (answer.status, answer.code) == (403, "E_ENGINE_FAILED")
    assert list(closed.iterdir()) == []
