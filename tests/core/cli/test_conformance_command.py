"""``jvs conformance run``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core.conformance import Requirement, requirements, runner
from tests.core.cli.conftest import Jvs


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a profile have three requirements: one met, one not to be met, one skipped."""

    def fail(_scene: object) -> None:
        raise ValueError("not so")

    met = next(one for one in requirements() if one.id == "storage.rename-new")
    skipped = next(one for one in requirements() if one.id == "engine.juicefs-clone")
    found = [met, Requirement("a.b", "Never met", "dev", fail), skipped]
    monkeypatch.setattr(runner, "requirements", lambda profile: found)


@pytest.mark.usefixtures("few")
def test_each_requirement_is_a_line_and_one_that_is_not_met_ends_with_5(repo: Path, jvs: Jvs) -> None:
    before = sorted(os.listdir(repo))
    shown = jvs("conformance", "run", status=5).out.splitlines()
    assert [line.split()[0] for line in shown if not line.startswith(" ")] == ["PASS", "FAIL", "SKIP", "1"]
    assert "      ValueError: not so" in shown
    found = jvs("conformance", "run", "--json", status=5).json
    assert set(found) == {"profile", "passed", "failed", "results"}
    assert (found["profile"], found["passed"], found["failed"]) == ("dev", 1, 1)
    assert set(found["results"][0]) == {"id", "title", "status", "reason", "facts"}
    assert sorted(os.listdir(repo)) == before
    assert [record["operation"] for record in jvs("audit", "log", "--json").json] == ["init"]


@pytest.mark.usefixtures("few")
def test_outside_a_repository_the_current_folder_is_tried(
    tmp_path: Path, jvs: Jvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jvs("conformance", "run", status=5)
    assert os.listdir(tmp_path) == []
    assert (
        jvs("conformance", "run", "--repo", "nowhere", "--json", status=3).error["code"]
        == "E_NOT_A_REPOSITORY"
    )
    jvs("conformance", "run", "--profile", "prod", status=2)
