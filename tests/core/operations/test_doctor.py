from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import InputError
from tests.support.metadata import metadata_of

KILLED = """
import os, sys
from operator import attrgetter
from jvs_core import Repository

class Killed:
    def started(self, step, total=None):
        if step == sys.argv[2]:
            os._exit(9)
    def advanced(self, amount=1): pass
    def finished(self, step): pass

repo = Repository.open(sys.argv[1])
attrgetter(sys.argv[3])(repo)(*sys.argv[4:], progress=Killed())
"""
STEPS = [
    "check",
    "intent",
    "clone",
    "manifest",
    "settle",
    "descriptor",
    "ready",
    "fence",
    "publish",
    "catalog",
    "head",
    "audit",
]
RUNTIME = ("clean_tmp", "clean_locks", "clean_intents", "finish_restore")


@pytest.fixture
def repo(workdir: Path) -> Repository:
    repo = Repository.init(workdir / "repo")
    (repo.root / "main" / "notes.txt").write_text("notes")
    repo.locks.acquire()
    repo.snapshot("one")
    (repo.root / "main" / "notes.txt").write_text("changed")
    return repo


def kill(repo: Repository, step: str, *call: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, repo.root, step, *call], check=False)
    assert done.returncode == 9


def test_a_new_repository_is_healthy(repo: Repository) -> None:
    report = repo.doctor(strict=True)
    assert (report.healthy, report.findings) == (True, [])


@pytest.mark.parametrize("step", STEPS)
def test_a_snapshot_killed_at_any_step_is_cleaned_up_or_completed(repo: Repository, step: str) -> None:
    before = metadata_of(repo.root / "main")
    kill(repo, step, "snapshot", "two")
    assert all(not found.tamper_detected for found in repo.verify(every=True).snapshots)
    report = repo.doctor(repairs=[*RUNTIME, "advance_head"], strict=True)
    assert [found for found in report.findings if found.severity != "info"] == []
    published = step in ("catalog", "head", "audit")
    assert [item.descriptor.note for item in repo.history()] == (["two", "one"] if published else ["one"])
    assert metadata_of(repo.root / "main") == before
    assert repo.status().clean is published
    repo.snapshot("three")
    assert repo.verify(every=True).ok
    assert os.listdir(repo.root / ".jvs" / "intents") == []


@pytest.mark.parametrize("step", ["clone", "settle", "register", "publish", "audit"])
def test_a_restore_killed_at_any_step_leaves_nothing_or_a_whole_worktree(repo: Repository, step: str) -> None:
    kill(repo, step, "worktrees.create", "exp")
    report = repo.doctor(repairs=RUNTIME, strict=True)
    assert [found for found in report.findings if found.severity != "info"] == []
    names = [info.name for info in repo.worktrees.all()]
    assert names == (["main", "exp"] if step == "audit" else ["main"])
    assert os.listdir(repo.root / "worktrees") == names[1:]
    if step != "audit":
        repo.worktrees.create("exp")


def test_looking_changes_nothing(repo: Repository) -> None:
    kill(repo, "ready", "snapshot", "two")
    before = metadata_of(repo.root / ".jvs")
    report = repo.doctor(strict=True)
    assert not report.healthy
    assert {found.repair for found in report.findings} == {"clean_tmp", "clean_intents"}
    assert metadata_of(repo.root / ".jvs") == before


def test_a_damaged_log_is_set_aside_and_the_repository_verifies_against_what_it_said(
    repo: Repository,
) -> None:
    path = repo.root / ".jvs" / "audit" / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert [found.repair for found in repo.doctor().findings] == ["audit_repair"]
    assert repo.doctor(repairs=["audit_repair"]).healthy
    assert repo.verify(every=True).ok
    kept = list((repo.root / ".jvs" / "audit").glob("damaged-*/audit.jsonl"))
    assert [len(found.read_bytes()) for found in kept] == [sum(map(len, [lines[0], *lines[2:]]))]


def test_an_unknown_repair_is_refused(repo: Repository) -> None:
    with pytest.raises(InputError):
        repo.doctor(repairs=["magic"])
