from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from jvs_core import Repository

pytestmark = pytest.mark.anyio

SAFE = ["snapshot", "history", "find", "compare", "restore", "sandbox", "verify"]


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
    assert [tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint] == [
        "history",
        "find",
        "compare",
        "verify",
    ]
    assert not any(tool.annotations and tool.annotations.destructive_hint for tool in tools)


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


async def test_a_cancelled_call_ends_its_command_and_its_sandbox(repo: Repository) -> None:
    async with client(repo) as connected:
        with anyio.move_on_after(1.5):
            await connected.call_tool("sandbox", {"command": ["sleep", "61"]})
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
