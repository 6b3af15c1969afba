"""Locks: one session for the server and what it starts, kept and given back; others are shut out by name."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_jupyter.server.session import ServerSession
from tests.jupyter.server.interface import Interface


@pytest.fixture
def stranger(repo: Repository) -> Repository:
    """Return the repository as another user's session sees it."""
    return Repository(repo.root, settings=replace(repo.settings, user="ann", session="elsewhere"))


async def until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def test_a_lock_is_kept_and_given_back(
    server: Interface, repo: Repository, stranger: Repository
) -> None:
    kept = await server.ask("POST", "locks", {"path": "team", "purpose": "editing"})
    assert (kept.status, kept.json["purpose"]) == (201, "editing")
    assert stranger.locks.status().state == "held"
    shown = (await server.ask("GET", "workspace", path="team")).json
    assert (shown["lock"]["mine"], shown["lock"]["kept"]) == (True, True)
    assert (shown["can"]["snapshot"], shown["can"]["release"]) == (True, True)
    again = await server.ask("POST", "locks", {"path": "team"})
    assert (again.status, again.json["lock_id"]) == (200, kept.json["lock_id"])
    await server.snapshot("team", "under the kept lock")
    assert stranger.locks.status().state == "held"
    assert (await server.ask("DELETE", "locks", path="team")).json == {"released": True}
    assert stranger.locks.status().state == "free"
    items = (await server.ask("GET", "locks", path="team")).json["items"]
    assert [(item["worktree"], item["state"], item["mine"]) for item in items] == [("main", "free", False)]


async def test_another_session_is_shut_out_and_named(
    server: Interface, repo: Repository, stranger: Repository
) -> None:
    stranger.locks.acquire(purpose="training")
    refused = await server.ask("POST", "locks", {"path": "team"})
    assert (refused.status, refused.code) == (409, "E_LOCK_CONFLICT")
    assert "ann@" in refused.json["error"]["message"]
    operation = await server.done(await server.ask("POST", "snapshots", {"path": "team", "wait_s": 0}))
    assert (operation["state"], operation["error"]["code"]) == ("failed", "E_LOCK_CONFLICT")
    assert "ann@" in operation["error"]["message"]
    shown = (await server.ask("GET", "workspace", path="team")).json
    assert shown["lock"]["lock"]["holder_id"].startswith("ann@")
    assert (shown["can"]["snapshot"], shown["can"]["restore"]) == (False, False)
    assert repo.history() == []


async def test_a_lock_is_waited_for(server: Interface, repo: Repository, stranger: Repository) -> None:
    stranger.locks.acquire()
    asked = asyncio.ensure_future(server.ask("POST", "locks", {"path": "team", "wait_s": 30}))
    await asyncio.sleep(0.1)
    assert not asked.done()
    stranger.locks.release()
    assert (await asked).status == 201


async def test_a_kept_lock_is_renewed(server: Interface, repo: Repository) -> None:
    (repo.root / ".jvs" / "config.toml").write_text("[lease]\nrenew_interval_ms = 100\n")
    kept = (await server.ask("POST", "locks", {"path": "team"})).json

    def renewed() -> bool:
        lock = repo.locks.status().lock
        assert lock is not None
        return lock.last_renewed_at > str(kept["last_renewed_at"])

    await until(renewed)


@pytest.mark.parametrize("extension_config", [{"lock_idle_s": 0.3}])
async def test_a_lock_that_nobody_uses_is_given_back(server: Interface, repo: Repository) -> None:
    assert (await server.ask("POST", "locks", {"path": "team"})).status == 201
    await until(lambda: repo.locks.status().state == "free")


async def test_a_lock_that_was_given_back_elsewhere_is_not_kept_any_more(
    server: Interface, repo: Repository
) -> None:
    (repo.root / ".jvs" / "config.toml").write_text("[lease]\nrenew_interval_ms = 100\n")
    await server.ask("POST", "locks", {"path": "team"})
    mine = Repository(repo.root, settings=replace(repo.settings, session=os.environ["JVS_SESSION"]))
    mine.locks.release()
    for _ in range(600):
        if not (await server.ask("GET", "locks", path="team")).json["items"][0]["kept"]:
            break
        await asyncio.sleep(0.05)
    answer = await server.ask("DELETE", "locks", path="team")
    assert (answer.status, answer.code) == (409, "E_LOCK_NOT_HELD")


async def test_a_server_that_ends_gives_its_locks_back(
    server: Interface, repo: Repository, jp_serverapp: Any
) -> None:
    await server.ask("POST", "locks", {"path": "team"})
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert repo.locks.status().state == "free"
    assert "JVS_SESSION" not in os.environ


async def test_kernels_and_terminals_are_of_the_servers_session(
    server: Interface, repo: Repository, jp_serverapp: Any, jp_fetch: Any
) -> None:
    session = os.environ["JVS_SESSION"]
    assert session.startswith("jupyter-")
    assert (await server.ask("POST", "locks", {"path": "team"})).json["session_id"] == session
    kernel = json.loads((await jp_fetch("api", "kernels", method="POST", body="{}")).body)["id"]
    provisioner = jp_serverapp.kernel_manager.get_kernel(kernel).provisioner
    assert variables(provisioner.pid)["JVS_SESSION"] == session
    terminal = json.loads((await jp_fetch("api", "terminals", method="POST", body="{}")).body)["name"]
    process = jp_serverapp.web_app.settings["terminal_manager"].get_terminal(terminal).ptyproc
    await until(lambda: variables(process.pid).get("JVS_SESSION") == session)
    await jp_fetch("api", "terminals", terminal, method="DELETE")
    await jp_fetch("api", "kernels", kernel, method="DELETE")


def variables(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_a_session_given_from_outside_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JVS_SESSION", "hub-ann")
    with ServerSession() as name:
        assert name == "hub-ann"
    assert os.environ["JVS_SESSION"] == "hub-ann"
