"""Long work: turns, bounds, cancelling, keys, progress and events."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jvs_core import Repository
from jvs_jupyter.server import events
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.operations import Key, Operation, Operations, Subject
from jvs_jupyter.server.progress import Receiver
from tests.jupyter.server.interface import Interface

Make = Callable[..., Operations]


class Gate:
    """Work that tells when it runs, and waits until it may go on."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, progress: Receiver) -> dict[str, Any]:
        progress.started("clone", 1)
        self.entered.set()
        assert self.open.wait(30)
        progress.advanced()
        progress.finished("clone")
        return {"is": "done"}

    async def running(self) -> None:
        """Wait until it runs."""
        assert await asyncio.to_thread(self.entered.wait, 30)


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """Return what was told about operations: id and state."""
    return []


@pytest.fixture
def make(told: list[tuple[str, str]]) -> Make:
    def operations(**changes: Any) -> Operations:
        settings = {"threads": 2, "queue": 10, "kept": 3, **changes}
        return Operations(
            tell=lambda operation: told.append((operation.id, operation.state)),
            log=logging.getLogger("test"),
            **settings,
        )

    return operations


async def over(operation: Operation) -> str:
    await asyncio.wait_for(operation.over.wait(), 30)
    return operation.state


async def test_operations_of_one_worktree_take_turns(make: Make) -> None:
    operations = make()
    first, second, other = Gate(), Gate(), Gate()
    started = [operations.start("snapshot", Subject(), gate, turn="main") for gate in (first, second)]
    elsewhere = operations.start("snapshot", Subject(), other, turn="trial")
    await first.running()
    await other.running()
    assert [operation.state for operation in (*started, elsewhere)] == ["running", "queued", "running"]
    other.open.set()
    assert await over(elsewhere) == "done"
    assert not second.entered.is_set()
    first.open.set()
    second.open.set()
    assert [await over(operation) for operation in started] == ["done", "done"]
    await operations.close()


async def test_no_more_run_than_there_are_threads(make: Make) -> None:
    operations = make(threads=1)
    first, second = Gate(), Gate()
    running = operations.start("snapshot", Subject(), first, turn="main")
    waiting = operations.start("snapshot", Subject(), second, turn="trial")
    await first.running()
    assert (running.state, waiting.state) == ("running", "queued")
    first.open.set()
    second.open.set()
    assert await over(waiting) == "done"
    await operations.close()


async def test_too_much_at_once_is_refused(make: Make) -> None:
    operations = make(queue=1)
    gate = Gate()
    operations.start("snapshot", Subject(), gate)
    with pytest.raises(RequestError, match="too many") as refused:
        operations.start("snapshot", Subject(), gate)
    assert refused.value.status == 503
    gate.open.set()
    await operations.close()


async def test_a_queued_operation_is_cancelled_at_once(make: Make) -> None:
    operations = make()
    first, second, third = Gate(), Gate(), Gate()
    running, queued, last = (
        operations.start("snapshot", Subject(), gate, turn="main") for gate in (first, second, third)
    )
    await first.running()
    operations.cancel(queued)
    assert (queued.state, queued.to_json()["error"]["code"]) == ("cancelled", "E_CANCELLED")
    first.open.set()
    third.open.set()
    assert [await over(running), await over(last)] == ["done", "done"]
    assert not second.entered.is_set()
    await operations.close()


async def test_a_running_operation_is_cancelled_at_its_next_step(make: Make) -> None:
    operations = make()
    gate = Gate()
    operation = operations.start("snapshot", Subject(), gate)
    await gate.running()
    operations.cancel(operation)
    assert operation.state == "running"
    gate.open.set()
    assert await over(operation) == "cancelled"
    assert operation.result is None
    await operations.close()


async def test_what_is_visible_already_is_carried_to_its_end(make: Make) -> None:
    operations = make()
    gate = Gate()

    def work(progress: Receiver) -> dict[str, Any]:
        progress.started("publish")
        progress.finished("publish")
        return gate(progress)

    operation = operations.start("snapshot", Subject(), work)
    await gate.running()
    operations.cancel(operation)
    gate.open.set()
    assert await over(operation) == "done"
    await operations.close()


async def test_the_same_key_is_the_same_operation(make: Make) -> None:
    operations = make()
    gate = Gate()
    gate.open.set()
    key = Key("ann", "k", "snapshot main")
    first = operations.start("snapshot", Subject(), gate, key=key)
    assert operations.start("snapshot", Subject(), gate, key=key) is first
    assert await over(first) == "done"
    assert operations.start("snapshot", Subject(), gate, key=key) is first
    other = operations.start("snapshot", Subject(), gate, key=replace(key, user="ben"))
    assert other is not first
    with pytest.raises(RequestError, match="another request"):
        operations.start("snapshot", Subject(), gate, key=replace(key, request="snapshot trial"))
    await operations.close()


async def test_old_operations_and_their_keys_are_forgotten(make: Make) -> None:
    operations = make(kept=2)
    gate = Gate()
    gate.open.set()
    key = Key("ann", "k", "r")
    first = operations.start("snapshot", Subject(), gate, key=key)
    await over(first)
    for _ in range(3):
        await over(operations.start("snapshot", Subject(), gate))
    operations.start("snapshot", Subject(), gate)
    with pytest.raises(RequestError, match="no operation"):
        operations.get(first.id)
    assert operations.start("snapshot", Subject(), gate, key=key) is not first
    await operations.close()


async def test_a_failure_nobody_foresaw_is_told_without_its_trace(make: Make) -> None:
    def work(progress: Receiver) -> dict[str, Any]:
        raise ValueError("secret")

    operations = make()
    operation = operations.start("snapshot", Subject(), work)
    assert await over(operation) == "failed"
    error = operation.to_json()["error"]
    assert error["code"] == "E_INTERNAL"
    assert "secret" not in error["message"]
    await operations.close()


async def test_closing_waits_for_what_runs(make: Make, told: list[tuple[str, str]]) -> None:
    operations = make()
    gate = Gate()

    def work(progress: Receiver) -> dict[str, Any]:
        progress.started("converge")
        return gate(progress)

    running = operations.start("restore_inplace", Subject(), work, turn="main")
    queued = operations.start("snapshot", Subject(), Gate(), turn="main")
    await gate.running()
    closing = asyncio.ensure_future(operations.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.open.set()
    await closing
    assert (running.state, queued.state) == ("done", "cancelled")
    assert [state for _, state in told if _ == running.id][-1] == "done"


async def test_a_snapshot_waiting_for_a_lock_is_cancelled_and_leaves_nothing(
    server: Interface, repo: Repository
) -> None:
    other = Repository(repo.root, settings=replace(repo.settings, session="other"))
    other.locks.acquire()
    answer = await server.ask("POST", "snapshots", {"path": "team", "wait_s": 30})
    address = f"operations/{answer.json['operation']['id']}"
    cancelled = await server.ask("DELETE", address)
    assert cancelled.status in (200, 202)
    other.locks.release()
    assert (await server.done(answer))["state"] == "cancelled"
    assert (await server.ask("DELETE", address)).status == 200
    assert repo.history() == []
    assert repo.doctor(strict=True).healthy


async def test_a_repeated_request_with_a_key_takes_one_snapshot(server: Interface, repo: Repository) -> None:
    body = {"path": "team", "note": "once"}
    answers = [
        await server.ask("POST", "snapshots", body, headers={"Idempotency-Key": "abc"}) for _ in range(3)
    ]
    assert len({answer.json["operation"]["id"] for answer in answers}) == 1
    await server.done(answers[0])
    assert len(repo.history()) == 1
    other = await server.ask("POST", "snapshots", {"path": "team"}, headers={"Idempotency-Key": "abc"})
    assert (other.status, other.code) == (422, "E_USAGE")
    no_key = await server.ask("POST", "snapshots", body, headers={"Idempotency-Key": "a b"})
    assert no_key.status == 422


@pytest.mark.parametrize("extension_config", [{"answer_within_s": 0.0}])
async def test_what_takes_long_is_answered_with_an_operation(server: Interface, repo: Repository) -> None:
    repo.snapshot(lock=True)
    made = await server.ask("POST", "worktrees", {"path": "team", "name": "trial"})
    operation = await server.done(made)
    assert operation["result"]["contents_path"] == "team/worktrees/trial"
    removed = await server.done(await server.ask("DELETE", "worktrees/trial", path="team"))
    assert (removed["kind"], removed["state"]) == ("worktree_remove", "done")


async def test_events_tell_of_operations_and_changes(
    server: Interface, repo: Repository, jp_serverapp: Any
) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append((schema_id, data))

    for schema_id in (events.OPERATION, events.CHANGE):
        jp_serverapp.event_logger.add_listener(schema_id=schema_id, listener=listen)
    taken = await server.snapshot("team/main")
    await server.ask("POST", "refs", {"path": "team", "name": "a", "snapshot": "HEAD"})
    await asyncio.sleep(0.05)
    states = [data["state"] for schema_id, data in heard if schema_id == events.OPERATION]
    assert (states[0], states[-1]) == ("queued", "done")
    assert "running" in states
    changes = [data for schema_id, data in heard if schema_id == events.CHANGE]
    assert [change["what"] for change in changes] == ["snapshots", "refs"]
    assert {change["worktree_path"] for change in changes} == {"team/main"}
    assert {change["repo_id"] for change in changes} == {repo.repo_id}
    listed = (await server.ask("GET", "operations", path="team")).json["items"]
    assert [operation["result"]["snapshot_id"] for operation in listed] == [taken["snapshot_id"]]


async def test_fifty_read_while_one_takes_snapshots(server: Interface, repo: Repository) -> None:
    for number in range(300):
        (repo.root / "main" / f"{number}.txt").write_text("x" * number)
    repo.snapshot(lock=True)

    async def write() -> None:
        for number in range(4):
            (repo.root / "main" / "notes.txt").write_text(f"{number}")
            await server.snapshot("team", f"{number}")

    async def read(number: int) -> set[int]:
        routes: list[tuple[str, dict[str, Any]]] = [
            ("workspace", {}),
            ("snapshots", {}),
            ("snapshots/HEAD/files", {}),
            ("compare", {"from_": "HEAD"}),
            ("snapshots/HEAD/content", {"file": "notes.txt"}),
        ]
        route, query = routes[number % len(routes)]
        return {(await server.ask("GET", route, path="team", **query)).status for _ in range(2)}

    statuses, *_ = await asyncio.gather(asyncio.gather(*(read(number) for number in range(50))), write())
    assert set.union(*statuses) == {200}
    assert len(repo.history()) == 5
