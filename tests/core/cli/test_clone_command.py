"""``jvs clone`` and ``jvs import``: what they print, and how they end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.core.cli.conftest import Jvs
from tests.core.operations.moving.test_import import unpack
from tests.support.damage import payload_file, rot


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    repo = Repository.init("repo", engine="copy")
    (repo.root / "main" / "a").write_text("a")
    repo.snapshot("first", lock=True)
    return repo


def test_a_clone_says_where_it_is_and_what_came(source: Repository, tmp_path: Path, jvs: Jvs) -> None:
    ended = jvs("clone", "repo/main", "copy")
    assert ended.first == f"Cloned repo/main to {tmp_path}/copy"
    assert "Snapshots: 1" in ended.out
    found = jvs("clone", "repo", "other", "--json").json
    assert found == {
        "repo_root": str(tmp_path / "other"),
        "repo_id": Repository.open("other").repo_id,
        "snapshots": 1,
        "refused": [],
        "unsaved": [],
    }
    moved = jvs("clone", "repo", "moved", "--same-id", "--json").json
    assert moved["repo_id"] == source.repo_id


def test_unsaved_changes_are_named(source: Repository, jvs: Jvs) -> None:
    (source.root / "main" / "new").write_text("new")
    assert "worktree main has changes that are in no snapshot" in jvs("clone", "repo", "copy").err
    refused = jvs("clone", "repo", "moved", "--same-id", "--json", status=4).error
    assert refused["code"] == "E_UNSAVED_CHANGES"
    assert "--worktree main" in refused["hint"]


def test_a_refused_snapshot_is_named_and_the_status_tells(source: Repository, jvs: Jvs) -> None:
    (source.root / "main" / "b").write_text("b")
    second = source.snapshot(lock=True).snapshot_id
    rot(payload_file(source, second, "b"))
    ended = jvs("clone", "repo", "copy", status=5)
    assert "1 snapshot could not be taken over:" in ended.out
    assert f"{second}  REFUSED  E_PAYLOAD_HASH_MISMATCH" in ended.out
    found = jvs("clone", "repo", "other", "--json", status=5).json
    assert [each["snapshot_id"] for each in found["refused"]] == [second]
    assert (found["snapshots"], os.listdir("other/main")) == (1, ["a"])


@pytest.mark.parametrize("name", [".", "..", "", "x/", "a/..", "-x", "a b"])
def test_what_is_no_name_is_refused(source: Repository, jvs: Jvs, name: str) -> None:
    assert jvs("clone", "repo", "--json", "--", name, status=2).error["code"] == "E_NAME_INVALID"
    assert sorted(os.listdir()) == ["repo"]


def test_the_options_of_a_repository_have_no_meaning(source: Repository, jvs: Jvs) -> None:
    assert jvs("--repo", "repo", "clone", "repo", "x", "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("clone", "nowhere", "x", "--json", status=3).error["code"] == "E_NOT_A_REPOSITORY"
    assert jvs("clone", "repo", "no/x", "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"


def test_an_import_says_of_each_snapshot_whether_it_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jvs: Jvs
) -> None:
    monkeypatch.chdir(tmp_path)
    for version in ("v6.5", "v8.2"):
        (tmp_path / version).mkdir()
        unpack(version, tmp_path / version)
    ended = jvs("import", "v8.2/old82", "new")
    assert ended.first == f"Imported 4 snapshots to {tmp_path}/new"
    assert "1795917902827-f928ba75  OK  (partial: sub)" in ended.out
    found = jvs("import", "v6.5/old65", "old", "--json").json
    assert found.keys() == {"repo_root", "repo_id", "imported", "refused"}
    assert {each["checked"] for each in found["imported"]} == {False}
    assert jvs("--repo", "v8.2/old82", "info", "--json", status=6).error["hint"].count("jvs import") == 1
