from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.conftest import Jvs, process

SCRIPT = "import pathlib, sys; pathlib.Path('made.txt').write_text('made'); print('working'); sys.exit(7)"


def test_the_command_runs_in_its_own_worktree_and_its_status_counts(
    jvs: Jvs, repo: Path, take: Callable[..., str]
) -> None:
    base = take("base")
    ended = process(
        "sandbox",
        "run",
        "--from",
        base,
        "--json",
        "--",
        sys.executable,
        "-c",
        SCRIPT,
        cwd=repo / "main",
        status=7,
    )
    assert ended.json == {
        "worktree": ended.json["worktree"],
        "path": str(repo / "worktrees" / ended.json["worktree"]),
        "base_snapshot_id": base,
        "snapshot_id": ended.json["snapshot_id"],
        "exit_status": 7,
        "kept": False,
    }
    assert "working" in ended.err
    assert jvs("cat", ended.json["snapshot_id"], "made.txt").out == "made"
    assert not Path("made.txt").exists()
    assert [row["name"] for row in jvs("worktree", "list", "--json").json] == ["main"]


def test_text_output_is_the_command_s_own(repo: Path, take: Callable[..., str]) -> None:
    take("base")
    ended = process("sandbox", "run", "--keep", "--", "echo", "hello", cwd=repo / "main")
    assert ended.out == "hello\n"
    assert re.search(r"^Created snapshot \d{13}-[0-9a-f]{8}$", ended.err, re.MULTILINE)
    assert "Kept" in ended.err


@pytest.mark.slow
def test_commands_inside_use_the_sandbox_s_lock(jvs: Jvs, repo: Path, take: Callable[..., str]) -> None:
    take("base")
    inner = [sys.executable, "-m", "jvs_core.cli", "snapshot", "inside"]
    ended = process("sandbox", "run", "--json", "--", *inner, cwd=repo / "main")
    shown = jvs("show", ended.json["snapshot_id"], "--json").json
    assert jvs("show", shown["parent_snapshot_id"], "--json").json["note"] == "inside"


def test_what_cannot_run_leaves_no_worktree(jvs: Jvs, repo: Path, take: Callable[..., str]) -> None:
    take("base")
    for command in ("no-such-command", "./no-such-script"):
        assert "cannot run" in jvs("sandbox", "run", "--", command, status=2).err
    assert jvs("sandbox", "run", "--from", "nowhere", "--", "true", status=3).err.startswith(
        "jvs: E_SNAPSHOT_NOT_FOUND"
    )
    assert [row["name"] for row in jvs("worktree", "list", "--json").json] == ["main"]


@pytest.mark.slow
def test_nothing_that_a_command_started_outlives_its_sandbox(repo: Path, take: Callable[..., str]) -> None:
    take("base")
    script = "setsid sh -c 'trap \"\" TERM; sleep 623' >/dev/null 2>&1 & echo started"
    ended = process("sandbox", "run", "--", "sh", "-c", script, cwd=repo / "main")
    assert ended.out == "started\n"
    assert "Ended what sh left running: " in ended.err
    assert (
        subprocess.run(["pgrep", "-f", "^sleep 623$"], check=False, stdout=subprocess.DEVNULL).returncode == 1
    )
