"""Odd surroundings of the command: limits, signals, variables, missing file systems. No lock is left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Ended, Jvs, environment, start
from tests.core.cli.test_streams import shell

pytestmark = pytest.mark.slow
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: root only")


def refused(ended: Ended, code: str, *words: str) -> None:
    assert ended.err.startswith(f"jvs: {code}: "), ended
    assert all(word in ended.err for word in words), ended
    assert "hint: " in ended.err


def free(jvs: Jvs) -> bool:
    return bool(jvs("lock", "status", "--json").json["state"] == "free")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_ends_a_command_leaves_no_lock(repo: Path, jvs: Jvs, number: signal.Signals) -> None:
    """The command waits where it would show progress, so that it is told to end in the middle of its work."""
    script = (
        "import os, sys\n"
        "from jvs_core.cli import __main__, main\n"
        "class Waiting:\n"
        "    def started(self, step, total=None):\n"
        "        print(step, flush=True)\n"
        "        while step == 'clone': sys.stdin.read(1)\n"
        "    def advanced(self, amount=1): ...\n"
        "    def finished(self, step): ...\n"
        "main._drawn_progress = lambda finish: Waiting()\n"
        "sys.argv = ['jvs', 'snapshot', '--lock']\n"
        "sys.exit(__main__.main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=repo / "main",
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert "clone\n" in iter(child.stdout.readline, "")
        child.send_signal(number)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 128 + number
    assert "nothing is half done" in err
    assert free(jvs)
    assert jvs("history", "--json").json == []
    assert jvs("doctor", "--strict").first == "Repository is healthy."


def test_a_signal_that_is_ignored_stays_ignored(repo: Path, jvs: Jvs) -> None:
    assert shell("trap '' HUP; jvs lock run -- sh -c 'kill -HUP $PPID; echo on'", repo / "main").out == "on\n"


@pytest.mark.parametrize("variable", ["JVS_STATE_DIR", "JVS_CACHE_DIR", "JVS_CONFIG_DIR"])
def test_a_folder_that_a_variable_names_must_be_absolute(
    jvs: Jvs, repo: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "relative")
    refused(jvs("trust", "--list", status=2), "E_USAGE", variable, "absolute")


def test_limits_of_the_process_are_named(jvs: Jvs, repo: Path) -> None:
    Path("big").write_bytes(os.urandom(3_000_000))
    refused(
        shell("ulimit -f 1000; jvs snapshot --lock 2>&1 >/dev/null | cat >&2", repo / "main"),
        "E_ENGINE_FAILED",
        "big",
        "ulimit -f",
    )
    refused(shell("ulimit -v 60000; jvs snapshot --lock", repo / "main"), "E_ENGINE_FAILED", "ulimit -v")
    assert free(jvs)
    assert jvs("doctor", "--json").json["healthy"] is True
    assert shell("ulimit -n 12; jvs snapshot --lock", repo / "main").status == 0


def test_a_file_that_may_not_grow_is_named(jvs: Jvs, repo: Path) -> None:
    ended = shell("ulimit -f 1; jvs snapshot --lock 2>&1 >/dev/null | cat >&2", repo / "main")
    refused(ended, "E_ENGINE_FAILED", str(repo / ".jvs/locks"), "ulimit -f")
    assert free(jvs)


@needs_root
def test_without_proc_reading_works_and_nothing_is_locked(
    jvs: Jvs, repo: Path, take: Callable[..., str]
) -> None:
    take()
    hidden = 'unshare -m bash -c \'mount -t tmpfs none /proc && "$0" -m jvs_core.cli "$@"\' ' + sys.executable
    assert shell(f"{hidden} status && {hidden} verify && {hidden} history", repo / "main").status == 0
    for line in ("snapshot --lock", "lock acquire", "restore HEAD", "worktree create x"):
        refused(shell(f"{hidden} {line}", repo / "main"), "E_ENGINE_FAILED", "/proc")
    assert free(jvs)
    assert [row["name"] for row in jvs("worktree", "list", "--json").json] == ["main"]


def test_whatever_the_umask_nobody_but_owner_and_group_may_write_what_is_made(tmp_path: Path) -> None:
    ended = shell(
        "umask 000; jvs init r --engine copy -q && cd r/main && echo 1 > f && jvs -q snapshot --lock && jvs ref create a HEAD"
        " && jvs worktree create w && jvs gc plan && jvs lock acquire && jvs lock release",
        tmp_path,
    )
    assert ended.status == 0
    made = [tmp_path / "r", *(tmp_path / "r").rglob("*")]
    own = [
        path for path in made if path.name != "f" and "payload" not in path.parts and not path.is_symlink()
    ]
    assert [path for path in own if path.lstat().st_mode & stat.S_IWOTH] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "1"},
        {"COLUMNS": "no number"},
        {"PYTHONOPTIMIZE": "2"},
        {"TMPDIR": "/missing"},
        {"TERM": ""},
        {"TZ": "Nowhere/Else"},
        {"PATH": "/missing"},
        {"PYTHONWARNINGS": "error"},
    ],
    ids=" ".join,
)
def test_the_story_is_the_same_whatever_the_variables_say(tmp_path: Path, changes: dict[str, str]) -> None:
    def call(*args: str, cwd: Path) -> Any:
        child = start(*args, cwd=cwd, env=environment(**changes))
        out, err = child.communicate(timeout=60)
        assert (child.returncode, b"Warning" in err) == (0, False), (args, err)
        return out.decode("utf-8", "surrogateescape")

    call("init", "r", "--engine", "copy", "-q", cwd=tmp_path)
    main = tmp_path / "r/main"
    (main / "n\udcffé").write_text("1")
    call("snapshot", "nöte", "--lock", cwd=main)
    (main / "n\udcffé").write_text("2")
    assert "~ n" in call("compare", "HEAD", cwd=main)
    call("restore", "HEAD", "--name", "back", cwd=main)
    assert (tmp_path / "r/worktrees/back/n\udcffé").read_text() == "1"
    assert "--keep-within" in call("gc", "plan", "--help", cwd=main)
    assert call("verify", "--all", cwd=main).endswith("records\n")
