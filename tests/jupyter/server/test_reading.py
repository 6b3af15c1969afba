"""Large worktrees are looked over in a process of its own, which ends with the server and comes back when killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from jvs_core import Repository
from jvs_jupyter.server import reading
from jvs_jupyter.server.errors import RequestError, bad_input
from jvs_jupyter.server.reading import Reader
from tests.jupyter.server.interface import Interface


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def refuse() -> None:
    raise bad_input("no", "hint")


async def test_it_is_another_process_and_the_same_again(reader: Reader) -> None:
    first = await reader.run(os.getpid)
    assert first != os.getpid()
    assert await reader.run(os.getpid) == first


async def test_what_it_raises_arrives_whole(reader: Reader) -> None:
    with pytest.raises(RequestError) as refused:
        await reader.run(refuse)
    assert refused.value.to_json() == {"code": "E_USAGE", "message": "no", "hint": "hint"}
    assert refused.value.status == 400


async def test_a_process_that_was_killed_comes_back(reader: Reader) -> None:
    first = await reader.run(os.getpid)
    os.kill(first, signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert await reader.run(os.getpid) != first


async def test_closing_ends_it(reader: Reader) -> None:
    first = await reader.run(os.getpid)
    reader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


async def test_a_large_worktree_is_answered_the_same(
    server: Interface, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.snapshot(lock=True)
    (repo.root / "main" / "notes.txt").write_text("changed")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("workspace", {}),
        ("compare", {"from_": "HEAD"}),
        ("snapshots/HEAD/files", {"dir": "data"}),
    ]
    small = [(await server.ask("GET", route, path="team", **query)).json for route, query in asked]
    monkeypatch.setattr(reading, "_LARGE_FILES", 1)
    large = [(await server.ask("GET", route, path="team", **query)).json for route, query in asked]
    assert large == small
    missing = await server.ask("GET", "compare", path="team", from_="nope")
    assert (missing.status, missing.code) == (404, "E_SNAPSHOT_NOT_FOUND")
