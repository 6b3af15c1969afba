"""Automatic history in a server: what was saved, deleted or overwritten is kept without anybody having asked."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupyter_server.services.contents.manager import ContentsManager

from jvs_core import Repository
from jvs_jupyter.server.events import CHANGE
from jvs_jupyter.server.timeline import histories, work
from jvs_jupyter.server.timeline.history import History
from tests.jupyter.server.interface import Interface

SOON = "[timeline]\nafter_save_s = 1\nevery_s = 1\n"


@pytest.fixture
def soon(repo: Repository) -> Repository:
    """Let automatic snapshots of the repository come a second after a change."""
    configure(repo, SOON)
    return repo


@pytest.fixture
def heard(jp_serverapp: Any) -> list[str]:
    """Return what the server told of changes, as it comes."""
    said: list[str] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        said.append(data["what"])

    jp_serverapp.event_logger.add_listener(schema_id=CHANGE, listener=listen)
    return said


@pytest.fixture(autouse=True)
def started(jp_serverapp: Any, jp_asyncio_loop: asyncio.AbstractEventLoop) -> None:
    """Start the extension, which the test server leaves out."""
    jp_asyncio_loop.run_until_complete(jp_serverapp.extension_manager.start_all_extensions())


def configure(repo: Repository, text: str) -> None:
    with (repo.root / ".jvs" / "config.toml").open("a") as config:
        config.write(text)


async def until(look: Callable[[], Awaitable[Any]], within_s: float = 20.0) -> Any:
    """Return what ``look`` finds once that is true."""
    deadline = time.monotonic() + within_s
    while not (found := await look()):
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.1)
    return found


async def save(fetch: Any, path: str, text: str) -> None:
    """Save a text file as the editor does."""
    body = json.dumps({"type": "file", "format": "text", "content": text})
    await fetch("api", "contents", path, method="PUT", body=body)


async def opened(fetch: Any, path: str) -> None:
    await fetch("api", "contents", path, method="GET")


async def deleted(fetch: Any, path: str) -> None:
    await fetch("api", "contents", path, method="DELETE")


async def state(server: Interface, path: str = "team/main") -> dict[str, Any]:
    return dict((await server.ask("GET", "workspace", path=path)).json["timeline"])


async def lost(server: Interface, **query: Any) -> list[dict[str, Any]]:
    answer = await server.ask("GET", "deleted", path="team/main", **query)
    assert answer.status == 200, answer.data
    return list(answer.json["items"])


def taken(repo: Repository) -> Callable[[], Awaitable[list[str | None]]]:
    async def kinds() -> list[str | None]:
        return [item.descriptor.kind for item in await asyncio.to_thread(repo.history)]

    return kinds


@pytest.fixture
def jp_server_config(jp_server_config: dict[str, Any]) -> dict[str, Any]:
    """Let deleted files go, and not to a rubbish bin."""
    return {
        **jp_server_config,
        "FileContentsManager": {"delete_to_trash": False, "always_delete_dir": True},
    }


async def test_what_was_saved_is_in_a_snapshot_soon(
    server: Interface, soon: Repository, jp_fetch: Any, heard: list[str]
) -> None:
    await save(jp_fetch, "team/main/essay.md", "typed and saved")
    assert await until(taken(soon)) == ["auto"]
    with soon.open_file("HEAD", "essay.md") as kept:
        assert kept.read(100) == b"typed and saved"
    found = await state(server)
    assert (found["state"], found["changed"], found["reason"]) == ("saved", 0, None)
    await until(lambda: _has(heard, {"snapshots", "timeline"}))


async def _has(heard: list[str], wanted: set[str]) -> bool:
    return wanted <= set(heard)


async def test_a_deleted_file_comes_back_though_no_snapshot_was_ever_taken(
    server: Interface, repo: Repository, jp_fetch: Any
) -> None:
    await save(jp_fetch, "team/main/hw1.md", "an afternoon")
    await deleted(jp_fetch, "team/main/hw1.md")
    assert not (repo.root / "main" / "hw1.md").exists()
    (row,) = await lost(server)
    assert (row["file"], row["path"], row["what"]) == ("hw1.md", "team/main/hw1.md", "deleted")
    assert (row["by"]["kind"], row["size"], row["binary"]) == ("browser", 12, False)
    name, identity = next(iter(row["source"].items()))
    source = {name.removesuffix("_id"): identity}
    content = await server.ask("GET", "deleted/content", path="team/main", file="hw1.md", **source)
    assert (content.status, content.data) == (200, b"an afternoon")
    back = await server.ask("POST", "deleted", {"path": "team/main", "file": "hw1.md", **source})
    assert (back.status, back.json["path"], back.json["renamed"]) == (200, "team/main/hw1.md", False)
    assert (repo.root / "main" / "hw1.md").read_text() == "an afternoon"
    assert await lost(server) == []


async def test_what_is_put_back_replaces_nothing(server: Interface, repo: Repository, jp_fetch: Any) -> None:
    await save(jp_fetch, "team/main/hw1.md", "first")
    await deleted(jp_fetch, "team/main/hw1.md")
    await save(jp_fetch, "team/main/hw1.md", "second")
    (row,) = await lost(server)
    source = {next(iter(row["source"])).removesuffix("_id"): next(iter(row["source"].values()))}
    back = await server.ask("POST", "deleted", {"path": "team/main", "file": "hw1.md", **source})
    assert back.json["renamed"] is True
    assert back.json["file"].startswith("hw1 (")
    assert (repo.root / "main" / back.json["file"]).read_text() == "first"
    assert (repo.root / "main" / "hw1.md").read_text() == "second"


async def test_a_folder_is_kept_file_by_file_before_it_is_deleted(
    server: Interface, repo: Repository, jp_fetch: Any
) -> None:
    await deleted(jp_fetch, "team/main/data")
    assert [row["file"] for row in await lost(server)] == ["data/a.csv"]


async def test_what_another_program_wrote_is_kept_before_a_save_goes_over_it(
    server: Interface, repo: Repository, jp_fetch: Any
) -> None:
    await opened(jp_fetch, "team/main/notes.txt")
    (repo.root / "main" / "notes.txt").write_text("by a program, meanwhile")
    await save(jp_fetch, "team/main/notes.txt", "from the browser")
    copies = repo.timeline.copies()
    assert [(copy.path, copy.cause, copy.size) for copy in copies] == [("notes.txt", "overwrite", 23)]
    await save(jp_fetch, "team/main/notes.txt", "from the browser, again")
    assert len(repo.timeline.copies()) == 1


async def test_what_a_program_in_a_terminal_changes_is_kept_and_told(
    server: Interface, soon: Repository, heard: list[str]
) -> None:
    await state(server)
    await asyncio.sleep(2.5)
    heard.clear()
    (soon.root / "main" / "data" / "made.csv").write_text("1,2\n")
    began = time.monotonic()
    await until(lambda: _has(heard, {"content"}), within_s=5)
    assert time.monotonic() - began < 2.0
    assert await until(taken(soon)) == ["auto"]


async def test_what_is_done_elsewhere_is_told_within_two_seconds(
    server: Interface, repo: Repository, heard: list[str]
) -> None:
    await state(server)
    await asyncio.sleep(2.5)
    elsewhere = Repository.open(repo.root, settings=replace(repo.settings, session="elsewhere"))
    acts: list[tuple[Callable[[], Any], str]] = [
        (lambda: elsewhere.snapshot("by a terminal", lock=True), "snapshots"),
        (elsewhere.locks.acquire, "locks"),
        (elsewhere.locks.release, "locks"),
        (lambda: elsewhere.refs.create("best", "HEAD"), "refs"),
        (lambda: elsewhere.annotate("HEAD", note="edited"), "snapshots"),
        (lambda: elsewhere.worktrees.create("trial"), "worktrees"),
    ]
    for act, what in acts:
        heard.clear()
        await asyncio.to_thread(act)
        began = time.monotonic()
        await until(partial(_has, heard, {what}), within_s=5)
        assert time.monotonic() - began < 2.0, what


async def test_while_somebody_else_holds_the_lock_history_waits_and_says_so(
    server: Interface, soon: Repository, jp_fetch: Any
) -> None:
    elsewhere = Repository.open(soon.root, settings=replace(soon.settings, session="elsewhere"))
    elsewhere.locks.acquire(lease_ms=3_600_000, purpose="nightly run")
    await save(jp_fetch, "team/main/essay.md", "typed")

    async def paused() -> dict[str, Any] | None:
        found = await state(server)
        return found if found["state"] == "paused" else None

    found = await until(paused, within_s=30)
    assert found["reason"]["code"] == "E_LOCK_CONFLICT"
    assert "nightly run" in found["reason"]["message"]
    await deleted(jp_fetch, "team/main/essay.md")
    assert [row["file"] for row in await lost(server)] == ["essay.md"]
    elsewhere.locks.release()
    assert await until(taken(soon), within_s=150) == ["auto"]
    assert (await state(server))["state"] == "saved"


async def test_a_file_system_that_is_gone_for_a_while_is_a_pause(
    server: Interface, soon: Repository, jp_fetch: Any, jp_serverapp: Any
) -> None:
    await save(jp_fetch, "team/main/essay.md", "typed")
    assert await until(taken(soon)) == ["auto"]
    services = jp_serverapp.web_app.settings["jvs_services"]
    place = await services.call(services.root.place, "team/main")
    history = services.histories.seen(place)
    away = soon.root.with_name("away")
    os.rename(soon.root, away)
    history.touched()
    reason = await until(lambda: _reason(history), within_s=30)
    assert reason["code"].startswith("E_")
    os.rename(away, soon.root)
    (soon.root / "main" / "later.txt").write_text("after it came back")

    async def both() -> bool:
        return len(await taken(soon)()) == 2

    await until(both, within_s=150)
    assert history.reason is None


async def _reason(history: Any) -> dict[str, Any] | None:
    return history.reason  # type: ignore[no-any-return]


async def test_a_repository_says_that_it_has_no_history(
    server: Interface, soon: Repository, jp_fetch: Any
) -> None:
    answer = await server.ask("POST", "timeline", {"path": "team/main", "on": False})
    assert (answer.json["state"], answer.json["reason"]) == ("off", None)
    await save(jp_fetch, "team/main/essay.md", "typed")
    await deleted(jp_fetch, "team/main/essay.md")
    await asyncio.sleep(3)
    assert await taken(soon)() == []
    assert soon.timeline.copies() == []
    answer = await server.ask("POST", "timeline", {"path": "team/main", "on": True})
    assert answer.json["state"] == "changed"
    assert await until(taken(soon)) == ["auto"]


async def test_a_snapshot_is_asked_for_at_once(server: Interface, repo: Repository) -> None:
    done = await server.done(await server.ask("POST", "timeline/now", {"path": "team/main"}))
    assert (done["state"], done["result"]["kind"]) == ("done", "auto")
    again = await server.done(await server.ask("POST", "timeline/now", {"path": "team/main"}))
    assert again["result"] == {"created": False, "head_snapshot_id": done["result"]["snapshot_id"]}


async def test_caches_alone_are_no_change(server: Interface, soon: Repository, jp_fetch: Any) -> None:
    await server.snapshot("team/main")
    (soon.root / "main" / ".ipynb_checkpoints").mkdir()
    (soon.root / "main" / ".ipynb_checkpoints" / "a-checkpoint.ipynb").write_text("{}")
    found = await state(server)
    assert (found["state"], found["changed"]) == ("saved", 0)


class TestOff:
    """A server that keeps no history."""

    @pytest.fixture
    def extension_config(self) -> dict[str, Any]:
        return {"timeline": False}

    async def test_nothing_is_taken_or_kept(
        self, server: Interface, soon: Repository, jp_fetch: Any, jp_serverapp: Any
    ) -> None:
        await save(jp_fetch, "team/main/essay.md", "typed")
        await deleted(jp_fetch, "team/main/essay.md")
        await asyncio.sleep(3)
        assert await taken(soon)() == []
        assert soon.timeline.copies() == []
        found = await state(server)
        assert (found["state"], found["reason"]["code"]) == ("off", "E_FORBIDDEN")
        names = type(jp_serverapp.contents_manager.checkpoints).__name__
        assert names == "AsyncFileCheckpoints"


async def test_the_end_of_a_server_keeps_what_changed(
    server: Interface, repo: Repository, jp_fetch: Any, jp_serverapp: Any
) -> None:
    await save(jp_fetch, "team/main/essay.md", "the last words")
    services = jp_serverapp.web_app.settings["jvs_services"]

    async def noted() -> bool:
        place = await services.call(services.root.place, "team/main")
        history = services.histories.seen(place)
        return history is not None and history.next_at() is not None

    await until(noted)
    await services.histories.stop()
    assert await taken(repo)() == ["auto"]
    with repo.open_file("HEAD", "essay.md") as kept:
        assert kept.read(100) == b"the last words"


async def test_nothing_that_goes_wrong_in_history_keeps_anybody_from_saving(
    server: Interface, soon: Repository, jp_fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("jvs_jupyter.server.timeline.work.keep", fail)
    monkeypatch.setattr("jvs_jupyter.server.timeline.work.take", fail)
    await save(jp_fetch, "team/main/essay.md", "typed")
    await save(jp_fetch, "team/main/notes.txt", "typed")
    await deleted(jp_fetch, "team/main/essay.md")
    assert (soon.root / "main" / "notes.txt").read_text() == "typed"
    assert not (soon.root / "main" / "essay.md").exists()


class Hybrid(ContentsManager):
    """A manager of managers, as ``hybridcontents`` is one: here all paths belong to a manager with a root of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.managers = {"": FileContentsManager(parent=self, root_dir=options["parent"].root_dir)}

    def __getattribute__(self, name: str) -> Any:
        if name in (
            "get",
            "save",
            "delete",
            "delete_file",
            "rename",
            "file_exists",
            "dir_exists",
            "is_hidden",
        ):
            return getattr(self.managers[""], name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("manager_class", [LargeFileManager, Hybrid])
class TestOtherManagers:
    """Contents managers that are not asynchronous, and those that are made of others."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any], manager_class: type) -> dict[str, Any]:
        found = {**jp_server_config, "ServerApp": {**jp_server_config["ServerApp"]}}
        found["ServerApp"]["contents_manager_class"] = manager_class
        return found

    async def test_what_is_deleted_or_overwritten_is_kept(
        self, server: Interface, repo: Repository, jp_fetch: Any
    ) -> None:
        await opened(jp_fetch, "team/main/notes.txt")
        (repo.root / "main" / "notes.txt").write_text("by a program, meanwhile")
        await save(jp_fetch, "team/main/notes.txt", "from the browser")
        await deleted(jp_fetch, "team/main/data/a.csv")
        found = {(copy.path, copy.cause) for copy in repo.timeline.copies()}
        assert found == {("notes.txt", "overwrite"), ("data/a.csv", "delete")}


async def test_a_snapshot_that_takes_longer_than_it_used_to_does_not_let_a_file_go_unkept(
    server: Interface, soon: Repository, jp_fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(jp_fetch, "team/main/first.md", "so that a snapshot is known to be quick")
    await until(taken(soon))
    await save(jp_fetch, "team/main/essay.md", "typed, and in no snapshot yet")
    held, keep = threading.Event(), work.keep

    def slow(*args: Any, whole: bool, **kwargs: Any) -> bool:
        if whole:
            held.wait(30)
        return keep(*args, whole=whole, **kwargs)

    monkeypatch.setattr(work, "keep", slow)
    monkeypatch.setattr(histories, "_WHOLE_S", 0.2)
    monkeypatch.setattr(History, "is_fast", property(lambda history: True))
    monkeypatch.setattr(History, "tick", lambda history: None)
    try:
        await deleted(jp_fetch, "team/main/essay.md")
        (row,) = [row for row in await lost(server) if row["file"] == "essay.md"]
        source = dict(row["source"])
        with soon.timeline.open_copy(source["copy_id"]) as copy:
            assert copy.read() == b"typed, and in no snapshot yet"
    finally:
        held.set()
