"""``jvs audit`` and ``jvs verify --since``."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.conftest import Jvs


def test_the_log_is_listed_newest_first(repo: Path, jvs: Jvs, take: Callable[..., str]) -> None:
    taken = take("why not")
    found = jvs("audit", "log", "--json").json
    assert [record["operation"] for record in found] == ["snapshot", "init"]
    assert [record["seq"] for record in found] == [2, 1]
    snapshot = found[0]
    assert (snapshot["snapshot_id"], snapshot["reason"], snapshot["fencing_token"]) == (taken, "why not", 1)
    shown = jvs("audit", "log", "--limit", "2").out.splitlines()
    assert len(shown) == 2
    assert all(word in shown[0] for word in ("snapshot", taken, "why not", "#1"))
    assert jvs("audit", "log", "--limit", "0", "--json").json == []
    jvs("audit", "log", "--limit", "-1", status=2)


def test_every_mutating_command_is_logged_with_what_it_was_about(
    repo: Path, jvs: Jvs, take: Callable[..., str]
) -> None:
    first = take("first")
    jvs("lock", "acquire", "--purpose", "work")
    Path("a.txt").write_text("other\n")
    jvs("restore", first, "--inplace", "--force", "--reason", "back")
    jvs("undo", "--reason", "no")
    jvs("lock", "release")
    jvs("restore", first, "--name", "copy")
    jvs("worktree", "create", "exp")
    jvs("worktree", "rename", "exp", "exp2")
    jvs("worktree", "remove", "exp2")
    jvs("ref", "create", "base", first, "--note", "as published")
    jvs("ref", "delete", "base")
    found = jvs("audit", "log", "--json").json[::-1]
    assert [record["operation"] for record in found] == [
        *("init", "snapshot"),
        *("lock_acquire", "snapshot", "restore", "undo", "lock_release"),
        *("restore", "worktree_create", "worktree_rename", "worktree_remove", "ref_create", "ref_delete"),
    ]
    assert all(record["actor"] and record["session_id"] == "default" for record in found)
    assert all(record["target"] for record in found)
    under_lock = {"snapshot", "lock_acquire", "lock_release", "undo", "worktree_rename", "worktree_remove"}
    assert all(record["fencing_token"] for record in found if record["operation"] in under_lock)
    assert [record["reason"] for record in found if record["operation"] in ("undo", "ref_create")] == [
        "no",
        "as published",
    ]
    assert found[4]["reason"] == "back"


def test_a_session_of_its_own_is_named(repo: Path, jvs: Jvs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JVS_SESSION", "agent-7")
    jvs("lock", "acquire")
    assert jvs("audit", "log", "--limit", "1", "--json").json[0]["session_id"] == "agent-7"


def test_a_log_is_held_against_a_kept_checkpoint(
    repo: Path, jvs: Jvs, take: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = repo.parent / "kept.json"
    kept.write_text(jvs("audit", "checkpoint", "--json").out)
    shutil.copytree(repo / ".jvs", repo.parent / "before")
    take("first")
    assert jvs("verify", "--since", str(kept), "--json").json["audit"] == {
        "ok": True,
        "records": 2,
        "error": None,
    }
    later = jvs("audit", "checkpoint").out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(later.encode())))
    assert jvs("verify", "--all", "--since", "-").out.endswith("audit  OK  2 records\n")
    shutil.rmtree(repo / ".jvs")
    (repo.parent / "before").rename(repo / ".jvs")
    jvs("verify", "--all")
    kept.write_text(later)
    assert "set back" in jvs("verify", "--since", str(kept), status=5).out


def test_a_signed_checkpoint_is_held_against_its_signer(repo: Path, jvs: Jvs) -> None:
    key = repo.parent / "audit.key"
    made = jvs("audit", "keygen", str(key), "--json").json
    assert made == {"private_key": str(key), "public_key": f"{key}.pub"}
    kept = repo.parent / "kept.json"
    kept.write_text(jvs("audit", "checkpoint", "--key", str(key)).out)
    jvs("verify", "--since", str(kept), "--key", f"{key}.pub")
    forged = {**json.loads(kept.read_text()), "created_at": "2026-02-20T10:00:00.000Z"}
    kept.write_text(json.dumps(forged))
    found = jvs("verify", "--since", str(kept), "--json", status=5).json
    assert found["ok"] is False
    assert "changed after it was signed" in found["audit"]["error"]


def test_what_is_no_checkpoint_is_a_usage_error_and_a_missing_one_not_found(repo: Path, jvs: Jvs) -> None:
    Path("a.json").write_text("{}")
    assert jvs("verify", "--since", "a.json", "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("verify", "--since", "missing", "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"
    assert jvs("verify", "--key", "a.json", "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("audit", "keygen", "here", "--json", status=2).error["code"] == "E_USAGE"
    assert (
        jvs("audit", "checkpoint", "--key", str(repo.parent / "missing"), "--json", status=3).error["code"]
        == "E_PATH_NOT_FOUND"
    )
    assert not Path("here").exists()


def test_without_a_snapshot_the_log_alone_is_verified(repo: Path, jvs: Jvs) -> None:
    assert jvs("verify", "--json").json == {
        "ok": True,
        "snapshots": [],
        "audit": {"ok": True, "records": 1, "error": None},
    }
    jvs("verify", "HEAD", status=3)


def test_a_key_can_be_made_outside_any_repository(
    tmp_path: Path, jvs: Jvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert jvs("audit", "keygen", "k").first == "Made key k"
    assert jvs("audit", "keygen", "k", "--json", status=4).error["code"] == "E_ALREADY_EXISTS"
