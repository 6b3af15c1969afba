"""Snapshots by time and tag on the command line, and completing them."""

from __future__ import annotations

from pathlib import Path

from jvs_core.cli.main import complete
from tests.core.cli.conftest import Jvs


def test_a_tag_and_a_time_name_a_snapshot(jvs: Jvs, two: tuple[str, str]) -> None:
    first, second = two
    jvs("annotate", first, "--add-tag", "start")
    assert jvs("show", "tag:start", "--json").json["snapshot_id"] == first
    assert jvs("compare", "tag:start", "@now").out == jvs("compare", first, second).out
    assert jvs("cat", "tag:start", "a.txt").out == "one\n"
    assert (
        jvs("restore", "@now", "--path", "a.txt", "--to", "back.txt", "--json").json["snapshot_id"] == second
    )


def test_what_is_too_old_is_not_found_with_the_oldest_as_a_hint(jvs: Jvs, two: tuple[str, str]) -> None:
    refused = jvs("restore", "@2001-01-01", "--json", status=3).error
    assert refused["code"] == "E_SNAPSHOT_NOT_FOUND"
    assert two[0] in refused["hint"]
    assert "2026-11-29T14:00" in jvs("show", "@whenever", "--json", status=3).error["hint"]
    assert jvs("show", "tag:nobody", "--json", status=3).error["code"] == "E_SNAPSHOT_NOT_FOUND"


def test_a_path_that_begins_like_a_time_is_still_a_path(jvs: Jvs, two: tuple[str, str]) -> None:
    Path("@types").mkdir()
    Path("@types/index.ts").write_text("1")
    Path("a.txt").write_text("three\n")
    assert jvs("compare", "@types").out.splitlines() == ["+ @types/index.ts"]


def test_they_are_completed(repo: Path, jvs: Jvs, two: tuple[str, str]) -> None:
    def completed(incomplete: str) -> list[str]:
        return [item.value for item in complete(["show"], incomplete)]

    assert completed("tag:") == ["tag:t"]
    assert "@yesterday" in completed("@")
    assert completed("ta") == ["tag:"]
