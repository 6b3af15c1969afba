"""verify, doctor, gc, audit and demo: reports, keys, exit statuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jvs_core import clock
from tests.core.cli.conftest import Jvs
from tests.core.cli.contract.keys import require
from tests.support.damage import overwrite


def tamper(repo: Path, snapshot_id: str) -> None:
    """Change one byte of a payload's file."""
    overwrite(repo / ".jvs/snapshots" / snapshot_id / "payload/a.txt", "forged")


def test_verify_is_a_line_a_snapshot(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    assert jvs("verify", two[0]).first == f"{two[0]}  OK"
    assert jvs("verify").first == f"{two[1]}  OK"
    assert [line for line in jvs("verify", "--all").out.splitlines() if line.endswith("  OK")] == [
        f"{snapshot}  OK" for snapshot in two
    ]
    sound = require(jvs("verify", "--all", "--json").json, "verify")
    assert [require(one, "verified")["severity"] for one in sound["snapshots"]] == ["none", "none"]
    assert require(sound["audit"], "verified log") == {"ok": True, "records": 3, "error": None}
    tamper(repo, two[0])
    lines = jvs("verify", "--all", status=5).out.splitlines()
    assert f"{two[0]}  TAMPERED  E_PAYLOAD_HASH_MISMATCH" in lines
    assert "    a.txt" in lines
    assert f"{two[1]}  OK" in lines
    found = require(jvs("verify", "--all", "--json", status=5).json, "verify")
    damaged = found["snapshots"][0]
    assert (found["ok"], found["audit"]["ok"], damaged["snapshot_id"]) == (False, True, two[0])
    assert (damaged["checksum_valid"], damaged["payload_hash_valid"], damaged["tamper_detected"]) == (
        True,
        False,
        True,
    )
    assert (damaged["severity"], damaged["damaged_paths"]) == ("critical", ["a.txt"])
    assert jvs("verify", two[1], "--json").json["ok"] is True
    assert jvs("verify", two[0], "--all", "--json", status=2).error["code"] == "E_USAGE"


Change = Callable[[Path, tuple[str, str]], None]


def retarget(repo: Path, two: tuple[str, str]) -> None:
    path = repo / ".jvs/refs/r.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "snapshot_id": two[0]}))


def forge(repo: Path, two: tuple[str, str]) -> None:
    from jvs_core.control import catalog
    from jvs_core.model import Descriptor

    path = repo / ".jvs/descriptors" / f"{two[1]}.json"
    forged = Descriptor.parse(path.read_bytes(), "it").changed(note="forged")
    path.write_bytes(
        catalog.encode(forged.changed(descriptor_checksum=catalog.checksum(forged).model_dump()))
    )


def vanish(repo: Path, two: tuple[str, str]) -> None:
    (repo / ".jvs/descriptors" / f"{two[1]}.json").unlink()
    os.rename(repo / ".jvs/snapshots" / two[1], repo.parent / "gone")


@pytest.mark.parametrize("change", [retarget, forge, vanish])
def test_the_repository_is_held_against_its_log(
    jvs: Jvs, repo: Path, two: tuple[str, str], change: Change
) -> None:
    jvs("ref", "create", "r", "HEAD")
    jvs("verify", "--all")
    change(repo, two)
    assert require(jvs("verify", "--all", "--json", status=5).json, "verify")["ok"] is False
    jvs("verify", "--all", status=5)


def test_a_log_is_held_against_a_checkpoint_in_a_file_or_a_pipe(
    jvs: Jvs, repo: Path, take: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take("one")
    kept = tmp_path / "kept.json"
    kept.write_text(jvs("audit", "checkpoint", "--json").out)
    made = require(json.loads(kept.read_text()), "checkpoint")
    assert made["seq"] == len(jvs("audit", "log", "--json").json)
    take("two")
    assert jvs("verify", "--since", str(kept), "--json").json["ok"] is True
    with kept.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert jvs("verify", "--all", "--since", "-", "--json").json["ok"] is True
    kept.write_text(json.dumps({**made, "head_hash": "0" * 64}))
    found = jvs("verify", "--since", str(kept), "--json", status=5).json
    assert found["audit"]["error"].startswith("E_AUDIT_CHAIN_BROKEN")


def test_doctor_exits_5_for_an_error_and_if_strict_for_a_warning(
    jvs: Jvs, repo: Path, two: tuple[str, str]
) -> None:
    assert jvs("doctor", "--strict").out == "Repository is healthy.\n"
    assert require(jvs("doctor", "--json").json, "doctor") == {
        "healthy": True,
        "findings": [],
        "repaired": [],
    }
    (repo / ".jvs/snapshots/1700000000000-00000000.tmp").mkdir()
    shown = jvs("doctor")
    assert shown.first == "Findings: 1"
    found = require(jvs("doctor", "--strict", "--json", status=5).json, "doctor")
    finding = require(found["findings"][0], "finding")
    assert (found["healthy"], finding["severity"], finding["repair"]) == (False, "warning", "clean_tmp")
    assert jvs("doctor", "--json").json["healthy"] is True
    assert jvs("doctor", "--strict", "--repair-runtime").first == "Repository is healthy."
    (repo / ".jvs/snapshots" / two[1] / "manifest").unlink()
    assert jvs("doctor", "--json", status=5).json["findings"][0]["severity"] == "error"
    assert jvs("doctor", status=5).first == "Findings: 1"


@pytest.mark.parametrize(
    "action", ["clean_tmp", "advance_head", "clean_locks", "clean_intents", "audit_repair", "finish_restore"]
)
def test_every_repair_of_the_contract_may_be_asked_for(jvs: Jvs, two: tuple[str, str], action: str) -> None:
    jvs("doctor", "--repair", action)
    assert jvs("verify", "--all", "--json").json["ok"] is True


def test_gc_says_why_and_does_what_it_said(jvs: Jvs, repo: Path, two: tuple[str, str]) -> None:
    jvs("gc", "pin", two[0])
    planned = require(jvs("gc", "plan", "--keep-last", "1", "--json").json, "gc plan")
    assert (planned["candidates"], planned["protected_by_pin"]) == ([], 1)
    assert all(set(kept) == {"snapshot_id", "reasons"} and kept["reasons"] for kept in planned["kept"])
    pin = require(jvs("gc", "pins", "--json").json[0], "pin")
    assert require(jvs("gc", "unpin", pin["pin_id"], "--json").json, "pin") == pin
    for options in (
        ["--keep-hourly=1"],
        ["--keep-daily=1"],
        ["--keep-weekly=1"],
        ["--keep-monthly=1"],
        ["--keep-yearly=1"],
        ["--keep-tag=t"],
    ):
        planned = jvs("gc", "plan", *options, "--json").json
        assert [one["snapshot_id"] for one in planned["candidates"]] == [two[0]], options
    assert jvs("gc", "plan", "--keep-within", "30d", "--json").json["candidate_count"] == 0
    planned = jvs("gc", "plan", "--keep-last", "1", "--json").json
    assert set(planned["candidates"][0]) == {"snapshot_id", "bytes"}
    done = require(jvs("gc", "run", "--plan-id", planned["plan_id"], "--json").json, "gc run")
    assert (done["deleted"], done["failed"]) == ([two[0]], [])
    shown = jvs("history", "--json").json
    assert [item.get("expired") for item in shown] == [None, True]
    for line in (
        ["restore", two[0]],
        ["restore", two[0], "--path", "data"],
        ["worktree", "create", "w", "--from", two[0]],
        ["cat", two[0], "a.txt"],
        ["ref", "create", "r", two[0]],
    ):
        assert jvs(*line, "--json", status=3).error["code"] == "E_SNAPSHOT_EXPIRED", line
    assert jvs("show", two[0], "--json").json["expired"] is True
    assert jvs("doctor", "--strict").first == "Repository is healthy."


def test_an_expired_pin_protects_no_more(
    jvs: Jvs, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    jvs("gc", "pin", two[0], "--expires", "1d")
    assert jvs("gc", "plan", "--keep-last", "1", "--json").json["candidate_count"] == 0
    later = clock.now_ms() + 2 * 86_400_000
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert jvs("gc", "plan", "--keep-last", "1", "--json").json["candidate_count"] == 1


AUDIT_RECORD = (
    "seq event_id timestamp operation actor session_id worktree worktree_id snapshot_id fencing_token target reason "
    "details prev_hash record_hash"
)


def test_the_log_is_shown_newest_first_and_its_records_chain(jvs: Jvs, two: tuple[str, str]) -> None:
    records: list[dict[str, Any]] = jvs("audit", "log", "--json").json
    assert [record["seq"] for record in records] == list(range(len(records), 0, -1))
    assert all(set(record) == set(AUDIT_RECORD.split()) for record in records)
    assert all(new["prev_hash"] == old["record_hash"] for new, old in pairwise(records))
    assert jvs("audit", "log", "--limit", "2", "--json").json == records[:2]
    assert len(jvs("audit", "log", "--limit", "2").out.splitlines()) == 2


@pytest.mark.slow
def test_the_demo_tells_the_whole_story_and_leaves_nothing(
    jvs: Jvs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = jvs("demo").out
    for words in (
        "$ jvs init",
        "Created snapshot",
        "Restored snapshot",
        "in place",
        "$ jvs undo",
        "$ jvs verify",
    ):
        assert words in told, words
    assert os.listdir(tmp_path) == []
    (tmp_path / "mine").write_text("")
    assert jvs("demo", "--dir", str(tmp_path), "--json", status=4).error["code"] == "E_ALREADY_EXISTS"
