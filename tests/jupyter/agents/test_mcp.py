from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from jvs_core import Repository

pytestmark = pytest.mark.anyio

SAFE = [
    "status",
    "history",
    "find",
    "show",
    "ls",
    "read",
    "compare",
    "verify",
    "worktree_list",
    "snapshot",
    "restore",
    "worktree_remove",
    "sandbox",
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo")
    (repo.root / "main" / "notes.txt").write_text("notes")
    repo.snapshot("base", lock=True, tags=["start"])
    return repo


@asynccontextmanager
async def client(repo: Repository, *options: str) -> AsyncIterator[Client]:
    """Run ``jvs mcp`` as a process of its own, at the other end of a real pipe."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "jvs_core.cli", "--repo", str(repo.root), "mcp", *options],
        env={
            name: os.environ[name]
            for name in ("PATH", "JVS_STATE_DIR", "JVS_CACHE_DIR")
            if name in os.environ
        },
    )
    async with Client(parameters) as connected:
        yield connected


def error(result: CallToolResult) -> str:
    assert result.is_error
    assert result.structured_content is not None
    found = result.structured_content["error"]
    assert set(found) == {"code", "message", "hint"}
    return str(found["code"])


def wait_until_alone(repo: Repository) -> None:
    deadline = time.monotonic() + 20
    while [info.name for info in repo.worktrees.all()] != ["main"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [info.name for info in repo.worktrees.all()] == ["main"]
    assert (
        subprocess.run(["pgrep", "-f", "^sleep 61$"], check=False, stdout=subprocess.DEVNULL).returncode == 1
    )


def read(*parts: str) -> str:
    return Path(*parts).read_text()


async def ask(connected: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await connected.call_tool(tool, arguments)
    assert not result.is_error, result.content
    answer: dict[str, Any] | None = result.structured_content
    assert answer is not None
    return answer


async def test_the_tools_are_the_safe_ones_and_strict(repo: Repository) -> None:
    async with client(repo) as connected:
        tools = (await connected.list_tools()).tools
    assert [tool.name for tool in tools] == SAFE
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools)
    assert [tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint] == SAFE[:9]
    destroying = [tool.name for tool in tools if tool.annotations and tool.annotations.destructive_hint]
    assert destroying == ["worktree_remove"]


async def test_an_agent_tries_looks_and_keeps(repo: Repository) -> None:
    script = "import pathlib; pathlib.Path('made.txt').write_text('made'); print('done')"
    async with client(repo) as connected:
        tried = await ask(connected, "sandbox", command=[sys.executable, "-c", script], note="a try")
        assert (tried["exit_status"], tried["output"], tried["stopped"]) == (0, "done\n", None)
        assert tried["changes"]["added"] == ["made.txt"]
        restored = await ask(connected, "restore", snapshot=tried["snapshot_id"], name="kept")
        assert read(restored["path"], "made.txt") == "made"
        (repo.root / "main" / "notes.txt").write_text("changed")
        changed = await ask(connected, "compare", before="HEAD")
        assert (changed["modified"], changed["counts"]["modified"]) == (["notes.txt"], 1)
        taken = await ask(connected, "snapshot", note="kept", tags=["t"])
        listed = await ask(connected, "history", limit=1)
        assert [item["snapshot_id"] for item in listed["items"]] == [taken["snapshot_id"]]
        assert taken["holder_id"].rpartition(":")[2].startswith("mcp-")
        assert (await ask(connected, "verify", every=True))["ok"]
    assert repo.locks.status().state == "free"


async def test_compare_says_what_changed_inside(repo: Repository) -> None:
    (repo.root / "main" / "notes.txt").write_text("notes\nmore\n")
    (repo.root / "main" / "other.txt").write_text("other\n")
    async with client(repo) as connected:
        found = await ask(connected, "compare", before="HEAD", patch=True, paths=["notes.txt"])
        assert found["added"] == []
        assert [(change["path"], change["words"]) for change in found["changes"]] == [
            ("notes.txt", "+1 line")
        ]
        assert found["patch"].splitlines()[-2:] == ["+more", "\\ the old one has no newline at its end"]
        (repo.root / "main" / "other.txt").write_text("long\n" * 100_000)
        long = await ask(connected, "compare", before="HEAD", patch=True)
        assert long["patch"].endswith("only the first 2,000 lines are shown: ask for fewer paths")
        assert len(json.dumps(long)) < 300_000


async def test_what_replaces_files_must_be_allowed(repo: Repository) -> None:
    (repo.root / "main" / "notes.txt").write_text("changed")
    async with client(repo) as connected:
        for name, given in (("restore_inplace", {"snapshot": "HEAD", "reason": "x"}), ("undo", {})):
            refused = await connected.call_tool(name, given)
            assert error(refused) == "E_USAGE"
            assert "jvs mcp --allow-inplace" in str(refused.structured_content)
    assert (repo.root / "main" / "notes.txt").read_text() == "changed"
    async with client(repo, "--allow-inplace") as connected:
        assert [tool.name for tool in (await connected.list_tools()).tools] == [
            *SAFE,
            "restore_inplace",
            "undo",
            "redo",
        ]
        done = await ask(connected, "restore_inplace", snapshot="HEAD", reason="a try")
        assert done["modified"] == ["notes.txt"]
        assert (repo.root / "main" / "notes.txt").read_text() == "notes"
        await ask(connected, "undo")
        assert (repo.root / "main" / "notes.txt").read_text() == "changed"
        await ask(connected, "redo", reason="after all")
        assert (repo.root / "main" / "notes.txt").read_text() == "notes"
        (repo.root / "main" / "later.txt").write_text("work since")
        refused = await connected.call_tool("undo", {})
        assert error(refused) == "E_NOTHING_TO_UNDO"
        await ask(connected, "undo", force=True)
        assert (repo.root / "main" / "notes.txt").read_text() == "changed"
        assert not (repo.root / "main" / "later.txt").exists()


async def test_a_deleted_file_is_found_in_history(repo: Repository) -> None:
    (repo.root / "main" / "notes.txt").unlink()
    async with client(repo) as connected:
        found = await ask(connected, "find", pattern="NOTES")
        assert found == {"items": [], "total": 0}
        found = await ask(connected, "find", pattern="notes", deleted=True)
        assert [(item["path"], item["in_worktree"]) for item in found["items"]] == [("notes.txt", False)]
        assert (await ask(connected, "find", pattern="*", limit=1))["total"] == 1
        assert (await ask(connected, "find", pattern="*", larger=5, since="1h"))["total"] == 0
        assert (await ask(connected, "find", pattern="*", smaller=6, since="yesterday"))["total"] == 1
        asked = {"grep": "BASE", "path": "notes*", "larger": 4, "until": "now"}
        assert len((await ask(connected, "history", **asked))["items"]) == 1
        assert (await ask(connected, "history", grep="other"))["items"] == []
        assert (await ask(connected, "compare", before="tag:start", after="@now"))["modified"] == []


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("snapshot", {"note": 5}, "E_USAGE"),
    ("snapshot", {"force": True}, "E_USAGE"),
    ("snapshot", {"tags": ["a\nb"]}, "E_USAGE"),
    ("snapshot", {"worktree": "../../etc"}, "E_WORKTREE_NOT_FOUND"),
    ("history", {"limit": 0}, "E_USAGE"),
    ("history", {"limit": "20"}, "E_USAGE"),
    ("compare", {}, "E_USAGE"),
    ("compare", {"before": "nowhere"}, "E_SNAPSHOT_NOT_FOUND"),
    ("restore", {"snapshot": "HEAD", "name": "../out"}, "E_NAME_INVALID"),
    ("restore", {"snapshot": "../../etc/passwd"}, "E_SNAPSHOT_NOT_FOUND"),
    ("sandbox", {"command": []}, "E_USAGE"),
    ("sandbox", {"command": ["no-such-command-anywhere"]}, "E_USAGE"),
    ("sandbox", {"command": ["true"], "timeout_s": 0}, "E_USAGE"),
    ("sandbox", {"command": ["tr\0ue"]}, "E_USAGE"),
    ("read", {"path": "../../etc/passwd"}, "E_PATH_ESCAPE"),
    ("read", {"path": "../../etc/passwd", "snapshot": None}, "E_PATH_ESCAPE"),
    ("read", {"path": "/etc/passwd", "snapshot": None}, "E_PATH_ESCAPE"),
    ("read", {"path": "missing"}, "E_PATH_NOT_FOUND"),
    ("read", {"path": "notes.txt", "limit": 10_000_000}, "E_USAGE"),
    ("ls", {"path": "../.."}, "E_PATH_ESCAPE"),
    ("restore", {"snapshot": "HEAD", "to": "elsewhere"}, "E_USAGE"),
    ("restore", {"snapshot": "HEAD", "path": "notes.txt", "name": "new"}, "E_USAGE"),
    ("restore", {"snapshot": "HEAD", "path": "notes.txt"}, "E_ALREADY_EXISTS"),
    ("restore", {"snapshot": "HEAD", "path": "notes.txt", "to": "../../out"}, "E_PATH_ESCAPE"),
    ("worktree_remove", {"name": "main"}, "E_USAGE"),
    ("worktree_remove", {"name": "../main"}, "E_WORKTREE_NOT_FOUND"),
    ("delete_everything", {}, "E_USAGE"),
]


async def test_wrong_and_hostile_input_is_refused_in_the_contract_s_words(repo: Repository) -> None:
    async with client(repo) as connected:
        for name, arguments, code in WRONG:
            assert (name, error(await connected.call_tool(name, arguments))) == (name, code)
        assert [item["note"] for item in (await ask(connected, "history"))["items"]] == ["base"]
    assert [info.name for info in repo.worktrees.all()] == ["main"]


async def test_a_command_that_takes_too_long_or_says_too_much_is_bounded(repo: Repository) -> None:
    async with client(repo) as connected:
        slow = await ask(connected, "sandbox", command=["sleep", "60"], timeout_s=1)
        assert (slow["stopped"], slow["exit_status"]) == ("timeout", 143)
        loud = await ask(connected, "sandbox", command=[sys.executable, "-c", "print('x' * 100_000)"])
        assert loud["output_truncated"]
        assert len(loud["output"]) == 32_768
        assert loud["output_left_out"] == {"output": 100_001 - 32_768, "errors": 0}
    assert [info.name for info in repo.worktrees.all()] == ["main"]


async def test_output_without_end_is_kept_nowhere(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder for temporary files cannot be written, so nothing can be put there."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    async with client(repo) as connected:
        endless = await ask(connected, "sandbox", command=["yes"], timeout_s=1)
    assert endless["stopped"] == "timeout"
    assert (len(endless["output"]), endless["output_left_out"]["output"] > 0) == (32_768, True)


async def test_nothing_that_a_command_started_outlives_it(repo: Repository) -> None:
    script = "(trap '' TERM; exec setsid sleep 61) >/dev/null 2>&1 & setsid setsid sleep 61 & echo started"
    async with client(repo) as connected:
        ended = await ask(connected, "sandbox", command=["sh", "-c", script])
        assert (ended["exit_status"], ended["output"], ended["stopped"]) == (0, "started\n", None)
        await anyio.to_thread.run_sync(wait_until_alone, repo)


async def test_a_long_answer_says_how_much_was_left_out(repo: Repository) -> None:
    for number in range(700):
        (repo.root / "main" / f"file-{number:03d}").touch()
    repo.snapshot("many", lock=True)
    for number in range(60):
        repo.snapshot(f"{number} " + "n" * 9_000, lock=True)
    async with client(repo) as connected:
        changed = await ask(connected, "compare", before="HEAD~61", after="HEAD~60")
        assert (len(changed["added"]), changed["counts"]["added"]) == (500, 700)
        assert changed["left_out"] == {"added": 200}
        listed = await ask(connected, "history", limit=200)
    assert len(listed["items"]) == 62
    assert listed["left_out"]["items[0].note"] + len(listed["items"][0]["note"]) == 9_003


async def test_an_agent_looks_at_one_file_and_brings_it_back(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "data").mkdir()
    (main / "data" / "long.txt").write_text("zwölf\n" * 10_000)
    (main / "data" / "raw.bin").write_bytes(bytes(range(256)))
    (main / os.fsdecode(b"not-utf8-\xff")).touch()
    repo.snapshot("with data", lock=True)
    (main / "notes.txt").unlink()
    (main / "data" / "raw.bin").unlink()
    async with client(repo) as connected:
        now = await ask(connected, "status")
        assert (now["removed"], now["counts"]["removed"]) == (["data/raw.bin", "notes.txt"], 2)
        assert (await ask(connected, "show"))["note"] == "with data"
        top = await ask(connected, "ls", limit=2)
        assert ([item["path"] for item in top["items"]], top["total"], top["next_offset"]) == (
            ["data", "not-utf8-\\udcff"],
            3,
            2,
        )
        assert (await ask(connected, "read", path="notes.txt"))["content"] == "notes"
        text = ""
        offset: int | None = 0
        while offset is not None:
            part = await ask(connected, "read", path="data/long.txt", offset=offset)
            text, offset = text + part["content"], part["next_offset"]
        assert text == "zwölf\n" * 10_000
        raw = await ask(connected, "read", path="data/raw.bin")
        assert (raw["encoding"], base64.b64decode(raw["content"])) == ("base64", bytes(range(256)))
        here = await ask(connected, "read", path="data/long.txt", snapshot=None, limit=3)
        assert (here["content"], here["next_offset"]) == ("zw", 2)
        await ask(connected, "restore", snapshot="HEAD", path="notes.txt")
        await ask(connected, "restore", snapshot="HEAD", path="data", to="data-then")
        assert read(str(main), "notes.txt") == "notes"
        assert sorted(os.listdir(main / "data-then")) == ["long.txt", "raw.bin"]


async def test_worktrees_are_listed_and_removed_unless_work_would_be_lost(repo: Repository) -> None:
    async with client(repo) as connected:
        made = await ask(connected, "restore", snapshot="HEAD", name="tried")
        listed = await ask(connected, "worktree_list")
        assert [item["name"] for item in listed["items"]] == ["main", "tried"]
        new = repo.root / "worktrees" / "tried" / "new.txt"
        assert made["path"] == str(new.parent)
        new.touch()
        refused = await connected.call_tool("worktree_remove", {"name": "tried"})
        assert error(refused) == "E_UNSAVED_CHANGES"
        new.unlink()
        await ask(connected, "worktree_remove", name="tried")
        assert len((await ask(connected, "worktree_list"))["items"]) == 1


async def test_one_path_in_place_keeps_the_present_first(repo: Repository) -> None:
    (repo.root / "main" / "notes.txt").write_text("changed")
    async with client(repo, "--allow-inplace") as connected:
        await ask(connected, "restore_inplace", snapshot="HEAD", path="notes.txt", reason="back")
        assert read(str(repo.root), "main", "notes.txt") == "notes"
        before = await ask(connected, "read", path="notes.txt", snapshot="HEAD")
        assert before["content"] == "changed"


async def test_files_of_snapshots_are_resources(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "a #?%.txt").write_text("odd")
    (main / "raw.bin").write_bytes(b"\0\xff")
    (main / "large.txt").write_text("x" * 300_000)
    for number in range(250):
        (main / f"file-{number:03d}").touch()
    taken = repo.snapshot("files", lock=True)
    async with client(repo) as connected:
        first = await connected.list_resources()
        second = await connected.list_resources(cursor=first.next_cursor)
        assert (len(first.resources), len(second.resources), second.next_cursor) == (200, 54, None)
        by_name = {found.name: found for found in (*first.resources, *second.resources)}
        assert by_name["a #?%.txt"].uri == f"jvs://{taken.snapshot_id}/a%20%23%3F%25.txt"
        (text,) = (await connected.read_resource(by_name["a #?%.txt"].uri)).contents
        assert text.model_dump()["text"] == "odd"
        (raw,) = (await connected.read_resource("jvs://HEAD/raw.bin")).contents
        assert base64.b64decode(raw.model_dump()["blob"]) == b"\0\xff"
        (template,) = (await connected.list_resource_templates()).resource_templates
        assert template.uri_template == "jvs://{snapshot}/{+path}"
        for uri, why in (
            ("jvs://HEAD/large.txt", "300,000 bytes"),
            ("jvs://HEAD/../../etc/passwd", "out"),
            ("jvs://HEAD/%2e%2e/%2e%2e/etc/passwd", "out"),
            ("jvs://nowhere/notes.txt", "nowhere"),
            ("file:///etc/passwd", "not a file of a snapshot"),
            ("jvs://HEAD/", "not a file of a snapshot"),
        ):
            with pytest.raises(MCPError, match=why):
                await connected.read_resource(uri)
        with pytest.raises(MCPError) as refused:
            await connected.read_resource(f"jvs://{'x' * 100_000}/notes.txt")
        assert len(json.dumps(refused.value.error.model_dump())) < 80_000
        with pytest.raises(MCPError, match="not a cursor"):
            await connected.list_resources(cursor="HEAD:-1")


async def test_long_work_says_how_far_it_is(repo: Repository) -> None:
    told: list[tuple[float, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async with client(repo) as connected:
        await connected.call_tool("sandbox", {"command": ["sleep", "2.5"]}, progress_callback=listen)
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})
    assert any(message and message.startswith("running: 1 of 600") for _, message in told)


async def test_over_http_only_who_has_the_token_is_served(repo: Repository) -> None:
    token = "0123456789abcdef" * 2
    async with serving(repo, token) as (address, process):
        assert await statuses(address, token) == {
            "none": 401,
            "wrong": 401,
            "twice": 401,
            "other host": 421,
            "other origin": 403,
        }
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as web,
            Client(streamable_http_client(address, http_client=web)) as connected,
        ):
            assert len((await connected.list_tools()).tools) == len(SAFE)
            ran = await ask(connected, "sandbox", command=["env"])
            assert ran["exit_status"] == 0
            assert token not in ran["output"]
            (text,) = (await connected.read_resource("jvs://HEAD/notes.txt")).contents
            assert text.model_dump()["text"] == "notes"
        process.send_signal(signal.SIGINT)
        assert await anyio.to_thread.run_sync(process.wait) == 130


@asynccontextmanager
async def serving(repo: Repository, token: str) -> AsyncIterator[tuple[str, subprocess.Popen[str]]]:
    """Run ``jvs mcp --http`` and give out its address."""
    command = [sys.executable, "-m", "jvs_core.cli", "--repo", str(repo.root), "mcp", "--http", "0"]
    process = subprocess.Popen(  # noqa: ASYNC220 - it only starts
        command, env={**os.environ, "JVS_MCP_TOKEN": token}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        line = await anyio.to_thread.run_sync(process.stderr.readline)
        yield line.removeprefix("jvs mcp: ").strip(), process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


async def statuses(address: str, token: str) -> dict[str, int]:
    """Return the status of requests that are to be refused."""
    right = ("Authorization", f"Bearer {token}")
    requests = {
        "none": [],
        "wrong": [("Authorization", f"Bearer {token}0")],
        "twice": [right, right],
        "other host": [right, ("Host", "evil.example")],
        "other origin": [right, ("Origin", "http://evil.example")],
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = ("Accept", "application/json, text/event-stream")
    found = {}
    async with httpx2.AsyncClient() as web:
        for name, headers in requests.items():
            found[name] = (await web.post(address, headers=[*headers, accept], json=body)).status_code
    return found


def test_a_port_that_is_taken_and_a_token_that_is_short_are_refused(repo: Repository) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port, token, why in (
            (taken.getsockname()[1], "x" * 32, "cannot listen"),
            (0, "short", "the token"),
        ):
            command = [
                sys.executable,
                "-m",
                "jvs_core.cli",
                "--repo",
                str(repo.root),
                "mcp",
                "--http",
                str(port),
            ]
            ended = subprocess.run(
                command,
                env={**os.environ, "JVS_MCP_TOKEN": token},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (ended.returncode, why in ended.stderr, ended.stderr.count("E_USAGE")) == (2, True, 1)


async def test_a_cancelled_call_ends_its_command_and_its_sandbox(repo: Repository) -> None:
    async with client(repo) as connected:
        with anyio.move_on_after(1.5):
            await connected.call_tool("sandbox", {"command": ["sleep", "61"]})
        await anyio.to_thread.run_sync(wait_until_alone, repo)


async def test_a_server_that_is_told_to_end_clears_its_sandboxes_away(repo: Repository) -> None:
    """As the official client ends one: the input ends, and two seconds later comes SIGTERM."""
    command = [sys.executable, "-m", "jvs_core.cli", "--repo", str(repo.root), "mcp"]
    script = "trap '' TERM; setsid sleep 61 & sleep 61"
    call = {"name": "sandbox", "arguments": {"command": ["sh", "-c", script]}}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]

    def talk() -> tuple[int, str]:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        for line in lines:
            process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        while len(repo.worktrees.all()) == 1:
            time.sleep(0.05)
        time.sleep(1)
        process.stdin.close()
        time.sleep(0.5)
        process.terminate()
        assert process.stderr is not None
        said = process.stderr.read()
        process.stderr.close()
        return process.wait(), said

    status, said = await anyio.to_thread.run_sync(talk)
    assert "Traceback" not in said
    assert status in (0, 143)
    await anyio.to_thread.run_sync(wait_until_alone, repo)


async def test_another_holder_is_named(repo: Repository) -> None:
    repo.locks.acquire()
    async with client(repo) as connected:
        with anyio.fail_after(60):
            result = await connected.call_tool("snapshot", {})
    assert error(result) == "E_LOCK_CONFLICT"
    assert result.structured_content is not None
    assert repo.settings.holder_id in result.structured_content["error"]["message"]


def test_json_is_not_for_it(repo: Repository) -> None:
    command = [sys.executable, "-m", "jvs_core.cli", "--json", "--repo", str(repo.root), "mcp"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "E_USAGE" in ended.stdout
