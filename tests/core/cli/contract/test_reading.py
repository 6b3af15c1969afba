"""What the commands that read answer: first lines, keys, every form of SNAPSHOT, and that nothing changes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control import catalog
from tests.core.cli.conftest import Jvs
from tests.core.cli.contract.keys import require
from tests.support.commands import READING
from tests.support.metadata import metadata_of

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
ID = r"\d{13}-[0-9a-f]{8}"


def test_init_says_where_the_repository_is(jvs: Jvs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert jvs("init", "a", "--engine", "copy").first == f"Initialized JVS repository in {tmp_path / 'a'}"
    made = require(jvs("init", "b", "--engine", "copy", "--json").json, "init")
    assert (made["repo_root"], made["main_path"]) == (str(tmp_path / "b"), str(tmp_path / "b" / "main"))
    assert (made["format_version"], made["snapshot_engine"]) == (2, "copy")
    assert made["repo_id"] == (tmp_path / "b/.jvs/repo_id").read_text().strip()


def test_info_counts_and_says_the_settings(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    jvs("worktree", "create", "w")
    assert jvs("info").first == f"Repository: {repo}"
    found = require(jvs("info", "--json").json, "info")
    assert (found["total_snapshots"], found["total_worktrees"]) == (2, 2)
    assert (found["lease_duration_ms"], found["renew_interval_ms"], found["max_clock_skew_ms"]) == (
        30_000,
        10_000,
        2_000,
    )
    assert (found["default_isolation"], found["default_consistency"]) == ("exclusive", "quiesced")


def test_status_lists_what_differs(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    assert require(jvs("status", "--json").json, "status")["clean"] is True
    Path("new").write_text("")
    Path("c.txt").write_text("changed")
    Path("a.txt").unlink()
    found = require(jvs("status", "--json").json, "status")
    assert (found["added"], found["modified"], found["removed"]) == (["new"], ["c.txt"], ["a.txt"])
    assert (found["worktree"], found["path"], found["clean"]) == ("main", str(repo / "main"), False)
    assert (found["head_snapshot_id"], found["lock_state"]) == (two[1], "free")
    shown = jvs("status")
    assert shown.first == "On worktree main"
    assert {"+ new", "~ c.txt", "- a.txt"} <= set(shown.out.splitlines())


def test_history_is_a_line_a_snapshot_newest_first(jvs: Jvs, two: tuple[str, str]) -> None:
    jvs("ref", "create", "best", two[1])
    jvs("snapshot", "third\nin two lines", "--lock", "--consistency", "best_effort")
    lines = jvs("history").out.splitlines()
    assert [re.match(ID, line) is not None for line in lines] == [True] * 3
    assert TIME.search(lines[0])
    assert re.search(r"third.*best_effort", lines[0])
    assert re.search(rf"^{two[1]}  \S+Z  second  \[t\]  \(best\)$", lines[1])
    assert re.search(rf"^{two[0]}  \S+Z  first$", lines[2])
    found = jvs("history", "--json").json
    assert [require(item, "snapshot")["snapshot_id"] for item in found][1:] == [two[1], two[0]]
    assert [item["snapshot_id"] for item in jvs("history", "--tag", "t", "--json").json] == [two[1]]
    assert jvs("history", "--limit", "1", "--json").json == found[:1]
    assert (jvs("history", "--limit", "0").out, jvs("history", "--tag", "none", "--json").json) == ("", [])


def test_only_all_shows_the_other_worktrees_snapshots(jvs: Jvs, two: tuple[str, str]) -> None:
    jvs("worktree", "create", "w", "--from", two[0])
    there = jvs("snapshot", "there", "--lock", "--worktree", "w", "--json").json["snapshot_id"]
    assert there not in jvs("history").out
    assert [item["snapshot_id"] for item in jvs("history", "--all", "--json").json] == [there, two[1], two[0]]
    assert [item["snapshot_id"] for item in jvs("history", "--worktree", "w", "--json").json] == [
        there,
        two[0],
    ]


def test_show_is_the_descriptor_with_refs_and_path(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    jvs("ref", "create", "best", two[0])
    found = require(jvs("show", "best", "--json").json, "show")
    assert (found["refs"], found["path"]) == (["best"], str(repo / ".jvs/snapshots" / two[0] / "payload"))
    assert (found["files"], found["bytes"], found["tags"], found["note"]) == (2, 12, [], "first")
    assert (found["engine"], found["requested_engine"], found["schema"]) == ("copy", "copy", 1)
    assert set(found["payload_root_hash"]) == set(found["descriptor_checksum"]) == {"algo", "value"}
    assert TIME.fullmatch(found["created_at"])
    shown = jvs("show", "best")
    assert shown.first == f"Snapshot {two[0]}"
    assert re.search(r"^  Files: +2$", shown.out, re.MULTILINE)
    assert re.search(r"^  Size: +12 B$", shown.out, re.MULTILINE)


def test_ls_and_cat_read_what_was_stored(jvs: Jvs, two: tuple[str, str]) -> None:
    Path("a.txt").write_text("later")
    found = [require(entry, "entry") for entry in jvs("ls", two[0], "--json").json]
    assert [(entry["path"], entry["type"]) for entry in found] == [("a.txt", "file"), ("data", "directory")]
    assert (found[0]["size"], found[0]["mode"], found[1]["sha256"]) == (4, "0644", None)
    assert TIME.fullmatch(found[0]["mtime"])
    assert jvs("ls", two[0], "data/", "--json").json[0]["path"] == "data/b.csv"
    assert jvs("cat", two[0], "a.txt").out == "one\n"
    for line in (["cat", two[0], "none"], ["cat", two[0], "data"], ["ls", two[0], "none"]):
        assert jvs(*line, "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"
    for path in ("../a.txt", "/etc/passwd", "data/../../x"):
        assert jvs("cat", two[0], path, "--json", status=2).error["code"] == "E_PATH_ESCAPE"


def test_a_path_that_begins_with_a_dot_is_meant_from_the_current_folder(
    jvs: Jvs, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("data/a.txt").write_text("inner\n")
    jvs("snapshot", "inner", "--lock")
    monkeypatch.chdir("data")
    assert jvs("cat", two[0], "a.txt").out == "one\n"
    assert jvs("cat", "HEAD", "./a.txt").out == "inner\n"
    assert jvs("cat", two[0], "../a.txt").out == "one\n"
    assert [entry["path"] for entry in jvs("ls", two[0], ".", "--json").json] == ["data/b.csv"]
    assert jvs("cat", two[0], "../../a.txt", "--json", status=2).error["code"] == "E_PATH_ESCAPE"
    Path("a.txt").write_text("changed\n")
    restored = jvs("restore", "HEAD", "--path", "./a.txt", "--to", "./back.txt", "--json").json
    assert Path(restored["path"]) == Path.cwd() / "back.txt"
    assert Path("back.txt").read_text() == "inner\n"


def test_compare_goes_from_a_to_b_or_to_the_worktree(jvs: Jvs, two: tuple[str, str]) -> None:
    assert jvs("compare", *two).out.splitlines() == ["+ c.txt", "~ a.txt", "- data/b.csv"]
    found = require(jvs("compare", *two, "--json").json, "compare")
    assert (found["from"], found["to"]) == two
    back = jvs("compare", two[1], two[0], "--json").json
    assert (back["added"], back["removed"]) == (found["removed"], found["added"])
    assert jvs("compare", two[0], "--json").json == {**found, "to": "main"}
    assert jvs("compare", "HEAD").out == ""


@pytest.fixture
def alike(repo: Path, jvs: Jvs, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of three snapshots, oldest first, alike in the first digits of both their parts."""
    ids = ["1700000000000-ab12cd34", "1700000000001-ab12ff00", "1800000000000-0123abcd"]
    given = iter(ids)
    monkeypatch.setattr(catalog, "new_id", lambda: next(given))
    for number in range(3):
        Path("a.txt").write_text(f"{number}")
        jvs("snapshot", f"{number}", "--lock")
    return ids


FORMS = {
    "1700000000000-ab12cd34": 0,
    "1700000000000": 0,
    "1700000000001-": 1,
    "1700000000000-ab12c": 0,
    "18": 2,
    "ab12c": 0,
    "ab12ff00": 1,
    "0123abcd": 2,
    "0": 2,
    "HEAD": 2,
    "HEAD~0": 2,
    "HEAD~1": 1,
    "HEAD~2": 0,
    "named": 1,
    "1800": 0,
}


def test_a_snapshot_may_be_named_in_many_ways(jvs: Jvs, alike: list[str]) -> None:
    jvs("ref", "create", "named", alike[1])
    jvs("ref", "create", "1800", alike[0])
    assert {text: jvs("show", text, "--json").json["snapshot_id"] for text in FORMS} == {
        text: alike[number] for text, number in FORMS.items()
    }


def test_several_snapshots_are_ambiguous_and_the_hint_names_them(jvs: Jvs, alike: list[str]) -> None:
    for text, matching in (("1", alike), ("17000000", alike[:2]), ("ab12", alike[:2]), ("ab", alike[:2])):
        found = jvs("show", text, "--json", status=2).error
        assert found["code"] == "E_SNAPSHOT_AMBIGUOUS"
        assert re.findall(ID, found["hint"]) == matching
        assert f"\nhint: one of: {matching[0]}, " in jvs("restore", text, status=2).err


NO_SNAPSHOT = ["", "9", "beef", "HEAD~3", "HEAD~x", "head", "none", "AB12C", "*", "-", "\n"]


@pytest.mark.parametrize(
    "line",
    [["show"], ["restore"], ["verify"], ["gc", "pin"], ["annotate", "--note", "x"]],
)
def test_no_snapshot_is_not_found_whatever_the_command(jvs: Jvs, alike: list[str], line: list[str]) -> None:
    for text in NO_SNAPSHOT:
        assert jvs("--json", *line, "--", text, status=3).error["code"] == "E_SNAPSHOT_NOT_FOUND"


def test_compare_takes_what_is_neither_snapshot_nor_path_for_none(jvs: Jvs, alike: list[str]) -> None:
    for text in NO_SNAPSHOT:
        for line in ([text], ["HEAD", text]):
            if text != "*":  # a pattern of paths
                assert jvs("--json", "compare", *line, status=3).error["code"] == "E_SNAPSHOT_NOT_FOUND"
    assert jvs("compare", "HEAD", "--", "none").out == ""


def test_head_is_that_of_the_worktree_meant(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    jvs("worktree", "create", "w", "--from", two[0])
    assert jvs("show", "HEAD", "--worktree", "w", "--json").json["snapshot_id"] == two[0]
    os.chdir(repo / "worktrees/w")
    assert jvs("show", "HEAD", "--json").json["snapshot_id"] == two[0]
    assert jvs("--worktree", "main", "show", "HEAD", "--json").json["snapshot_id"] == two[1]
    for line in (["status"], ["history"], ["lock", "status"], ["snapshot", "x"], ["undo"], ["show", "HEAD"]):
        assert jvs(*line, "--worktree", "no", "--json", status=3).error["code"] == "E_WORKTREE_NOT_FOUND"


def test_with_the_root_as_repo_the_current_directory_still_says_the_worktree(
    jvs: Jvs, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jvs("worktree", "create", "w")
    monkeypatch.chdir(repo / "worktrees/w")
    assert jvs("--repo", str(repo), "status").first == "On worktree w"
    assert jvs("--repo", str(repo / "main"), "status").first == "On worktree main"
    monkeypatch.chdir(tmp_path)
    jvs("init", "other", "--engine", "copy")
    assert jvs("--repo", str(repo), "status").first == "On worktree main"
    monkeypatch.chdir(tmp_path / "other" / "main")
    assert jvs("--repo", str(repo), "status", "--json").json["path"] == str(repo / "main")
    assert jvs("--repo", str(repo / "worktrees/w"), "status").first == "On worktree w"


def test_reading_changes_nothing(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    before = metadata_of(repo)
    for line in READING:
        jvs(*line)
        assert jvs(*line, "--json").out.startswith(("{", "["))
    assert metadata_of(repo) == before


def test_one_damaged_record_does_not_hide_the_others(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    jvs("worktree", "create", "exp")
    run_id = "run-1760000000000-0123abcd"
    (repo / ".jvs/runs" / f"{run_id}.json").write_text("{")
    shown = jvs("run", "list")
    assert shown.err.startswith(f"jvs: warning: the record of run {run_id} is damaged")
    assert jvs("run", "list", "--json").json == []
    (repo / ".jvs/worktrees/exp/config.json").write_text("{")
    shown = jvs("worktree", "list")
    assert "main" in shown.out
    assert "'exp' is damaged" in shown.err
    assert [info["name"] for info in jvs("worktree", "list", "--json").json] == ["main"]
    (repo / ".jvs/descriptors" / f"{two[0]}.json").write_text("{")
    shown = jvs("history", "--all")
    assert two[1] in shown.out
    assert shown.err.startswith(f"jvs: warning: the descriptor of {two[0]} is damaged")
    assert [item["snapshot_id"] for item in jvs("history", "--all", "--json").json] == [two[1]]
    assert jvs("history", "--json", status=5).error["code"] == "E_DESCRIPTOR_CORRUPT"


def test_what_a_checkpoint_is_read_from_may_be_a_fifo_that_nobody_writes_to(
    jvs: Jvs, repo: Path, two: tuple[str, str]
) -> None:
    os.mkfifo(repo / "fifo")
    assert jvs("verify", "--since", str(repo / "fifo"), "--json", status=2).error["code"] == "E_USAGE"
    assert "--keep-last" in jvs("gc", "plan", "--keep-last", "9" * 23, status=2).err


def test_an_unreadable_ref_is_named_and_history_goes_on(
    jvs: Jvs, repo: Path, two: tuple[str, str], take: Callable[..., str]
) -> None:
    jvs("ref", "create", "good", two[0])
    jvs("ref", "create", "bad", two[1])
    (repo / ".jvs/refs/bad.json").write_text("{")
    for line in (["history"], ["history", "--all"], ["show", two[0]], ["show", "good"]):
        shown = jvs(*line)
        assert "good" in shown.out
        assert shown.err.startswith("jvs: warning: ref 'bad' is damaged")
    assert [item["snapshot_id"] for item in jvs("history", "--json").json] == [two[1], two[0]]
    assert require(jvs("show", "HEAD", "--json").json, "show")["refs"] == []
    for line in (["ref", "list"], ["show", "bad"], ["gc", "plan"], ["gc", "plan", "--keep-last", "1"]):
        assert jvs(*line, "--json", status=5).error["code"] == "E_REF_BROKEN"
    assert "E_REF_BROKEN" in jvs("verify", "--all", "--json", status=5).json["audit"]["error"]
    assert "E_REF_BROKEN" in jvs("doctor", status=5).out
    take("work goes on")


def test_find_names_files_of_all_snapshots_and_how_to_get_them_back(jvs: Jvs, two: tuple[str, str]) -> None:
    found = jvs("find", "*.csv", "--json").json
    (gone,) = (require(each, "found") for each in found)
    (version,) = (require(each, "version") for each in gone["versions"])
    assert (gone["path"], gone["in_worktree"], version["snapshot_id"]) == ("data/b.csv", False, two[0])
    shown = jvs("find", "b.csv", "--deleted").out.splitlines()
    assert shown[0] == "data/b.csv  not in the worktree"
    line = shown[-1].removeprefix("  back: jvs ")
    jvs(*line.split())
    assert Path("data/b.csv").read_text() == "x,y\n1,2\n"
    assert jvs("find", "b.csv", "--deleted", "--json").json == []
    assert "no file" in jvs("find", "nothing").err


def test_history_of_a_path(jvs: Jvs, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def of(path: str) -> list[str]:
        return [each["snapshot_id"] for each in jvs("history", "--path", path, "--json").json]

    assert of("a.txt") == [two[1], two[0]]
    assert of("c.txt") == [two[1]]
    monkeypatch.chdir("data")
    assert of("./b.csv") == of("data") == [two[1], two[0]]
    assert jvs("history", "--path", "../../x", "--json", status=2).error["code"] == "E_PATH_ESCAPE"


def test_history_leaves_out_what_nobody_asked_for(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    Path("a.txt").write_text("three")
    Repository(repo).snapshot("by itself", kind="auto", lock=True)
    assert len(jvs("history", "--json").json) == 3
    assert [each["snapshot_id"] for each in jvs("history", "--no-auto", "--limit", "1", "--json").json] == [
        two[1]
    ]
