"""What the commands that change something answer, need, refuse and log."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Jvs
from tests.core.cli.contract.keys import require
from tests.support.metadata import Metadata, but_times, metadata_of

IN_PLACE = ["--inplace", "--force", "--reason", "why"]
Log = Callable[[], list[str]]


@pytest.fixture
def logged(jvs: Jvs) -> Log:
    """Return a function that gives the operations logged since it was last asked, oldest first."""
    seen = 0

    def since() -> list[str]:
        nonlocal seen
        records: list[dict[str, Any]] = jvs("audit", "log", "--json").json
        found = [record["operation"] for record in reversed(records)][seen:]
        seen = len(records)
        return found

    return since


def files_of(root: Path) -> dict[bytes, Metadata]:
    """Return every entry below ``root``, of folders only that they are there: a name tried and given up leaves a time."""
    found = metadata_of(root)
    return {
        path: entry._replace(mtime_ns=0) if entry.kind == "directory" else entry
        for path, entry in found.items()
    }


def test_if_changed_makes_none_where_nothing_changed(jvs: Jvs, repo: Path, logged: Log) -> None:
    made = require(jvs("snapshot", "--if-changed", "-m", "one", "--lock", "--json").json, "snapshot")
    assert (made["note"], made["kind"]) == ("one", "user")
    logged()
    os.utime("a.txt", (1, 1))
    Path("__pycache__").mkdir()
    Path("__pycache__/a.pyc").write_text("made again")
    same = require(jvs("snapshot", "--if-changed", "--lock", "--json").json, "unchanged")
    assert same == {"created": False, "head_snapshot_id": made["snapshot_id"]}
    shown = jvs("snapshot", "again", "--if-changed")  # without the lock: there is nothing to write
    assert shown.out == f"No snapshot made: nothing changed since {made['snapshot_id']}\n"
    assert logged() == []
    Path("a.txt").write_text("other")
    assert jvs("snapshot", "--if-changed", "--json", status=4).error["code"] == "E_LOCK_NOT_HELD"
    require(jvs("snapshot", "--if-changed", "--lock", "--json").json, "snapshot")
    assert logged() == ["snapshot"]


def test_an_empty_worktree_without_snapshots_is_unchanged(jvs: Jvs, repo: Path) -> None:
    Path("a.txt").unlink()
    shutil.rmtree("data")
    same = jvs("snapshot", "--if-changed", "--lock", "--json").json
    assert same == {"created": False, "head_snapshot_id": None}
    assert jvs("snapshot", "--if-changed", "--lock").out == "No snapshot made: the worktree is empty\n"


def test_undo_and_redo_take_the_lock_and_say_what_they_did(
    jvs: Jvs, repo: Path, two: tuple[str, str], logged: Log
) -> None:
    jvs("lock", "acquire")
    jvs("restore", two[0], *IN_PLACE)
    jvs("lock", "release")
    logged()
    assert jvs("undo", "--json", status=4).error["code"] == "E_LOCK_NOT_HELD"
    assert "--lock" in jvs("undo", "--wait", "1", status=2).err
    require(jvs("undo", "--wait", "1", "--lock", "--json").json, "in place")
    shown = jvs("redo", "--lock")
    assert shown.first == f"Restored snapshot {two[0]} in place, as before the last undo"
    assert shown.err == f"the worktree as it was before is in snapshot {two[1]}\n"
    assert logged() == ["undo", "redo"]
    Path("a.txt").write_text("work")
    refused = jvs("undo", "--lock", "--json", status=4).error
    assert (refused["code"], two[1] in refused["hint"]) == ("E_NOTHING_TO_UNDO", True)
    assert jvs("redo", "--lock", "--json", status=4).error["code"] == "E_NOTHING_TO_UNDO"
    assert "the worktree as it was before is in snapshot" in jvs("undo", "--force", "--lock").err
    assert logged() == ["snapshot", "undo"]


def test_a_restore_in_place_takes_the_lock_and_gives_it_back(
    jvs: Jvs, repo: Path, two: tuple[str, str], logged: Log
) -> None:
    logged()
    assert jvs("restore", two[0], *IN_PLACE, "--json", status=4).error["code"] == "E_LOCK_NOT_HELD"
    require(jvs("restore", two[0], *IN_PLACE, "--lock", "--wait", "1", "--json").json, "in place")
    Path("a.txt").unlink()
    jvs("restore", two[0], "--path", "a.txt", *IN_PLACE, "--lock")
    assert jvs("lock", "status").first.startswith("Lock state: free")
    assert logged() == ["restore", "restore"]


def test_init_adopts_a_folder_and_says_so(jvs: Jvs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        Path(name).mkdir()
        Path(name, "a.txt").write_text("text")
    made = require(jvs("init", "first", "--adopt", "one", "--engine", "copy", "--json").json, "init")
    assert made["main_path"] == os.path.realpath("one")
    shown = jvs("init", "second", "--adopt", "two", "--engine", "copy")
    assert shown.first == f"Initialized JVS repository in {tmp_path / 'second'}"
    assert "two is now a link to main\n" in shown.err
    monkeypatch.chdir("two")
    assert jvs("status", "--json").json["added"] == ["a.txt"]
    assert jvs("init", "third", "--adopt", ".", "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("init", "third", "--adopt", "none", "--json", status=2).error["code"] == "E_USAGE"
    monkeypatch.chdir(tmp_path)
    assert jvs("init", "third", "--adopt", "none", "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"
    assert jvs("init", "third", "--adopt", "", status=2).err.startswith("jvs: E_USAGE: --adopt is empty")


def test_a_note_is_given_once(jvs: Jvs, repo: Path) -> None:
    assert "twice" in jvs("snapshot", "one", "-m", "two", "--lock", status=2).err
    jvs("snapshot", "-m", "two", "--lock")
    assert jvs("history", "--json").json[0]["note"] == "two"


def test_every_change_is_logged_once_and_nothing_else(jvs: Jvs, repo: Path, logged: Log) -> None:
    def does(*line: str) -> list[str]:
        logged()
        jvs(*line)
        return logged()

    assert logged() == ["init"]
    assert does("snapshot", "one", "--lock") == ["snapshot"]
    assert does("annotate", "HEAD", "--add-tag", "good") == ["annotate"]
    assert does("lock", "acquire") == ["lock_acquire"]
    assert does("lock", "renew") == []
    assert does("snapshot", "two", "--lock") == ["snapshot"]
    assert does("restore", "HEAD~1", *IN_PLACE) == ["restore"]
    Path("a.txt").write_text("dirty")
    assert does("restore", "HEAD", *IN_PLACE) == ["snapshot", "restore"]
    assert does("undo") == ["undo"]
    assert Path("a.txt").read_text() == "dirty"
    assert does("restore", "HEAD", "--path", "a.txt", "--to", "b.txt") == ["restore"]
    assert does("restore", "HEAD", "--path", "a.txt", *IN_PLACE) == ["snapshot", "restore"]
    assert does("restore", "HEAD~0", *IN_PLACE, "--dry-run") == []
    assert does("lock", "release") == ["lock_release"]
    assert does("restore", "HEAD", "--name", "back") == ["restore"]
    assert does("worktree", "create", "w") == ["worktree_create"]
    assert does("worktree", "rename", "w", "v") == ["worktree_rename"]
    assert does("worktree", "remove", "v") == ["worktree_remove"]
    assert does("ref", "create", "r", "HEAD") == ["ref_create"]
    assert does("ref", "delete", "r") == ["ref_delete"]
    assert does("gc", "pin", "HEAD") == ["gc_pin"]
    assert does("gc", "unpin", jvs("gc", "pins", "--json").json[-1]["pin_id"]) == ["gc_unpin"]
    jvs("snapshot", "unneeded", "--lock", "--worktree", "back")
    jvs("worktree", "remove", "back")
    plan = jvs("gc", "plan", "--json").json["plan_id"]
    assert does("gc", "run", "--plan-id", plan) == ["gc_run"]
    (repo / ".jvs/snapshots/left.tmp").mkdir()
    assert does("doctor", "--repair", "clean_tmp") == ["repair"]
    assert does("doctor", "--repair", "clean_tmp") == []
    assert does("lock", "run", "--", "true") == ["lock_acquire", "lock_release"]
    assert jvs("verify", "--all", "--json").json["ok"] is True


def test_a_refused_command_logs_nothing_and_writes_nothing(
    jvs: Jvs, repo: Path, two: tuple[str, str], logged: Log
) -> None:
    jvs("ref", "create", "r", "HEAD")
    jvs("worktree", "create", "w")
    logged()
    before = files_of(repo)
    for status, line in (
        (4, ["snapshot", "x"]),
        (4, ["undo"]),
        (4, ["lock", "renew"]),
        (4, ["lock", "release"]),
        (4, ["restore", "HEAD~1", *IN_PLACE]),
        (4, ["restore", "HEAD~1", "--path", "a.txt", *IN_PLACE]),
        (4, ["restore", "HEAD~1", "--path", "a.txt"]),
        (4, ["restore", "HEAD", "--name", "w"]),
        (4, ["worktree", "create", "w"]),
        (4, ["worktree", "rename", "w", "w"]),
        (4, ["ref", "create", "r", "HEAD~1"]),
        (3, ["ref", "delete", "s"]),
        (2, ["worktree", "remove", "main", "--force"]),
        (2, ["restore", "HEAD~1", "--inplace", "--force"]),
        (2, ["restore", "HEAD~1", "--inplace", "--force", "--reason", "  "]),
        (2, ["restore", "HEAD~1", "--inplace", "--reason", "why"]),
        (2, ["restore", "HEAD~1", "--lock"]),
        (2, ["restore", "HEAD~1", "--force"]),
        (2, ["restore", "HEAD~1", "--path", "a.txt", "--to", "../../x", *IN_PLACE]),
    ):
        jvs(*line, status=status)
        assert files_of(repo) == before, line
    assert logged() == []


def test_a_snapshot_answers_its_descriptor(jvs: Jvs, repo: Path) -> None:
    shown = jvs("snapshot", "note", "--lock")
    first = jvs("history", "--json").json[0]
    assert shown.first == f"Created snapshot {first['snapshot_id']}"
    made = require(jvs("snapshot", "--tag", "a", "--tag", "b", "--lock", "--json").json, "snapshot")
    assert (made["note"], made["tags"], made["parent_snapshot_id"]) == ("", ["a", "b"], first["snapshot_id"])
    assert (made["worktree"], made["consistency_level"]) == ("main", "quiesced")
    assert (made["fencing_token"], made["integrity_state"]) == (2, "verified")
    assert jvs("show", "HEAD", "--json").json == {
        **made,
        "refs": [],
        "path": jvs("show", "HEAD", "--json").json["path"],
    }
    assert (
        jvs("snapshot", "--lock", "--consistency", "best_effort", "--json").json["consistency_level"]
        == "best_effort"
    )


def test_a_safe_restore_makes_a_worktree_and_touches_no_other(
    jvs: Jvs, repo: Path, two: tuple[str, str]
) -> None:
    before = metadata_of(repo / "main")
    shown = jvs("restore", two[0])
    assert shown.first.startswith(f"Restored snapshot {two[0]} to {repo}/worktrees/restore-")
    made = require(jvs("restore", two[0], "--json").json, "restore")
    assert re.fullmatch(rf"restore-{two[0][:8]}-\d{{8}}-\d{{6}}-[0-9a-z]{{4}}", made["worktree"])
    assert made["path"] == str(repo / "worktrees" / made["worktree"])
    assert (Path(made["path"]) / "a.txt").read_text() == "one\n"
    named = jvs("restore", "HEAD", "--name", "mine", "--json").json
    assert (named["worktree"], named["snapshot_id"]) == ("mine", two[1])
    assert jvs("status", "--worktree", "mine", "--json").json["clean"] is True
    assert metadata_of(repo / "main") == before


def test_a_path_comes_out_to_itself_or_elsewhere(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    assert jvs("restore", two[0], "--path", "data/b.csv").first.startswith("Restored data/b.csv of snapshot ")
    assert Path("data/b.csv").read_text() == "x,y\n1,2\n"
    made = require(jvs("restore", two[0], "--path", "data", "--to", "sub/dir", "--json").json, "restore path")
    assert made == {"snapshot_id": two[0], "path": str(repo / "main/sub/dir")}
    assert Path("sub/dir/b.csv").exists()
    found = jvs("restore", two[0], "--path", "a.txt", "--json", status=4).error
    assert found["code"] == "E_ALREADY_EXISTS"
    assert Path("a.txt").read_text() == "two\n"
    jvs("lock", "acquire")
    made = require(jvs("restore", two[0], "--path", "a.txt", *IN_PLACE, "--json").json, "restore path")
    assert (made["path"], Path("a.txt").read_text()) == (str(repo / "main/a.txt"), "one\n")
    os.symlink("/tmp", "out")
    assert (
        jvs("restore", two[0], "--path", "a.txt", "--to", "out/x", "--json", status=2).error["code"]
        == "E_PATH_ESCAPE"
    )
    assert jvs("restore", two[0], "--path", "no", "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"


def test_an_in_place_restore_saves_what_was_there_and_undo_brings_it_back(
    jvs: Jvs, repo: Path, two: tuple[str, str]
) -> None:
    jvs("lock", "acquire")
    Path("unsaved").write_text("precious")
    before = but_times(metadata_of(repo / "main"))
    done = require(jvs("restore", two[0], *IN_PLACE, "--json").json, "in place")
    assert (done["added"], done["modified"], done["removed"]) == (
        ["data/b.csv"],
        ["a.txt"],
        ["c.txt", "unsaved"],
    )
    assert (done["snapshot_id"], done["worktree"], done["path"]) == (two[0], "main", str(repo / "main"))
    status = jvs("status", "--json").json
    assert (status["head_snapshot_id"], status["clean"]) == (two[0], True)
    saved = jvs("show", done["pre_restore_snapshot_id"], "--json").json
    assert (saved["tags"], saved["parent_snapshot_id"]) == (["pre-restore"], two[1])
    pin = require(jvs("gc", "pins", "--json").json[0], "pin")
    assert (pin["snapshot_id"], pin["lineage"]) == (saved["snapshot_id"], True)
    kept = jvs("gc", "plan", "--keep-last", "1", "--json").json
    assert kept["candidates"] == []

    undone = require(jvs("undo", "--reason", "oops", "--json").json, "in place")
    assert undone["snapshot_id"] == saved["snapshot_id"]
    assert undone["pre_restore_snapshot_id"] == two[0]
    assert but_times(metadata_of(repo / "main")) == before
    status = jvs("status", "--json").json
    assert (status["head_snapshot_id"], status["added"]) == (two[1], ["unsaved"])
    assert jvs("undo", "--json", status=4).error["code"] == "E_NOTHING_TO_UNDO"


def test_a_clean_worktree_s_head_serves_as_pre_restore_snapshot(jvs: Jvs, two: tuple[str, str]) -> None:
    jvs("lock", "acquire")
    would = require(jvs("restore", two[0], *IN_PLACE, "--dry-run", "--json").json, "in place")
    done = jvs("restore", two[0], *IN_PLACE, "--json").json
    assert done == {**would, "pre_restore_snapshot_id": two[1]}
    assert jvs("undo").first.startswith(f"Restored snapshot {two[1]} in place")
    assert jvs("restore", two[0], *IN_PLACE).first == f"Restored snapshot {two[0]} in place"
    assert len(jvs("history", "--all", "--json").json) == 2


def test_locks_answer_their_record(jvs: Jvs, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert jvs("lock", "status").first == "Lock state: free"
    assert jvs("lock", "status", "--json").json == {"state": "free", "lock": None}
    taken = jvs("lock", "acquire", "--lease-ms", "60000", "--purpose", "night run", "--json")
    record = require(taken.json, "lock")
    assert (record["purpose"], record["lease_duration_ms"], record["fencing_token"]) == (
        "night run",
        60_000,
        1,
    )
    assert "secret" not in taken.out
    assert jvs("lock", "status").first == "Lock state: held"
    assert require(jvs("lock", "status", "--json").json, "lock status")["lock"] == record
    renewed = require(jvs("lock", "renew", "--json").json, "lock")
    assert renewed["lease_expires_at"] > record["lease_expires_at"]
    assert jvs("lock", "renew").first == "Lock renewed on worktree 'main'"
    for session in ("default", "other"):
        monkeypatch.setenv("JVS_SESSION", session)
        found = jvs("lock", "acquire", "--json", status=4).error
        assert found["code"] == "E_LOCK_CONFLICT"
        assert record["holder_id"] in found["message"]
        assert record["acquired_at"] in found["message"]
        assert jvs("lock", "status", "--json").json["lock"]["lease_expires_at"] in found["message"]
    for line in (["snapshot", "x"], ["lock", "renew"], ["lock", "release"], ["undo"]):
        found = jvs(*line, "--json", status=4).error
        assert (found["code"], found["hint"]) == ("E_LOCK_NOT_HELD", "jvs lock acquire")
        assert record["holder_id"] in found["message"]
    assert jvs("snapshot", "x", "--lock", "--json", status=4).error["code"] == "E_LOCK_CONFLICT"
    monkeypatch.delenv("JVS_SESSION")
    assert jvs("lock", "release", "--json").json == {"released": True}
    assert jvs("lock", "acquire").first == "Lock acquired on worktree 'main'"
    assert jvs("lock", "release").first == "Lock released on worktree 'main'"


def test_the_secret_of_a_lock_is_its_users_alone_and_outside_the_repository(
    jvs: Jvs, repo: Path, private_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JVS_SESSION", "agent-1")
    jvs("lock", "acquire")
    held = [path for path in private_state.rglob("*.json") if "secret" in path.read_text()]
    assert len(held) == 1
    assert stat.S_IMODE(held[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(held[0].parent.stat().st_mode) == 0o700
    secret = json.loads(held[0].read_text())["secret"]
    assert all(secret.encode() not in path.read_bytes() for path in repo.rglob("*") if path.is_file())
    jvs("snapshot", "mine")
    monkeypatch.setenv("JVS_SESSION", "agent-2")
    assert jvs("snapshot", "not mine", "--json", status=4).error["code"] == "E_LOCK_NOT_HELD"
    monkeypatch.setenv("JVS_SESSION", "agent-1")
    jvs("lock", "release")
    assert not held[0].exists()


def test_worktrees_answer_what_they_are(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    path = repo / "worktrees"
    assert jvs("worktree", "create", "w").first == f"Created worktree 'w' at {path / 'w'}"
    made = require(jvs("worktree", "create", "v", "--from", two[0], "--json").json, "worktree create")
    assert made == {"worktree": "v", "path": str(path / "v"), "base_snapshot_id": two[0]}
    found = [require(row, "worktree") for row in jvs("worktree", "list", "--json").json]
    assert [row["name"] for row in found] == ["main", "v", "w"]
    assert (found[1]["head_snapshot_id"], found[1]["base_snapshot_id"]) == (two[0], two[0])
    assert (found[0]["base_snapshot_id"], found[0]["isolation"], found[0]["lock_state"]) == (
        None,
        "exclusive",
        "free",
    )
    assert jvs("worktree", "path", "v").out == f"{path / 'v'}\n"
    assert jvs("worktree", "rename", "v", "u").first.startswith("Renamed worktree 'v'")
    (path / "u" / "new").write_text("")
    assert jvs("worktree", "remove", "u", "--json", status=4).error["code"] == "E_UNSAVED_CHANGES"
    jvs("lock", "acquire", "--worktree", "u")
    for line in (["remove", "u", "--force"], ["rename", "u", "t"]):
        assert jvs("worktree", *line, "--json", status=4).error["code"] == "E_LOCK_CONFLICT"
    jvs("lock", "release", "--worktree", "u")
    assert jvs("worktree", "remove", "u", "--force").first == "Removed worktree 'u'"
    assert jvs("worktree", "remove", "w").first == "Removed worktree 'w'"
    assert os.listdir(path) == []
    for line in (["remove", "main"], ["remove", "main", "--force"], ["rename", "main", "m"]):
        assert jvs("worktree", *line, "--json", status=2).error["code"] == "E_USAGE"


def test_refs_answer_what_they_are(jvs: Jvs, two: tuple[str, str]) -> None:
    assert jvs("ref", "create", "r", "HEAD~1").first.startswith("Created ref 'r' ")
    made = require(jvs("ref", "create", "s", "HEAD", "--note", "n", "--json").json, "ref")
    assert (made["name"], made["snapshot_id"], made["note"]) == ("s", two[1], "n")
    assert jvs("ref", "list", "--json").json[1] == made
    assert [line.split()[:2] for line in jvs("ref", "list").out.splitlines()] == [
        ["r", two[0]],
        ["s", two[1]],
    ]
    assert jvs("ref", "create", "r", "HEAD", "--json", status=4).error["code"] == "E_ALREADY_EXISTS"
    assert jvs("ref", "delete", "r").first == "Deleted ref 'r'"
    assert require(jvs("ref", "delete", "s", "--json").json, "ref") == made
    assert jvs("ref", "list", "--json").json == []


BAD = [
    "",
    ".",
    "..",
    "a/b",
    "/abs",
    "a\\b",
    "a\nb",
    "a\x1b",
    "a\x7f",
    "-a",
    ".a",
    "_a",
    "a b",
    "é",
    "x" * 101,
    "\udcff",
]


def test_names_outside_the_rule_are_refused_everywhere(
    jvs: Jvs, repo: Path, two: tuple[str, str], tmp_path: Path
) -> None:
    jvs("worktree", "create", "w")
    before = metadata_of(tmp_path)
    os.chdir(repo / "main")
    for name in BAD:
        for line in (
            ["worktree", "create", "--", name],
            ["worktree", "rename", "--", "w", name],
            ["ref", "create", "--", name, "HEAD"],
            ["restore", "HEAD", f"--name={name}"],
            ["init", "--", name],
        ):
            found = jvs("--json", *line, status=2).error
            assert found["code"] == "E_NAME_INVALID", (line, found)
    for line in (
        ["worktree", "create", "main"],
        ["worktree", "rename", "w", "main"],
        ["restore", "HEAD", "--name", "main"],
    ):
        assert jvs(*line, "--json", status=2).error["code"] == "E_NAME_INVALID"
    for name in ("HEAD", "head", "HeAd", two[0]):
        assert jvs("ref", "create", name, "HEAD", "--json", status=2).error["code"] == "E_NAME_INVALID"
    assert metadata_of(tmp_path) == before
    for name in ("x" * 100, "0", "A.b_c-d", "Main"):
        jvs("worktree", "create", name)
        jvs("ref", "create", name, "HEAD")


def test_annotate_edits_note_and_tags_and_needs_no_lock(jvs: Jvs, repo: Path) -> None:
    made = jvs("snapshot", "first", "--tag", "old", "--lock", "--json").json
    again = ["annotate", "HEAD", "--note", "better\nwhy", "--add-tag", "good", "--remove-tag", "old"]
    said = jvs(*again)
    assert said.out.splitlines()[0] == f"Annotated snapshot {made['snapshot_id']}"
    shown = require(jvs("annotate", "HEAD", "--add-tag", "best", "--json").json, "annotate")
    assert (shown["note"], shown["tags"]) == ("better\nwhy", ["good", "best"])
    assert [edit["number"] for edit in shown["annotations"]] == [1, 2]
    assert all(edit["created_at"] and edit["created_by"] for edit in shown["annotations"])
    assert shown["descriptor_checksum"] == made["descriptor_checksum"]
    assert jvs("history", "--tag", "good", "--json").json == [shown]
    assert jvs("history", "--tag", "old", "--json").json == []
    assert "Edited:" in jvs("show", "HEAD").out
    for line in (["annotate", "HEAD"], again, ["annotate", "HEAD", "--add-tag", " x"]):
        assert "E_USAGE" in jvs(*line, status=2).err
    assert "E_SNAPSHOT_NOT_FOUND" in jvs("annotate", "nothing", "--note", "x", status=3).err
