"""``jvs verify --subset``: which share was read, when each was, and what is missing."""

from __future__ import annotations

from pathlib import Path

from tests.core.cli.conftest import Jvs


def test_it_says_what_was_read_and_what_is_missing(jvs: Jvs, two: tuple[str, str]) -> None:
    out = jvs("verify", "--subset", "next/2").out
    assert f"{two[0]}  OK  (share 1/2 of its contents was read)" in out
    assert "share 1/2: " in out
    assert "  2/2  not read yet in 2 snapshots" in out
    assert f"not yet read completely: 2 snapshots, the oldest {two[0]}" in out
    out = jvs("verify", "--all", "--subset", "next/2").out
    assert "share 2/2: " in out
    assert "everything has been read since " in out
    found = jvs("verify", "--subset", "1/2", "--json").json
    assert set(found) == {"ok", "snapshots", "audit", "subset"}
    assert (found["subset"]["share"], found["subset"]["of"]) == (1, 2)
    assert set(found["subset"]["last_read"]) == set(two)


def test_it_is_one_of_all_snapshots(jvs: Jvs, two: tuple[str, str], tmp_path: Path) -> None:
    assert jvs("verify", two[0], "--subset", "1/2", "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("verify", "--export", "x", "--subset", "1/2", "--json", status=2).error["code"] == "E_USAGE"
    assert "next/7" in jvs("verify", "--subset", "half", "--json", status=2).error["hint"]
