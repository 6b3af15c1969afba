"""``jvs compare``: paths, renames, sizes, what changed inside, and the pager."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core.cli import pager
from jvs_core.differences import memory
from tests.core.cli.conftest import Jvs, environment

Take = Callable[..., str]


@pytest.fixture
def changed(repo: Path, take: Take) -> str:
    """Return a snapshot since which files changed, moved, came and went, also in caches."""
    Path("big.txt").write_text("".join(f"{number}\n" for number in range(100)))
    Path("__pycache__").mkdir()
    Path("__pycache__/a.pyc").write_bytes(b"\0one")
    first = take("first")
    Path("a.txt").write_text("two\n")
    Path("big.txt").rename("moved.txt")
    Path("__pycache__/a.pyc").write_bytes(b"\0two")
    Path("zz.txt").write_text("new\n")
    Path("data/b.csv").write_text("x,y\n1,3\n")
    return first


def test_without_arguments_it_is_the_newest_snapshot_and_now(jvs: Jvs, changed: str) -> None:
    assert jvs("compare").out.splitlines() == [
        "+ zz.txt",
        "~ a.txt",
        "~ data/b.csv",
        "> big.txt → moved.txt",
        "~ __pycache__/a.pyc (cache)",
    ]
    found = jvs("compare", "--json").json
    assert set(found) == {"from", "to", "added", "modified", "removed", "renamed", "caches"}
    assert found["renamed"] == [{"from": "big.txt", "to": "moved.txt"}]
    assert (found["added"], found["removed"]) == (["zz.txt"], [])
    assert found["caches"] == ["__pycache__/a.pyc"]


def test_status_lists_caches_last_and_marked(jvs: Jvs, changed: str) -> None:
    lines = jvs("status").out.splitlines()
    assert lines[-1] == "~ __pycache__/a.pyc (cache)"
    assert jvs("status", "--json").json["caches"] == ["__pycache__/a.pyc"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a.txt"], ["~ a.txt"]),
        (["HEAD", "a.txt"], ["~ a.txt"]),
        (["data"], ["~ data/b.csv"]),
        (["data/"], ["~ data/b.csv"]),
        (["*.txt"], ["+ zz.txt", "~ a.txt", "> big.txt → moved.txt"]),
        (["**/*.csv"], ["~ data/b.csv"]),
        (["big.txt"], ["> big.txt → moved.txt"]),
        (["moved.txt", "zz.txt"], ["+ zz.txt", "> big.txt → moved.txt"]),
        (["HEAD", "--", "HEAD"], []),
        (["--", "a.txt"], ["~ a.txt"]),
    ],
    ids=" ".join,
)
def test_paths_choose(jvs: Jvs, changed: str, arguments: list[str], expected: list[str]) -> None:
    if arguments == ["big.txt"]:
        arguments = ["--", *arguments]
    assert jvs("compare", *arguments).out.splitlines() == expected


def test_a_path_from_the_current_folder(jvs: Jvs, changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("data")
    assert jvs("compare", "./b.csv").out.splitlines() == ["~ data/b.csv"]
    assert jvs("compare", "../a.txt").out.splitlines() == ["~ a.txt"]


def test_what_is_neither_snapshot_nor_path_is_refused(jvs: Jvs, changed: str) -> None:
    for arguments in (["nowhere"], ["HEAD", "nowhere"], ["nowhere", "--", "a.txt"]):
        assert jvs("compare", "--json", *arguments, status=3).error["code"] == "E_SNAPSHOT_NOT_FOUND"
    assert jvs("compare", "--everything", "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("compare", "../../etc", "--json", status=2).error["code"] == "E_PATH_ESCAPE"
    assert jvs("compare", "--json", "HEAD", "HEAD", "a.txt", "--", "b", status=2).error["code"] == "E_USAGE"


def test_stat_has_sizes(jvs: Jvs, changed: str) -> None:
    lines = jvs("compare", "--stat").out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "~ a.txt", "~ data/b.csv", "> big.txt → moved.txt", "+ zz.txt", "~ __pycache__/a.pyc (cache)", "+4 B in all",
    ]  # fmt: skip
    changes = jvs("compare", "--stat", "--json").json["changes"]
    assert [(change["path"], change["kind"], change["detail"]) for change in changes[:2]] == [
        ("a.txt", "text", None),
        ("data/b.csv", "table", None),
    ]
    assert changes[-1]["cache"] is True


def test_patch_shows_what_changed_inside(jvs: Jvs, changed: str) -> None:
    shown = jvs("compare", "--patch", "a.txt", "data").out.splitlines()
    assert shown == [
        "~ a.txt  +1 −1 lines",
        "--- a.txt",
        "+++ a.txt",
        "@@ -1,1 +1,1 @@",
        "-one",
        "+two",
        "",
        "~ data/b.csv  1 row",
        "  1 rows × 2 columns",
        "  ~ row 0: y 2 → 3",
        "  8 B, SHA-256 " + shown[-1].partition("256 ")[2],
    ]
    (change,) = jvs("compare", "-p", "a.txt", "--json").json["changes"]
    assert change["detail"]["hunks"][0]["lines"] == [
        {"op": "-", "text": "one", "old": 1, "new": None, "cut": False},
        {"op": "+", "text": "two", "old": None, "new": 1, "cut": False},
    ]
    both = jvs("compare", "--stat", "--patch", "a.txt").out.splitlines()
    assert both[1:3] == ["+0 B in all", ""]


def test_nothing_in_a_file_drives_the_terminal(jvs: Jvs, changed: str) -> None:
    Path("a.txt").write_text("\x1b]0;title\x07\x1b[2J\u202e\n\tindented\n")
    shown = jvs("compare", "--patch", "a.txt").out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"+\x1b]0;title\x07\x1b[2J\u202e" in shown
    assert "+       indented" in shown


def test_a_damaged_file_says_so_and_the_others_are_told(
    jvs: Jvs, repo: Path, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_found", OrderedDict())
    stored = repo / ".jvs" / "snapshots" / two[0] / "payload" / "a.txt"
    stored.chmod(0o644)
    stored.write_text("bad\n")
    changes = jvs("compare", *two, "--patch", "--json").json["changes"]
    by_path = {change["path"]: change for change in changes}
    assert by_path["a.txt"]["detail"] is None
    assert by_path["a.txt"]["stopped"][0].startswith("E_PAYLOAD_HASH_MISMATCH: ")
    assert by_path["c.txt"]["detail"]["kind"] == "text"


def test_links_modes_and_folders(jvs: Jvs, repo: Path, take: Take) -> None:
    Path("link").symlink_to("a.txt")
    Path("mode").write_text("x")
    Path("kind").write_text("x")
    os.chmod("mode", 0o644)
    take("first")
    Path("link").unlink()
    Path("link").symlink_to("data")
    os.chmod("mode", 0o600)
    Path("kind").unlink()
    Path("kind").symlink_to("a.txt")
    Path("empty").mkdir()
    changes = {change["path"]: change for change in jvs("compare", "--patch", "--json").json["changes"]}
    assert changes["link"]["detail"] == {"kind": "link", "old_target": "a.txt", "new_target": "data"}
    assert (changes["mode"]["words"], changes["mode"]["detail"]) == ("mode 0644 → 0600", None)
    assert (changes["kind"]["kind"], changes["kind"]["words"]) == ("mixed", "−1 line, file → symlink")
    assert changes["empty/"]["kind"] == "folder"


def on_a_terminal(*arguments: str, **changes: str) -> str:
    """Return what the command shows on a terminal."""
    main, end = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "jvs_core.cli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=end,
        stderr=subprocess.DEVNULL,
        env=environment(TERM="xterm", **changes),
    )
    os.close(end)
    found = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:
            break
        if not piece:
            break
        found += piece
    os.close(main)
    assert child.wait() == 0
    return found.decode()


def test_a_terminal_has_colours_and_the_users_pager(changed: str, tmp_path: Path) -> None:
    script = tmp_path / "pager"
    script.write_text('#!/bin/sh\necho "LESS=$LESS"\nsed "s/^/paged: /"\n')
    script.chmod(0o755)
    shown = on_a_terminal("compare", "--patch", "a.txt", JVS_PAGER=str(script), PAGER="false")
    assert "LESS=FRX" in shown
    assert "paged: \x1b[31m-one" in shown
    assert "paged: " in on_a_terminal("compare", "--patch", PAGER=str(script))
    for none in ("", "cat", "/no/such/pager"):
        assert "paged: " not in on_a_terminal("compare", "--patch", JVS_PAGER=none, PAGER=str(script))
    assert "paged: " not in on_a_terminal("compare", PAGER=str(script))
    assert "\x1b[31m" not in on_a_terminal("compare", "--patch", "--no-color", PAGER=str(script))


def test_who_leaves_the_pager_early_ends_the_command(changed: str) -> None:
    Path("moved.txt").write_text("".join(f"{number} more\n" for number in range(200_000)))
    before = time.monotonic()
    assert "two" not in on_a_terminal("compare", "--patch", JVS_PAGER="true")
    assert time.monotonic() - before < 30


def test_no_pager_where_nobody_reads(monkeypatch: pytest.MonkeyPatch, jvs: Jvs, changed: str) -> None:
    monkeypatch.setenv("PAGER", "false")
    assert pager.command() is None
    assert "+two" in jvs("compare", "--patch", "a.txt").out
    assert json.loads(jvs("compare", "--patch", "--json").out)
