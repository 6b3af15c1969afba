"""Records mutated at random: whatever they say, the victim's home stays as it is and commands end by the contract."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as profile
from hypothesis import strategies as st

from jvs_core import Repository
from tests.core.operations.test_runs import DIGEST
from tests.hostile import every_command
from tests.hostile.meaning import contradictions
from tests.hostile.mutations import spoil
from tests.hostile.test_foreign_records import damage, intent
from tests.hostile.victim import Victim
from tests.properties.conftest import FULL

NOTEBOOK = {
    "cells": [],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@dataclass(frozen=True)
class Template:
    """A sound repository with a record of every kind, and what commands need to know of it."""

    place: Path
    known: dict[str, str]

    def copy(self, place: Path) -> Victim:
        """Make a victim in ``place`` who has a copy of the repository, and a home beside it."""
        for name in ("repo", "state", "own"):
            shutil.copytree(self.place / name, place / name, symlinks=True)
        return Victim.living_in(place / "home")


@contextmanager
def made() -> Iterator[Template]:
    with tempfile.TemporaryDirectory(prefix="jvs-fuzz-") as folder:
        place = Path(folder)
        victim = Victim(place / "home")
        with every_command.light(place, victim.environment()):
            known = fill(Repository.init(place / "repo", engine="copy"))
        (place / "own").mkdir()
        (place / "own/checkpoint").write_text(known.pop("checkpoint"))
        yield Template(place, known)


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    with made() as found:
        yield found


@pytest.fixture(scope="module")
def usual(template: Template) -> Told:
    """Return what is said of the template: its intent is of a dead process."""
    with tempfile.TemporaryDirectory(prefix="jvs-fuzz-") as folder:
        victim = template.copy(Path(folder))
        with every_command.light(Path(folder), victim.environment()):
            return told(Path(folder) / "repo")


def fill(repo: Repository) -> dict[str, str]:
    main = repo.root / "main"
    (main / "n.ipynb").write_text(json.dumps(NOTEBOOK))
    for text in "abc":
        (main / "f").write_text(text)
        repo.snapshot(text, lock=True)
    repo.annotate("HEAD~1", note="edited", add_tags=["good"])
    repo.annotate("HEAD", add_tags=["better"])
    repo.restore_inplace("HEAD~1", reason="back", lock=True)
    repo.refs.create("name", "HEAD")
    pin = repo.pins.create("HEAD", reason="kept")
    repo.worktrees.create("trial", labels={"owner": "ada"})
    repo.worktrees.create("theirs")
    repo.worktrees.create("mine")
    repo.locks.acquire("mine")
    with repo.hold() as lease:
        before = repo.snapshot("before", cells=json.dumps(NOTEBOOK).encode())
        started: dict[str, Any] = {
            "notebook": "n.ipynb",
            "input_path": "n.ipynb",
            "output_path": "n.out.ipynb",
            "parameters": {},
            "before_snapshot_id": before.snapshot_id,
            "notebook_sha256": DIGEST,
            "environment_digest": DIGEST,
        }
        run = repo.runs.start(lease, point="1" * 64, **started)
        (main / "f").write_text("d")
        after = repo.snapshot("after").snapshot_id
        repo.refs.create("before", before.snapshot_id)
        repo.refs.create("after", after)
        repo.runs.finish(
            run.run_id, "ok", error=None, after_snapshot_id=after, duration_s=1.0, metrics={"a": 1}
        )
    (main / "f").write_text("e")
    repo.snapshot("last", lock=True, cells=json.dumps(NOTEBOOK).encode())
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    plan = repo.gc.plan(keep_last=1)
    intent(repo.root, f"restore-{0:032x}", operation="restore", details={"temporary": ".x.00000000.tmp"})
    kept = repo.worktrees.get("trial").head_snapshot_id
    damage(repo.root, str(kept), paths=[b"f".hex()])
    other = Repository(repo.root, settings=replace(repo.settings, session="other"))
    other.locks.acquire("theirs")
    with (repo.root / ".jvs/config.toml").open("a") as config:
        config.write("[retention.weekly]\nkeep_weekly = 3\n")
    checkpoint = json.dumps(repo.audit.checkpoint().to_json())
    return {"run": run.run_id, "plan": plan.plan_id, "pin": pin.pin_id, "checkpoint": checkpoint}


Told = set[tuple[str, str]]


def told(repo: Path) -> Told:
    """Return what ``doctor --strict`` and ``verify --all`` say is wrong; their errors too."""
    found: Told = set()
    for line in (["doctor", "--strict"], ["verify", "--all"]):
        ended = every_command.run(line, at=repo, as_json=True)
        said = json.loads(ended.out)
        if ended.code is not None:
            found.add((line[0], ended.code))
            continue
        found |= {(each["code"], each["target"]) for each in said.get("findings", ())}
        found |= {
            (each["snapshot_id"], str(each["code"]))
            for each in said.get("snapshots", ())
            if each["tamper_detected"]
        }
        if not said.get("audit", {"ok": True})["ok"]:
            found.add(("audit", said["audit"]["error"]))
    return found


def test_the_fuzzer_runs_every_command() -> None:
    ran = {every_command.name_of(line) for line in every_command.all_lines()}
    assert ran == set(every_command.names())


def test_every_command_does_its_work_on_a_sound_repository(template: Template, tmp_path: Path) -> None:
    victim = template.copy(tmp_path)
    known = {**template.known, "repo": str(tmp_path / "repo"), "own": str(tmp_path / "own")}
    before = victim.canaries()
    with every_command.light(tmp_path, victim.environment()):
        for step in every_command.STEPS:
            for line in every_command.lines(step, **known):
                ended = every_command.run(line, at=tmp_path / "repo/main")
                assert ended.code == every_command.REFUSED.get(" ".join(line)), (line, ended)
        assert told(tmp_path / "repo") == set()
    assert contradictions(tmp_path / "repo") == []
    assert victim.canaries() == before


@pytest.mark.timeout(3600 if FULL else 300)
@profile(
    deadline=None,
    derandomize=not FULL,
    max_examples=400 if FULL else 12,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_record_makes_a_command_change_what_is_not_its_own(
    template: Template, usual: Told, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory(prefix="jvs-fuzz-") as folder:
        place = Path(folder)
        victim = template.copy(place)
        repo = place / "repo"
        known = {**template.known, "repo": str(repo), "own": str(place / "own")}
        for _ in range(data.draw(st.integers(1, 3))):
            note(spoil(repo, victim.home, data))
        before = victim.canaries()
        steps = data.draw(st.permutations(every_command.STEPS))
        as_json = data.draw(st.booleans())
        with every_command.light(place, victim.environment()):
            if told(repo) <= usual:
                assert contradictions(repo) == []
            for step in steps:
                for line in every_command.lines(step, **known):
                    ended = every_command.run(line, at=repo / "main", as_json=as_json)
                    assert "years of work" not in ended.out + ended.err, line
                    assert victim.canaries() == before, line
            if not told(repo):
                assert contradictions(repo) == []
        assert sorted(path.name for path in place.iterdir()) == ["home", "own", "repo", "state", "tmp"]
        assert list((place / "tmp").iterdir()) == []
