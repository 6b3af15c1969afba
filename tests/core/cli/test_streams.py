"""Standard streams that are full, closed, or that nobody reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.conftest import Ended, Jvs, environment, start

pytestmark = pytest.mark.slow


def shell(words: str, cwd: Path, **changes: str) -> Ended:
    """Run ``words``, in which ``jvs`` is the command, in a shell."""
    command = f'jvs() {{ "{sys.executable}" -m jvs_core.cli "$@"; }}; {words}'
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize(("place", "code"), [("/dev/full", "E_NO_SPACE"), ("&-", "E_ENGINE_FAILED")])
def test_output_that_cannot_be_written_is_an_error_on_stderr_that_says_what_was_done(
    repo: Path, jvs: Jvs, options: str, place: str, code: str
) -> None:
    ended = shell(f"jvs {options} snapshot kept --lock >{place}", repo / "main")
    assert ended.status == 7
    taken = jvs("history", "--json").json[0]
    assert taken["note"] == "kept"
    assert ended.err.startswith(f"jvs: {code}: cannot write the output: ")
    assert f"carried out: Created snapshot {taken['snapshot_id']}" in ended.err
    assert jvs("lock", "status", "--json").json["state"] == "free"


@pytest.mark.parametrize(
    "line", ["history", "--help", "--version", "cat HEAD a.txt", "worktree path", "show nosuch --json"]
)
def test_every_kind_of_output_is_missed(repo: Path, take: Callable[..., str], line: str) -> None:
    take()
    ended = shell(f"jvs {line} >/dev/full", repo / "main")
    assert ended.status == (3 if "nosuch" in line else 7)
    assert ended.err.startswith("jvs: E_SNAPSHOT_NOT_FOUND: " if "nosuch" in line else "jvs: E_NO_SPACE: ")


def test_a_closed_stream_is_no_file_of_the_repository(repo: Path, jvs: Jvs) -> None:
    """The number of a closed stream is the next that an opened file gets: what is printed would go there."""
    ended = shell(
        "jvs snapshot one --lock -v <&- >&- 2>&-; jvs nosuch 2>&-; jvs status <&- >/dev/null", repo / "main"
    )
    assert ended.status == 0
    assert jvs("verify", "--all", "--json").json["ok"] is True
    assert jvs("doctor", "--strict").first == "Repository is healthy."


def test_a_reader_that_goes_away_ends_the_command_as_sigpipe_does(
    repo: Path, take: Callable[..., str]
) -> None:
    Path("big").write_bytes(bytes(20_000_000))
    take()
    for line in (["cat", "HEAD", "big"], ["history"], ["history", "--json"], ["--help"]):
        with start(*line, cwd=repo) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            child.stdout.close()
            assert (child.wait(60), child.stderr.read()) == (141, b""), line


def test_stderr_that_cannot_be_written_changes_nothing(repo: Path, take: Callable[..., str]) -> None:
    found = take()
    ended = shell("jvs --json history 2>/dev/full", repo / "main")
    assert (ended.status, json.loads(ended.out)[0]["snapshot_id"]) == (0, found)
    assert shell("jvs show nosuch 2>/dev/full", repo / "main").status == 3


def test_the_path_of_a_worktree_is_exact_for_a_program_and_harmless_on_a_terminal(tmp_path: Path) -> None:
    parent = tmp_path / "es\x1b[31mc\nline\udcff"
    parent.mkdir()
    shell("jvs init r --engine copy", parent)
    main = parent / "r" / "main"
    command = [sys.executable, "-m", "jvs_core.cli", "worktree", "path"]
    done = subprocess.run(command, cwd=main, env=environment(), capture_output=True, check=True)
    assert done.stdout == os.fsencode(main) + b"\n"
    shown = subprocess.run(
        ["script", "-qec", " ".join(command), "/dev/null"],
        cwd=main,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert b"\x1b" not in shown.stdout
    assert rb"es\x1b[31mc\nline\xff/r/main" in shown.stdout
