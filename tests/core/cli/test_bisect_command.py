"""``jvs bisect run``, with real commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.core.cli.conftest import Jvs
from tests.support.source import PYTHONPATH


@pytest.fixture
def made(repo: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return eight snapshots; the fifth breaks ``check.sh``."""
    monkeypatch.chdir(repo / "main")
    repository = Repository.open(".")
    found = []
    for number in range(8):
        Path("check.sh").write_text(f"# {number}\nexit {int(number >= 5)}\n")
        found.append(repository.snapshot(f"number {number}", lock=True).snapshot_id)
    return found


def answered(*args: str, status: int = 0) -> Any:
    """Return the JSON of ``jvs bisect run``, whose command has streams of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "jvs_core.cli", "--json", "bisect", "run", *args],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def test_the_first_bad_snapshot_is_named(jvs: Jvs, made: list[str]) -> None:
    found = jvs("bisect", "run", made[0], "HEAD", "--", "sh", "check.sh")
    assert found.first == f"First bad snapshot: {made[5]}  " + found.first.partition("  ")[2]
    assert "number 5" in found.out
    answer = answered(made[0], "HEAD", "--", "sh", "check.sh")
    assert answer["first_bad"] == made[5]
    assert {item["verdict"] for item in answer["tried"]} == {"good", "bad"}
    assert set(answer) == {"first_bad", "tried"}


def test_125_skips_and_only_skipped_ones_left_is_status_2(jvs: Jvs, made: list[str]) -> None:
    script = "grep -q -E '# (4|5)' check.sh && exit 125; sh check.sh"
    answer = answered(made[0], "HEAD", "--", "sh", "-c", script, status=2)
    assert answer["first_bad"] is None
    assert "skip" in {item["verdict"] for item in answer["tried"]}
    left = jvs("bisect", "run", made[0], "HEAD", "--", "sh", "-c", script, status=2).out
    assert [name for name in made if name in left] == made[4:7]


def test_wrong_calls_are_refused(jvs: Jvs, made: list[str]) -> None:
    assert "does not come before" in jvs("bisect", "run", "HEAD", made[0], "--", "true", status=2).err
    assert "no such command" in jvs("bisect", "run", made[0], "HEAD", "--", "no-such-command", status=2).err
    jvs("bisect", "run", made[0], "HEAD", status=2)
    jvs("bisect", "run", "nothing", "HEAD", "--", "true", status=3)


def test_a_command_that_says_nothing_stops_the_search(jvs: Jvs, made: list[str]) -> None:
    done = jvs("bisect", "run", made[0], "HEAD", "--", "sh", "-c", "exit 200", status=200)
    assert "is no verdict on a snapshot" in done.err


def test_ctrl_c_ends_it_and_the_next_call_goes_on(made: list[str], repo: Path, tmp_path: Path) -> None:
    tried, go = tmp_path / "tried", tmp_path / "go"
    script = f"head -n 1 check.sh >> {tried}; test -e {go} || [ $(wc -l < {tried}) -lt 2 ] || sleep 60; sh check.sh"
    line = [sys.executable, "-m", "jvs_core.cli", "bisect", "run", made[0], "HEAD", "--", "sh", "-c", script]
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    child = subprocess.Popen(line, env=environment, start_new_session=True, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not tried.exists() or tried.read_text().count("\n") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 130
    go.touch()
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert f"First bad snapshot: {made[5]}" in done.stdout
    assert "(before)" in done.stderr
    assert [info.name for info in Repository.open(repo).worktrees.all()] == ["main"]
