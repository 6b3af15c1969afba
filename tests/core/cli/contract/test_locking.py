"""Who holds the lock and who does not: every command that needs it answers in the same way."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Jvs, process
from tests.core.cli.contract.conftest import Scene, run_out, taken_over
from tests.support.metadata import metadata_of

IN_PLACE = ["--inplace", "--force", "--reason", "why"]
NEED_THE_LOCK = [
    ["snapshot", "x"],
    ["restore", "HEAD~1", *IN_PLACE],
    ["restore", "HEAD~1", "--path", "a.txt", *IN_PLACE],
    ["undo"],
    ["lock", "renew"],
    ["lock", "release"],
]


def answers(scene: Scene) -> set[str]:
    """Return the codes with which the commands that need the lock are refused; nothing may be written."""
    before = metadata_of(scene.root)
    codes = {scene.jvs(*line, "--json", status=4).error["code"] for line in NEED_THE_LOCK}
    assert metadata_of(scene.root) == before
    return codes


def test_a_lease_that_ran_out_is_expired_for_every_command(scene: Scene) -> None:
    run_out(scene)
    assert scene.jvs("lock", "status").first == "Lock state: expired"
    assert answers(scene) == {"E_LOCK_EXPIRED"}


def test_a_lock_taken_over_is_a_fencing_mismatch_for_every_command(scene: Scene) -> None:
    scene.jvs("restore", "HEAD~1", *IN_PLACE)
    scene.jvs("restore", scene.ids[1], *IN_PLACE)
    taken_over(scene)
    assert answers(scene) == {"E_FENCING_MISMATCH"}
    assert scene.jvs("audit", "log", "--json").json[0]["operation"] in ("lock_acquire", "lock_steal")


def test_a_lock_of_another_session_is_not_held_for_every_command(scene: Scene) -> None:
    scene.session("other")
    assert answers(scene) == {"E_LOCK_NOT_HELD"}


def test_without_any_lock_the_hint_says_how_to_get_one(scene: Scene) -> None:
    scene.jvs("lock", "release")
    assert answers(scene) == {"E_LOCK_NOT_HELD"}
    shown = scene.jvs("snapshot", "x", status=4)
    assert shown.err.splitlines()[1] == "hint: jvs lock acquire"


@pytest.mark.parametrize("ms", ["999", "86400001", "0", "-1", "1e3", ""])
def test_a_lease_lasts_a_second_to_a_day(jvs: Jvs, repo: Path, ms: str) -> None:
    assert jvs("lock", "acquire", f"--lease-ms={ms}", "--json", status=2).error["code"] == "E_USAGE"
    for fine in (1_000, 86_400_000):
        assert jvs("lock", "acquire", f"--lease-ms={fine}", "--json").json["lease_duration_ms"] == fine
        jvs("lock", "release")


@pytest.mark.slow
def test_lock_run_holds_the_lock_for_a_command_and_has_its_status(jvs: Jvs, repo: Path) -> None:
    inner = [sys.executable, "-m", "jvs_core.cli"]
    ended = process("lock", "run", "--", *inner, "lock", "status", cwd=repo / "main")
    assert ended.first == "Lock state: held"
    process("lock", "run", "--", *inner, "snapshot", "inside", cwd=repo / "main")
    assert jvs("history", "--json").json[0]["note"] == "inside"
    assert process("lock", "run", "--", "sh", "-c", "exit 7", cwd=repo / "main", status=7).out == ""
    assert jvs("lock", "status").first == "Lock state: free"


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "\x1b[31m", "é", "x" * 200])
def test_a_session_s_name_is_held_against_a_rule(
    jvs: Jvs, repo: Path, monkeypatch: pytest.MonkeyPatch, private_state: Path, name: str
) -> None:
    before = metadata_of(private_state)
    monkeypatch.setenv("JVS_SESSION", name)
    assert jvs("lock", "acquire", "--json", status=2).error["code"] == "E_NAME_INVALID"
    assert metadata_of(private_state) == before


def test_what_no_snapshot_keeps_is_named_and_nothing_hangs(jvs: Jvs, repo: Path) -> None:
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind("plug")
        shown = jvs("snapshot", "--lock")
        assert "plug" in shown.err
        made = jvs("snapshot", "--lock", "--json")
        assert any("plug" in loss for loss in made.json["degraded"])
        assert jvs("status", "--json").json["clean"] is True
    for line in (["cat", "HEAD", "pipe"], ["cat", "HEAD", "plug"]):
        assert jvs(*line, "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"
    os.unlink("pipe")
    jvs("restore", "HEAD", "--path", "pipe")
    assert Path("pipe").is_fifo()


def test_a_file_that_cannot_be_read_is_named_before_anything_is_written(
    jvs: Jvs, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("secret.txt").write_text("mine")
    jvs("lock", "acquire")
    opened = os.open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> int:
        if os.fsencode(path).endswith(b"secret.txt"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return opened(path, *args, **kwargs)

    before = metadata_of(repo)
    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        found = jvs("snapshot", "--json", status=7).error
    assert (found["code"], "secret.txt" in found["message"]) == ("E_UNSUPPORTED_FILE", True)
    left = metadata_of(repo)
    assert {path for path in left if left[path].kind != "directory"} == {
        path for path in before if before[path].kind != "directory"
    }
    assert jvs("doctor", "--strict").first == "Repository is healthy."
