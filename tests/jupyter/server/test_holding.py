"""A server that holds the lock of its own folder's worktree, taken on from whoever started it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.jupyter.server.interface import Interface


@pytest.fixture
def jp_root_dir(tmp_path: Path, private_state: Path) -> Path:
    """Serve one worktree of a team's repository, as a hub does."""
    team = Repository.init(tmp_path / "team", engine="copy")
    team.worktrees.create("ann")
    return team.root / "worktrees" / "ann"


@pytest.fixture
def extension_config() -> dict[str, Any]:
    return {"enclosing_repository": True, "hold_lock": True, "lock_idle_s": 0.2}


@pytest.fixture
def stranger(jp_root_dir: Path) -> Repository:
    team = Repository.open(jp_root_dir)
    return Repository(
        team.root, worktree="ann", settings=replace(team.settings, user="bob", session="elsewhere")
    )


async def kept(server: Interface) -> None:
    """Wait until the server knows that it holds the lock."""
    for _ in range(900):
        if (await server.ask("GET", "workspace", path="")).json["lock"]["kept"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the server never held the lock")


async def until(true: Callable[[], bool]) -> None:
    for _ in range(900):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def test_the_lock_is_held_whether_anybody_works_or_not_and_given_back_at_the_end(
    server: Interface, stranger: Repository, jp_serverapp: Any
) -> None:
    await jp_serverapp.extension_manager.start_all_extensions()  # which the test server leaves out
    await kept(server)
    held = stranger.locks.status().lock
    assert held is not None
    await asyncio.sleep(1)
    after = stranger.locks.status().lock
    assert after is not None
    assert after.lock_id == held.lock_id
    await server.snapshot("", "while the lock is held")
    workspace = (await server.ask("GET", "workspace", path="")).json
    assert (workspace["lock"]["mine"], workspace["lock"]["kept"]) == (True, True)
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert stranger.locks.status().state == "free"


async def test_a_lock_that_is_given_back_is_taken_again(
    server: Interface, stranger: Repository, jp_serverapp: Any
) -> None:
    await jp_serverapp.extension_manager.start_all_extensions()  # which the test server leaves out
    await kept(server)
    first = stranger.locks.status().lock
    assert first is not None
    assert (await server.ask("DELETE", "locks", path="")).json == {"released": True}

    def again() -> bool:
        lock = stranger.locks.status().lock
        return lock is not None and lock.fencing_token > first.fencing_token

    await until(again)
