"""Paths of any bytes through every command: one line each in text, escapes in JSON, back to the same bytes."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from tests.core.cli.conftest import Jvs
from tests.support.damage import overwrite

# What is on disk, as JSON has it, and as a line of text shows it.
NAMES = {
    b"new\nline": ("new\nline", "new\\nline"),
    b"esc\x1b[31mred": ("esc\x1b[31mred", r"esc\x1b[31mred"),
    b"\x80\xff": ("\udc80\udcff", "\udc80\udcff"),
    b"tab\there": ("tab\there", r"tab\there"),
    "é\u202egnp.exe".encode(): ("é\u202egnp.exe", r"é\u202egnp.exe"),
    "e\u0301".encode(): ("e\u0301", "e\u0301"),
    b"-rf": ("-rf", "-rf"),
    b" q\"u\\o'te ": (" q\"u\\o'te ", " q\"u\\o'te "),
    b"--json": ("--json", "--json"),
}
AS_JSON = sorted(
    (shown[0] for shown in NAMES.values()), key=lambda name: name.encode("utf-8", "surrogateescape")
)


@pytest.fixture
def hostile(repo: Path, jvs: Jvs) -> str:
    """Return a snapshot of files with those names alone."""
    for path in ("a.txt", "data/b.csv"):
        Path(path).unlink()
    Path("data").rmdir()
    for name in NAMES:
        Path(os.fsdecode(name)).write_bytes(name)
    found: str = jvs("snapshot", "--lock", "--json").json["snapshot_id"]
    return found


def test_they_are_listed_by_every_command_in_json(jvs: Jvs, repo: Path, hostile: str) -> None:
    assert [entry["path"] for entry in jvs("ls", "HEAD", "--json").json] == AS_JSON
    for name in NAMES:
        os.unlink(name)
    assert jvs("status", "--json").json["removed"] == AS_JSON
    assert jvs("compare", "HEAD", "--json").json["removed"] == AS_JSON
    assert jvs("show", "HEAD", "--json").json["files"] == len(NAMES)
    payload = repo / ".jvs/snapshots" / hostile / "payload"
    for name in NAMES:
        overwrite(payload / os.fsdecode(name), b"!")
    found = jvs("verify", hostile, "--json", status=5)
    assert found.json["snapshots"][0]["damaged_paths"] == AS_JSON
    assert r"\udc80\udcff" in found.out
    assert found.out.isascii()


def test_each_is_a_line_of_text_that_drives_no_terminal(jvs: Jvs, repo: Path, hostile: str) -> None:
    lines = {shown for _, shown in NAMES.values()}
    listed = jvs("ls", "HEAD").out.splitlines()
    assert len(listed) == len(NAMES)
    assert all(any(line.endswith("Z  " + shown.rstrip()) for line in listed) for shown in lines)
    for name in NAMES:
        os.unlink(name)
    for shown in (jvs("status").out, jvs("compare", "HEAD").out):
        assert {line[2:] for line in shown.splitlines() if line.startswith("- ")} == lines
        assert "\x1b" not in shown
    payload = repo / ".jvs/snapshots" / hostile / "payload"
    for name in NAMES:
        overwrite(payload / os.fsdecode(name), b"!")
    verified = jvs("verify", status=5).out
    assert lines <= {line[4:] for line in verified.splitlines()}
    refused = jvs("restore", "HEAD", status=5)
    assert refused.err.startswith("jvs: E_PAYLOAD_HASH_MISMATCH: ")
    assert len(refused.err.splitlines()) == 2


def test_they_are_given_back_byte_by_byte(jvs: Jvs, repo: Path, hostile: str) -> None:
    for name, (text, _) in NAMES.items():
        given = os.fsdecode(name)
        os.unlink(name)
        found = jvs("restore", "HEAD", f"--path={given}", "--json").json
        assert found["path"] == f"{repo}/main/{text}"
        assert Path(given).read_bytes() == name
        assert jvs("cat", "HEAD", "--", given).out.encode("utf-8", "surrogateescape") == name
        assert base64.b64decode(jvs("--json", "cat", "HEAD", "--", given).json["content_base64"]) == name
        assert jvs("restore", "HEAD", f"--path={given}", status=4).err.startswith("jvs: E_ALREADY_EXISTS: ")
    made = jvs("restore", "HEAD", "--json").json
    assert sorted(os.listdir(os.fsencode(made["path"]))) == sorted(NAMES)
    assert jvs("status", "--json").json["clean"] is True


def test_notes_tags_and_reasons_drive_no_terminal_either(jvs: Jvs, repo: Path) -> None:
    jvs("snapshot", "red \x1b[31m\nnote", "--tag", "tag é", "--lock")
    jvs("annotate", "HEAD", "--note", "red \x1b[31m\nnote again", "--add-tag", "tag ü")
    jvs("lock", "acquire", "--purpose", "für später")
    jvs("restore", "HEAD", "--inplace", "--force", "--reason", "why\x1b[0m\u202e")
    jvs("ref", "create", "r", "HEAD", "--note", "\x07bell")
    jvs("gc", "pin", "HEAD", "--reason", "\x1b]0;title\x07")
    for line in (
        ["history"],
        ["history", "-v"],
        ["annotate", "HEAD", "--add-tag", "more"],
        ["show", "HEAD"],
        ["audit", "log"],
        ["ref", "list"],
        ["gc", "pins"],
    ):
        shown = jvs(*line)
        assert not set("\x1b\x07\u202e") & set(shown.out + shown.err), line
    assert jvs("history", "--json").json[0]["note"] == "red \x1b[31m\nnote again"
    for line in (["snapshot", "\udcff", "--lock"], ["ref", "create", "s", "HEAD", "--note", "\udc80"]):
        assert jvs(*line, "--json", status=2).error["code"] == "E_USAGE"


def test_what_is_no_file_is_listed_as_the_contract_says(jvs: Jvs, repo: Path) -> None:
    os.mkfifo("pipe")
    os.symlink("a.txt", "link")
    for folder in ("empty", "chmod", "full"):
        os.mkdir(folder)
    Path("full/x").write_text("")
    made = jvs("snapshot", "--lock", "--json").json
    assert (made["files"], made["bytes"], made["degraded"]) == (3, 12, [])
    kinds = {entry["path"]: entry["type"] for entry in jvs("ls", "HEAD", "--json").json}
    assert (kinds["pipe"], kinds["link"], kinds["empty"]) == ("fifo", "symlink", "directory")

    os.utime("a.txt", (1, 1))
    os.utime("full", (1, 1))
    assert jvs("status", "--json").json["clean"] is True

    os.unlink("link")
    os.symlink("b", "link")
    os.chmod("pipe", 0o600)
    os.chmod("chmod", 0o700)
    os.chmod("full/x", 0o600)
    os.rmdir("empty")
    os.makedirs("new/inner")
    os.makedirs("made")
    Path("made/file").write_text("")
    found = jvs("status", "--json").json
    assert found["added"] == ["made/file", "new/inner/"]
    assert found["modified"] == ["chmod/", "full/x", "link", "pipe"]
    assert found["removed"] == ["empty/"]
    assert {"- empty/", "~ chmod/", "+ new/inner/"} <= set(jvs("compare", "HEAD").out.splitlines())

    os.unlink("a.txt")
    os.mkdir("a.txt")
    assert "a.txt" in jvs("status", "--json").json["removed"] + jvs("status", "--json").json["modified"]


def test_the_top_folder_keeps_its_own_mode_and_time(jvs: Jvs, repo: Path) -> None:
    os.chmod(repo / "main", 0o750)
    os.utime(repo / "main", ns=(1, 1_500_000_000_123_456_789))
    jvs("snapshot", "--lock")
    made = Path(jvs("restore", "HEAD", "--json").json["path"]).stat()
    assert (stat.S_IMODE(made.st_mode), made.st_mtime_ns) == (0o750, 1_500_000_000_123_456_789)
