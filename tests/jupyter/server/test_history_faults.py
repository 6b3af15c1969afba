"""Automatic history where something is wrong: it waits, says why, goes on by itself, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, clock
from tests.browser.server import JupyterServer, jupyter_server
from tests.jupyter.server.interface import Interface
from tests.jupyter.server.test_history import SOON, configure, heard, opened, save, started, state, until
from tests.support.filesystems import memory_at

__all__ = ["heard", "started"]


def last(repo: Repository) -> bytes:
    with repo.open_file("HEAD", "essay.md") as kept:
        return kept.read(100)


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root")
async def test_a_full_disk_is_a_pause(
    server: Interface, jp_root_dir: Path, private_state: Path, jp_fetch: Any
) -> None:
    (jp_root_dir / "small").mkdir()
    with memory_at(jp_root_dir / "small"):
        repo = Repository.init(jp_root_dir / "small" / "team", engine="copy")
        configure(repo, SOON)
        await save(jp_fetch, "small/team/main/essay.md", "typed")

        async def kept() -> bool:
            return bool(repo.history())

        await until(kept)
        filler = jp_root_dir / "small" / "filler"
        await asyncio.to_thread(_fill, filler)
        with (repo.root / "main" / "essay.md").open("r+") as essay:
            essay.write("TYPED")

        async def paused() -> dict[str, Any] | None:
            found = await state(server, "small/team/main")
            return found if found["state"] == "paused" else None

        found = await until(paused, within_s=40)
        assert found["reason"]["code"] == "E_NO_SPACE"
        filler.unlink()

        async def again() -> bool:
            return len(repo.history()) == 2

        await until(again, within_s=150)
        assert last(repo) == b"TYPED"
        assert repo.doctor(strict=True).findings == []


def _fill(path: Path) -> None:
    with path.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        except OSError:
            return


async def test_a_clock_that_was_set_back_loses_nothing(
    server: Interface, repo: Repository, jp_fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(repo, SOON)
    await save(jp_fetch, "team/main/essay.md", "before")

    async def count(number: int) -> bool:
        return len(repo.history()) == number

    await until(lambda: count(1))
    truly = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: truly() - 3_600_000)
    await opened(jp_fetch, "team/main/essay.md")
    await save(jp_fetch, "team/main/essay.md", "after")
    await until(lambda: count(2), within_s=150)
    assert last(repo) == b"after"
    rows = (await server.ask("GET", "snapshots", path="team/main")).json["items"]
    assert {row["snapshot_id"] for row in rows} == {item.descriptor.snapshot_id for item in repo.history()}
    assert [row["is_head"] for row in rows].count(True) == 1


def ask(server: JupyterServer, method: str, path: str, body: Any = None) -> Any:
    """Ask a server of the test's own."""
    request = urllib.request.Request(
        f"{server.url}{path}",
        method=method,
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def has_snapshots(repo: Repository, count: int) -> bool:
    return len(repo.history()) == count


def wait(look: Callable[[], Any], within_s: float = 60.0) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def team(folder: Path, files: int = 0) -> Repository:
    """Return a repository below the root of a server to come, with a snapshot."""
    (folder / "root").mkdir(exist_ok=True)
    repo = Repository.init(folder / "root" / "team", engine="copy")
    configure(repo, SOON)
    for number in range(files):
        (repo.root / "main" / f"{number:05d}.txt").write_text(f"{number}\n" * 200)
    return repo


def private(folder: Path) -> dict[str, str]:
    return {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}


TEXT = {"type": "file", "format": "text"}
OPTIONS = ("--ServerApp.jpserver_extensions={'jvs_jupyter': True}",)


def test_a_server_that_is_killed_in_the_middle_of_a_snapshot_leaves_nothing_to_clear(
    tmp_path: Path, private_state: Path
) -> None:
    repo = team(tmp_path, files=2000)
    intents = repo.root / ".jvs" / "intents"
    with jupyter_server(tmp_path, app="jupyter_server", options=OPTIONS, **private(tmp_path)) as server:
        ask(server, "PUT", "api/contents/team/main/essay.md", {**TEXT, "content": "typed"})
        wait(lambda: list(intents.iterdir()))
        os.kill(server.pid, signal.SIGKILL)
    assert repo.history() == []
    with jupyter_server(tmp_path, app="jupyter_server", options=OPTIONS, **private(tmp_path)) as server:
        ask(server, "GET", "jvs/api/v1/workspace?path=team/main")
        ask(server, "PUT", "api/contents/team/main/other.md", {**TEXT, "content": "typed again"})
        wait(repo.history, within_s=120)
    assert last(repo) == b"typed"
    found = repo.doctor(repairs=["clean_tmp", "clean_intents"], strict=True)
    assert found.findings == []


def test_two_servers_in_one_worktree_make_one_snapshot_of_a_change(
    tmp_path: Path, private_state: Path
) -> None:
    repo = team(tmp_path)
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
        os.symlink(tmp_path / "root", home / "root")
    with (
        jupyter_server(homes[0], app="jupyter_server", options=OPTIONS, **private(tmp_path)) as first,
        jupyter_server(homes[1], app="jupyter_server", options=OPTIONS, **private(tmp_path)) as second,
    ):
        for server in (first, second):
            ask(server, "GET", "jvs/api/v1/workspace?path=team/main")
        time.sleep(2)
        for number in range(3):
            ask(first, "PUT", "api/contents/team/main/essay.md", {**TEXT, "content": f"text {number}"})
            wait(partial(has_snapshots, repo, number + 1))
            time.sleep(4)

        def both_saved() -> bool:
            found = [
                ask(one, "GET", "jvs/api/v1/workspace?path=team/main")["timeline"] for one in (first, second)
            ]
            return all(one["state"] == "saved" for one in found)

        wait(both_saved)
    assert len(repo.history()) == 3
    assert [item.descriptor.kind for item in repo.history()] == ["auto"] * 3
