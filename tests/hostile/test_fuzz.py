"""Records mutated at random: whatever they say, the victim's home stays as it is and commands end by the contract."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jvs_core import Repository
from jvs_core.errors import JvsError
from jvs_core.settings import Settings
from tests.hostile.test_foreign_records import intent
from tests.hostile.victim import Victim
from tests.properties.conftest import FULL

IDS = ("1700000000000-00000001", "00000000-0000-4000-8000-000000000001", "a" * 12, "f" * 64, "trial", "HEAD")
PATHS = (
    "/etc/passwd",
    "..",
    "../..",
    "../../../home/Documents",
    "a\0b",
    "x" * 5000,
    "~",
    "",
    ".",
    "\udc80",
    "\n",
)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Make a repository with a record of every kind."""
    with (
        tempfile.TemporaryDirectory(prefix="jvs-fuzz-") as folder,
        mock.patch.dict(os.environ, {"JVS_STATE_DIR": f"{folder}/state", "JVS_CACHE_DIR": f"{folder}/cache"}),
    ):
        repo = Repository.init(Path(folder) / "repo", engine="copy")
        for text in "abc":
            (repo.root / "main/f").write_text(text)
            repo.snapshot(text, lock=True)
        repo.annotate("HEAD~1", note="edited", add_tags=["good"])
        repo.annotate("HEAD", add_tags=["better"])
        repo.restore_inplace("HEAD~1", reason="back", lock=True)
        repo.refs.create("name", "HEAD")
        repo.pins.create("HEAD")
        repo.worktrees.create("trial", labels={"owner": "ada"})
        repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
        repo.gc.plan()
        intent(repo.root, f"restore-{0:032x}", operation="restore", details={"temporary": ".x.00000000.tmp"})
        yield repo.root


def records(repo: Path) -> list[Path]:
    return sorted(
        path
        for path in (repo / ".jvs").rglob("*")
        if path.is_file() and "payload" not in path.parts and path.name != "repository"
    )


def mutated(value: Any, data: st.DataObject, hostile: list[str]) -> Any:
    """Return a JSON value with one part of it changed."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: mutated(value[key], data, hostile)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 5)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], mutated(value[at], data, hostile), *value[at + 1 :]]
    return data.draw(st.sampled_from([*hostile, None, True, -1, 2**70, 0.5, [], {}, ["x"]]))


def spoil(repo: Path, home: Path, data: st.DataObject) -> None:
    """Change one record as somebody might who can write to ``.jvs``."""
    hostile = [*IDS, *PATHS, *(str(home / name) for name in ("Documents", "settings", "catalogue", ".ssh"))]
    there = records(repo)
    path = data.draw(st.sampled_from(there))
    other = data.draw(st.sampled_from(there))
    how = data.draw(
        st.sampled_from(
            ["json", "json", "json", "json", "remove", "copy", "swap", "cut", "link", "fifo", "folder"]
        )
    )
    if how == "json":
        try:
            value = json.loads(path.read_bytes())
        except ValueError:
            path.write_bytes(path.read_bytes()[::-1])
            return
        path.write_text(json.dumps(mutated(value, data, hostile)), errors="surrogatepass")
    elif how == "copy":
        path.with_name(f"{other.name}.json" if other.name == path.name else other.name).write_bytes(
            path.read_bytes()
        )
    elif how == "swap":
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, 200))])
    else:
        path.unlink()
        if how == "link":
            path.symlink_to(home / "settings.json")
        elif how == "fifo":
            os.mkfifo(path)
        elif how == "folder":
            path.mkdir()


def act(root: Path, settings: Settings) -> bool:
    """Do all that a person does; return whether verify or doctor said something."""
    told = False
    codes: set[str] = set()

    def attempt(work: Any) -> Any:
        try:
            return work()
        except JvsError as error:
            codes.add(error.code)
            return None

    repo = attempt(lambda: Repository(root, settings=settings))
    if repo is None:
        return True
    works = [
        repo.status,
        lambda: repo.snapshot("x", lock=True),
        lambda: repo.history(every=True, unreadable=[]),
        lambda: repo.annotate("HEAD", note="x"),
        lambda: repo.gc.run(repo.gc.plan(keep_last=1).plan_id),
        lambda: [repo.gc.run(name[:-5]) for name in os.listdir(root / ".jvs/gc/plans")],
        lambda: repo.worktrees.all([]),
        lambda: repo.worktrees.remove("trial", force=True),
        lambda: repo.restore("HEAD", name="back"),
        lambda: repo.undo(lock=True),
        lambda: repo.refs.delete("name"),
        lambda: repo.runs.all([]),
        repo.pins.all,
    ]
    report = attempt(repo.doctor)
    told |= report is None or bool(report.findings)
    verified = attempt(lambda: repo.verify(every=True))
    told |= verified is None or not verified.ok
    for work in works:
        attempt(work)
    repairs = ["clean_tmp", "clean_locks", "clean_intents", "finish_restore", "advance_head", "set_aside"]
    attempt(lambda: repo.doctor(repairs=repairs))
    assert "E_INTERNAL" not in codes
    return told


@pytest.mark.timeout(600)
@settings(
    deadline=None,
    derandomize=not FULL,
    max_examples=1000 if FULL else 60,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_record_makes_jvs_change_what_is_not_its_own(template: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory(prefix="jvs-fuzz-") as folder:
        place = Path(folder)
        victim = Victim.living_in(place / "home")
        subprocess.run(["cp", "-a", template, place / "repo"], check=True)
        for _ in range(data.draw(st.integers(1, 3))):
            spoil(place / "repo", victim.home, data)
        before = victim.canaries()
        mine = Settings("v", "here", "default", None, place / "state", place / "cache", place / "config")
        act(place / "repo", mine)
        assert victim.canaries() == before
