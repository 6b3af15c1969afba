from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.conftest import Jvs


def plan_of(jvs: Jvs, *options: str) -> str:
    found: str = jvs("gc", "plan", "--json", *options).json["plan_id"]
    return found


def test_a_plan_says_what_goes_and_why_the_rest_stays(jvs: Jvs, two: tuple[str, str]) -> None:
    made = jvs("gc", "plan", "--keep-last", "1", "--json").json
    assert {key: made[key] for key in made if key not in ("plan_id", "notes")} == {
        "candidate_count": 1,
        "candidates": [{"snapshot_id": two[0], "bytes": 12}],
        "protected_by_pin": 0,
        "protected_by_lineage": 0,
        "protected_by_ref": 0,
        "kept": [{"snapshot_id": two[1], "reasons": ["head of main", "last"]}],
        "deletable_bytes_estimate": 12,
    }
    told = jvs("gc", "plan")
    assert told.first.startswith("GC Plan: ")
    assert f"{two[0]}  lineage" in told.out


def test_a_run_deletes_what_the_plan_says_and_history_shows_it(jvs: Jvs, two: tuple[str, str]) -> None:
    plan = plan_of(jvs, "--keep-last", "1")
    done = jvs("gc", "run", "--plan-id", plan, "--json").json
    assert (done["plan_id"], done["deleted"], done["failed"], done["reclaimed_bytes"]) == (
        plan,
        [two[0]],
        [],
        12,
    )
    again = jvs("gc", "run", "--plan-id", plan)
    assert (again.first, "carried out" in again.err) == ("Deleted 0 snapshots", True)
    shown = jvs("history", "--json").json
    assert [item.get("expired") for item in shown] == [None, True]
    assert "expired" in jvs("history").out
    assert jvs("restore", two[0], "--json", status=3).error["code"] == "E_SNAPSHOT_EXPIRED"
    assert jvs("verify", "--all", "--json").json["ok"]


def test_a_plan_overtaken_by_events_is_a_conflict(jvs: Jvs, two: tuple[str, str]) -> None:
    plan = plan_of(jvs, "--keep-last", "1")
    jvs("ref", "create", "wanted", two[0])
    found = jvs("gc", "run", "--plan-id", plan, "--json", status=4).error
    assert (found["code"], found["hint"]) == ("E_GC_PLAN_MISMATCH", "jvs gc plan")
    assert "ref wanted" in found["message"]
    jvs("restore", "wanted")


def test_pins_are_made_listed_and_removed(jvs: Jvs, two: tuple[str, str]) -> None:
    made = jvs("gc", "pin", "HEAD~1", "--reason", "paper", "--expires", "30d", "--json").json
    assert (made["snapshot_id"], made["reason"]) == (two[0], "paper")
    assert jvs("gc", "pins", "--json").json == [made]
    assert f"{made['pin_id']}  {two[0]}" in jvs("gc", "pins").out
    plan = jvs("gc", "plan", "--keep-last", "1", "--json").json
    assert (plan["candidate_count"], plan["protected_by_pin"]) == (0, 1)
    assert jvs("gc", "unpin", made["pin_id"], "--json").json == made
    assert jvs("gc", "pins").out == ""
    assert jvs("gc", "pins", "--json").json == []


@pytest.mark.parametrize(
    ("line", "code", "status"),
    [
        ("gc run --plan-id 0123456789ab", "E_PLAN_NOT_FOUND", 3),
        ("gc run", "E_USAGE", 2),
        ("gc unpin 0123456789ab", "E_PIN_NOT_FOUND", 3),
        ("gc pin nothing", "E_SNAPSHOT_NOT_FOUND", 3),
        ("gc pin HEAD --expires 2020-01-01", "E_USAGE", 2),
        ("gc plan --policy weekly", "E_USAGE", 2),
        ("gc plan --keep-last 0", "E_USAGE", 2),
        ("gc plan --keep-within soon", "E_USAGE", 2),
    ],
)
def test_mistakes_have_the_contracts_codes(
    jvs: Jvs, two: tuple[str, str], line: str, code: str, status: int
) -> None:
    assert jvs(*line.split(), "--json", status=status).error["code"] == code


def test_a_ref_that_cannot_be_read_stops_the_plan(jvs: Jvs, repo: Path, take: Callable[..., str]) -> None:
    take("one")
    jvs("ref", "create", "name", "HEAD")
    (repo / ".jvs/refs/name.json").write_text(json.dumps({}))
    assert jvs("gc", "plan", "--json", status=5).error["code"] == "E_REF_BROKEN"


def test_a_snapshot_is_dropped_and_the_history_says_so(jvs: Jvs, two: tuple[str, str]) -> None:
    made = jvs("gc", "plan", "--drop", "HEAD~1", "--json").json
    assert made["candidates"] == [{"snapshot_id": two[0], "bytes": 12}]
    assert made["kept"] == [{"snapshot_id": two[1], "reasons": ["head of main"]}]
    told = jvs("gc", "plan", "--drop", two[0])
    assert f"- {two[0]}  12 B" in told.out
    assert two[1] not in told.out
    assert jvs("gc", "run", "--plan-id", made["plan_id"]).first == "Deleted 1 snapshot, 12 B reclaimed"
    assert [item.get("expired") for item in jvs("history", "--json").json] == [None, True]
    gone = jvs("restore", two[0], "--json", status=3).error
    assert gone["code"] == "E_SNAPSHOT_EXPIRED"
    assert "dropped" in gone["message"]


def test_what_a_worktree_stands_at_is_not_dropped(jvs: Jvs, two: tuple[str, str]) -> None:
    refused = jvs("gc", "plan", "--drop", two[1], "--json", status=4).error
    assert refused["code"] == "E_GC_PLAN_MISMATCH"
    assert "head of main" in refused["message"]
    assert "jvs snapshot --lock --worktree main" in refused["hint"]
    assert (
        jvs("gc", "plan", "--drop", "HEAD", "--keep-last", "1", "--json", status=2).error["code"] == "E_USAGE"
    )


def test_what_can_be_undone_is_given_up(jvs: Jvs, two: tuple[str, str]) -> None:
    jvs("lock", "acquire")
    jvs("restore", two[0], "--inplace", "--force", "--reason", "look")
    assert "undo of main" in jvs("gc", "plan", "--drop", two[1], status=4).err
    assert jvs("undo", "--forget", "--force", status=2).err.startswith("jvs: E_USAGE")
    assert jvs("undo", "--forget").first == "Worktree 'main': gave up 1 step of undo and redo"
    assert jvs("undo", "--json", status=4).error["code"] == "E_NOTHING_TO_UNDO"
    assert jvs("gc", "pins", "--json").json == []
    jvs("gc", "plan", "--drop", two[1])
    assert jvs("verify", "--all", "--json").json["ok"]
