"""Where output goes and how it looks: quiet, verbose, colours, JSON, closed pipes."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jvs_core.cli.main import run
from tests.core.cli.conftest import Jvs, environment, start

MODULE = [sys.executable, "-m", "jvs_core.cli"]


def on_a_terminal(cwd: Path, *args: str, **changes: str) -> tuple[str, str]:
    """Run the command with a terminal each as stdout and stderr, and return what they showed."""
    shown = []
    (out, out_end), (err, err_end) = pty.openpty(), pty.openpty()
    child = subprocess.Popen(
        [*MODULE, *args],
        cwd=cwd,
        env=environment(**{"TERM": "xterm", "COLUMNS": "200", **changes}),
        stdin=subprocess.DEVNULL,
        stdout=out_end,
        stderr=err_end,
    )
    os.close(out_end)
    os.close(err_end)
    for ours in (out, err):
        data = b""
        try:
            while chunk := os.read(ours, 65536):
                data += chunk
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        shown.append(data.decode().replace("\r\n", "\n"))
    child.wait(60)
    return shown[0], shown[1]


@pytest.mark.slow
def test_colour_obeys_no_color(repo: Path, two: tuple[str, str]) -> None:
    coloured = on_a_terminal(repo, "history")[0]
    assert "\x1b[" in coloured
    for options, changes in (
        ([], {"NO_COLOR": "1"}),
        (["--no-color"], {}),
        ([], {"TERM": "dumb"}),
    ):
        plain = on_a_terminal(repo, *options, "history", **changes)[0]
        assert "\x1b" not in plain
        assert two[0] in plain
    assert "\x1b[" in on_a_terminal(repo, "show", "none")[1]
    assert on_a_terminal(repo, "show", "none", NO_COLOR="1")[1].startswith("jvs: E_SNAPSHOT_NOT_FOUND: ")
    out, err = on_a_terminal(repo, "history", "--json")
    assert ("\x1b" in out, err) == (False, "")
    assert len(json.loads(out)) == 2


def test_quiet_leaves_advice_out_and_nothing_else(jvs: Jvs, repo: Path) -> None:
    assert jvs("lock", "acquire").err == ""
    jvs("lock", "release")
    assert on_a_terminal(repo, "lock", "acquire")[1] == "release it with: jvs lock release\n"
    jvs("lock", "release")
    assert on_a_terminal(repo, "-q", "lock", "acquire")[1] == ""
    jvs("lock", "release")
    assert "no refs" in jvs("ref", "list").err
    quiet = jvs("-q", "lock", "acquire")
    assert (quiet.first, quiet.err) == ("Lock acquired on worktree 'main'", "")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind("device")
    taken = jvs("-q", "snapshot")
    assert taken.first.startswith("Created snapshot ")
    assert taken.err.startswith("jvs: warning: ")
    assert "device" in taken.err
    assert jvs("show", "none", "-q", status=3).err.startswith("jvs: E_SNAPSHOT_NOT_FOUND: ")
    made = jvs("snapshot", "--json")
    assert any("device" in loss for loss in made.json["degraded"])


@pytest.mark.parametrize("line", [["show", "none"], ["show", "none", "--json"]], ids=" ".join)
def test_only_twice_verbose_shows_the_traceback(
    repo: Path, line: list[str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    capsysbinary.readouterr()
    for options in ([], ["-v"]):
        assert run([*options, *line]) == 3
        assert b"Traceback" not in b"".join(capsysbinary.readouterr())
    for options in (["-v", "-v"], ["-vv"]):
        for args in ([*options, *line], [*line, *options]):
            assert run(args) == 3
            out, err = capsysbinary.readouterr()
            assert err.startswith(b"Traceback (most recent call last):\n")
            assert b"SnapshotNotFound" in err
            assert b"Traceback" not in out
            if "--json" in line:
                assert json.loads(out)["error"]["code"] == "E_SNAPSHOT_NOT_FOUND"


def test_verbose_says_more(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    assert len(jvs("history", "-v").out.splitlines()) > len(jvs("history").out.splitlines())
    assert str(repo) in jvs("-v", "worktree", "list").out


def test_a_reader_that_goes_away_is_no_error(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    Path("big").write_bytes(bytes(1_000_000))
    jvs("snapshot", "--lock")
    for line in (["cat", "HEAD", "big"], ["history", "--json"]):
        with start(*line, cwd=repo) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            child.stdout.close()
            assert child.stderr.read() == b""


def test_json_is_one_document_of_ascii_with_two_spaces_also_on_failure(jvs: Jvs, repo: Path) -> None:
    Path("é").write_text("")
    for line, status in (
        (["status"], 0),
        (["show", "ünknown"], 3),
        (["status", "--no-such"], 2),
        (["no-such"], 2),
    ):
        for asked in (["--json", *line], [*line, "--json"]):
            shown = jvs(*asked, status=status)
            assert shown.out == json.dumps(shown.json, indent=2) + "\n"
            assert shown.err == ""
