"""Members of a group that shares a repository: what one of them writes there has nobody else's rights."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import JvsError, Repository, Settings, files
from jvs_core.control.layout import Layout
from jvs_core.control.records import journal
from jvs_core.errors import GcPlanMismatch, LockConflict
from tests.hostile.team import ANN, MALLORY, TEAM, settings
from tests.hostile.victim import PROCESS
from tests.support.users import as_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")


@pytest.fixture
def team(place: Path) -> Repository:
    """Return root's repository of the group, with a private worktree of Ann's and one of Mallory's."""
    repo = Repository.init(place / "team", shared=True, settings=settings(place, 0))
    (repo.root / "main/notes.txt").write_text("notes")
    repo.snapshot("first", lock=True)
    for name, uid in (("ann", ANN), ("mallory", MALLORY)):
        repo.worktrees.create(name)
        folder = repo.worktrees.path(name)
        for path in (*folder.rglob("*"), folder):
            os.chown(path, uid, TEAM)
        folder.chmod(0o700)
    return repo


def planted(repo: Repository, uid: int, operation: str, details: dict[str, Any], *, old: bool) -> Path:
    """Plant an intent about Ann's worktree as somebody of the group can."""
    name = f"{operation}-{0:032x}"
    record = {
        "intent_id": name,
        "operation": operation,
        "worktree": "ann",
        "worktree_id": _worktree_id(repo),
        "snapshot_id": None,
        "fencing_token": 1,
        "holder_id": "ann@here",
        "started_at": "2020-01-01T00:00:00.000Z",
        "details": details,
        **PROCESS,
    }
    path = repo.root / ".jvs/intents" / f"{name}.json"
    path.write_text(json.dumps(record))
    os.chown(path, uid, TEAM)
    if old:
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    return path


def _worktree_id(repo: Repository) -> str:
    config = json.loads((repo.root / ".jvs/worktrees/ann/config.json").read_text())
    return str(config["worktree_id"])


def test_what_a_member_plants_excuses_nothing(team: Repository, place: Path) -> None:
    """A head set back, a ref and a payload gone, and an intent beside each that says that it is being done."""
    for text in "ab":
        (team.root / "main/notes.txt").write_text(text)
        team.snapshot(text, lock=True)
    team.refs.create("release", "HEAD~1")
    known = [item.descriptor.snapshot_id for item in team.history()]
    control = team.root / ".jvs"
    heads = control / "worktrees/main/heads"
    head = json.loads((heads / max(os.listdir(heads), key=int)).read_text())
    head |= {"number": head["number"] + 1, "snapshot_id": known[-1]}
    (heads / str(head["number"])).write_text(json.dumps(head))
    (control / "refs/release.json").unlink()
    tombstone = {
        "snapshot_id": known[1],
        "plan_id": "0123456789ab",
        "removed_at": "2026-01-01T00:00:00.000Z",
        "removed_by": "ann@here",
        "stub": True,
        "descriptor": json.loads((control / f"descriptors/{known[1]}.json").read_text()),
    }
    (control / f"gc/tombstones/{known[1]}.json").write_text(json.dumps(tombstone))
    (control / f"snapshots/{known[1]}").rename(place / "stolen")
    config = json.loads((control / "worktrees/main/config.json").read_text())
    for operation, details in (
        ("snapshot", {"parent_snapshot_id": None, "note": ""}),
        ("ref_delete", {"ref": "release"}),
        ("gc_run", {"plan_id": "0123456789ab"}),
    ):
        path = planted(team, MALLORY, operation, details, old=False)
        record = json.loads(path.read_text()) | {"worktree": "main", "worktree_id": config["worktree_id"]}
        path.write_text(json.dumps(record | {"boot_id": "another", "machine_id": None}))
        path.chmod(0o644)
        os.chown(path, MALLORY, TEAM)
        os.utime(path, (time.time() + 3e8, time.time() + 3e8))
    found = {(finding.code, finding.target) for finding in team.doctor(strict=True).findings}
    assert ("E_HEAD_FOREIGN", "main") in found, found
    assert any(target == "release" and code.startswith("E_") for code, target in found), found
    assert any(target == known[1] and code.startswith("E_") for code, target in found), found
    assert sum(code == "W_INTENT_AHEAD" for code, _ in found) == 3
    verified = team.verify(every=True)
    assert not verified.audit.ok
    assert {report.snapshot_id for report in verified.snapshots if report.tamper_detected} == {known[1]}
    with pytest.raises(JvsError):
        team.gc.plan(keep_last=1)


@pytest.mark.parametrize("old", [True, False])
def test_nobody_carries_out_what_another_member_wrote(team: Repository, place: Path, old: bool) -> None:
    folder = team.worktrees.path("ann")
    thesis = folder / ".jvs-restore-0011223344556677"
    thesis.write_text("a file that only looks like one of JVS")
    os.chown(thesis, ANN, TEAM)
    copy = planted(
        team, MALLORY, "restore_path", {"temporary": thesis.name.encode().hex(), "pre": None}, old=old
    )
    with as_user(MALLORY, TEAM):
        theirs = Repository(team.root, worktree="mallory", settings=settings_of(place, MALLORY))
        (theirs.worktrees.path("mallory") / "random.py").write_text("evil")
        sid = theirs.snapshot("x", lock=True).snapshot_id
    head = team.worktrees.get("ann").head_snapshot_id
    number = max(int(path.name) for path in (team.root / ".jvs/worktrees/ann/heads").iterdir())
    whole: dict[str, Any] = {
        "operation_name": "restore",
        "content": sid,
        "head": head,
        "pre": head,
        "undo": [],
        "reason": "x",
        "seen_head": number,
    }
    restore = planted(team, MALLORY, "restore_inplace", whole, old=old)
    with as_user(ANN, TEAM):
        hers = Repository(team.root, worktree="ann", settings=settings_of(place, ANN))
        (folder / "today.txt").write_text("unsaved work of today")
        taken = hers.snapshot("mine", lock=True)
        hers.doctor(repairs=["finish_restore", "clean_intents", "clean_tmp"])
    assert thesis.exists()
    assert sorted(path.name for path in folder.iterdir()) == [thesis.name, "notes.txt", "today.txt"]
    assert team.worktrees.get("ann").head_snapshot_id == taken.snapshot_id
    assert copy.exists()
    assert restore.exists()
    found = {finding.code for finding in team.doctor().findings}
    assert ("W_INTENT_OF_ANOTHER" in found) == old


def _restore_of_mallorys(repo: Repository, place: Path) -> dict[str, Any]:
    """Return what an in-place restore of Ann's worktree to a snapshot of Mallory's says; Ann works there meanwhile."""
    (repo.worktrees.path("mallory")).chmod(0o755)
    with as_user(MALLORY, TEAM):
        theirs = Repository(repo.root, worktree="mallory", settings=settings_of(place, MALLORY))
        (theirs.worktrees.path("mallory") / "random.py").write_text("evil")
        sid = theirs.snapshot("x", lock=True).snapshot_id
    with as_user(ANN, TEAM):
        hers = Repository(repo.root, worktree="ann", settings=settings_of(place, ANN))
        (hers.worktrees.path("ann") / "thesis").write_text("work")
        head = hers.snapshot("mine", lock=True).snapshot_id
    number = max(int(path.name) for path in (repo.root / ".jvs/worktrees/ann/heads").iterdir())
    return {
        "operation_name": "restore",
        "content": sid,
        "head": head,
        "pre": head,
        "undo": [],
        "reason": "x",
        "seen_head": number,
    }


@pytest.mark.parametrize("how", ["move", "link"])
def test_a_file_of_yours_that_a_member_rewrote_is_no_intent(team: Repository, place: Path, how: str) -> None:
    details = _restore_of_mallorys(team, place)
    path = planted(team, MALLORY, "restore_inplace", details, old=True)
    words = path.read_bytes()
    path.unlink()
    with as_user(MALLORY, TEAM):
        taken = team.root / ".jvs/descriptors" / f"{details['head']}.json"
        kept = taken.read_bytes()
        os.rename(taken, path) if how == "move" else os.link(taken, path)
        taken.unlink(missing_ok=True)
        taken.write_bytes(kept)
        path.write_bytes(words)
    assert path.stat().st_uid == ANN
    folder = team.worktrees.path("ann")
    with as_user(ANN, TEAM):
        hers = Repository(team.root, worktree="ann", settings=settings_of(place, ANN))
        (folder / "today").write_text("unsaved work of today")
        hers.snapshot("next", lock=True)
    assert sorted(entry.name for entry in folder.iterdir()) == ["notes.txt", "thesis", "today"]


def test_owner_and_words_of_an_intent_are_of_one_file(team: Repository, place: Path) -> None:
    path = planted(team, MALLORY, "restore_inplace", _restore_of_mallorys(team, place), old=True)
    hers = path.with_name("hers")
    hers.write_text("{}")
    os.chown(hers, ANN, TEAM)
    racer = os.fork()
    if racer == 0:
        try:
            os.setgroups([])
            os.setresgid(TEAM, TEAM, TEAM)
            os.setresuid(MALLORY, MALLORY, MALLORY)
            while True:
                with contextlib.suppress(OSError):
                    files.exchange(path, hers)
        finally:
            os._exit(1)
    layout = Layout(team.root, shared=True)
    try:
        with as_user(ANN, TEAM):
            end = time.monotonic() + 3
            while time.monotonic() < end:
                assert not any(journal.is_own(intent) for intent in journal.pending(layout)[0])
    finally:
        os.kill(racer, signal.SIGKILL)
        os.waitpid(racer, 0)


def test_the_unfinished_restore_of_another_blocks_only_what_would_build_on_it(
    team: Repository, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    details = _restore_of_mallorys(team, place)
    planted(team, MALLORY, "restore_inplace", details, old=True)
    with as_user(ANN, TEAM):
        hers = Repository(team.root, worktree="ann", settings=settings_of(place, ANN))
        blocked: list[Callable[[], object]] = [
            lambda: hers.restore_inplace(details["head"], reason="back", lock=True),
            lambda: hers.undo(lock=True),
            lambda: hers.restore_path(details["head"], "thesis", inplace=True, reason="back", lock=True),
            lambda: hers.worktrees.rename("ann", "anna"),
            lambda: hers.worktrees.remove("ann", force=True),
        ]
        for attempt in blocked:
            with pytest.raises(LockConflict, match=f"uid {MALLORY}"):
                attempt()
        assert not caplog.records
        hers.snapshot("goes on", lock=True)
        assert [f"uid {MALLORY}" in record.getMessage() for record in caplog.records] == [True]
        assert (hers.worktrees.path("ann") / "thesis").read_text() == "work"
        hers.restore_inplace(
            details["head"], reason="back", lock=True
        )  # the head moved: the other one is void


def settings_of(place: Path, uid: int) -> Settings:
    """Return a user's settings whose folders the fixture made for root to see."""
    state = place / f"state-{uid}"
    return Settings(f"u{uid}", "here", "default", "copy", state / "state", state / "cache", state / "config")


@pytest.fixture(autouse=True)
def _states(place: Path) -> None:
    for uid in (ANN, MALLORY):
        settings(place, uid)


@pytest.fixture
def real_place(workdir: Path) -> Path:
    """Return a folder of a real file system that the group can reach."""
    os.chown(workdir, 0, TEAM)
    workdir.chmod(0o2750)
    return workdir


def test_what_a_manifest_says_of_owners_gives_nothing_to_anybody(place: Path, real_place: Path) -> None:
    before = os.umask(0o022)
    try:
        who = replace(settings(place, 0), engine=None)
        repo = Repository.init(real_place / "team", shared=True, settings=who)
        main = repo.root / "main"
        for name, uid in (("roots", 0), ("anns", ANN), ("mallorys", MALLORY)):
            (main / name).write_text("evil")
            os.chown(main / name, uid, TEAM)
        (main / "folder").mkdir()
        os.chown(main / "folder", ANN, TEAM)
        os.symlink("x", main / "link")
        os.chown(main / "link", ANN, TEAM, follow_symlinks=False)
        os.chown(main, MALLORY, TEAM)
        taken = repo.snapshot("forged", lock=True)
        repo.worktrees.create("w", from_=taken.snapshot_id)
        made = repo.worktrees.path("w")
        assert {path.lstat().st_uid for path in (made, *made.rglob("*"))} == {0}
        for path in (made, *made.rglob("*")):
            os.chown(path, MALLORY, MALLORY, follow_symlinks=False)
        made.chmod(0o700)
        assert {path.lstat().st_uid for path in (made, *made.rglob("*"))} == {MALLORY}
        (main / "anns").write_text("hers")
        os.chown(main / "anns", ANN, TEAM)
        (main / "mallorys").unlink()
        repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
        owners = {path.name: path.lstat().st_uid for path in main.iterdir()}
        assert owners == {"roots": 0, "anns": ANN, "mallorys": 0, "folder": ANN, "link": ANN}
        assert repo.status().clean
    finally:
        os.umask(before)


def test_a_link_put_in_the_place_of_a_new_folder_is_not_followed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = place / "secret"
    secret.mkdir(mode=0o700)
    make = os.mkdir

    def swapped(name: str, *arguments: int, dir_fd: int) -> None:
        make(name, *arguments, dir_fd=dir_fd)
        os.rename(name, f"{name}.away", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        os.symlink(secret, name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", swapped)
    with pytest.raises(OSError, match="Not a directory"):
        files.make_folder(place / "plans", mode=0o2770)
    assert secret.stat().st_mode & 0o777 == 0o700


def test_what_tells_of_a_closed_worktree_is_closed_to_the_group(team: Repository, place: Path) -> None:
    with as_user(ANN, TEAM):
        hers = Repository(team.root, worktree="ann", settings=settings_of(place, ANN))
        taken = hers.snapshot("mine", lock=True, cells=b'{"cells": []}')
    folder = team.root / ".jvs/snapshots" / taken.snapshot_id
    for name in ("manifest", "cells.ipynb", "payload"):
        assert not (folder / name).stat().st_mode & 0o077, name
    assert not (team.root / ".jvs").stat().st_mode & 0o007
    for lock in (team.root / ".jvs/locks").rglob("*"):
        assert not lock.stat().st_mode & 0o007, lock


def test_a_control_plane_is_closed_as_far_as_its_worktrees_are(place: Path) -> None:
    repo = Repository.init(place / "own", settings=settings(place, 0))
    control = repo.root / ".jvs"
    assert control.stat().st_mode & 0o777 == (repo.root / "main").stat().st_mode & 0o777 & ~0o022
    (repo.root / "main").chmod(0o750)
    repo.snapshot("first", lock=True)
    assert control.stat().st_mode & 0o777 == 0o750
    (repo.root / "main").chmod(0o700)
    repo.snapshot("second", lock=True)
    assert control.stat().st_mode & 0o777 == 0o700
    assert not (control / "locks/repository").stat().st_mode & 0o077


def test_a_plan_is_carried_out_by_who_made_it_and_rewritten_by_nobody(team: Repository, place: Path) -> None:
    for text in "abc":
        (team.root / "main/notes.txt").write_text(text)
        team.snapshot(text, lock=True)
    plan = team.gc.plan(keep_last=3)
    path = team.root / f".jvs/gc/plans/{plan.plan_id}.json"
    kept = [item.descriptor.snapshot_id for item in team.history()]
    assert not path.stat().st_mode & 0o022
    data = path.read_bytes()
    path.write_text(json.dumps(json.loads(data) | {"candidates": kept}))
    os.chown(path, MALLORY, TEAM)
    with pytest.raises(GcPlanMismatch, match="another user"):
        team.gc.run(plan.plan_id)
    os.chown(path, 0, TEAM)
    path.chmod(0o660)
    with pytest.raises(GcPlanMismatch, match="others can write"):
        team.gc.run(plan.plan_id)
    path.write_bytes(data)
    path.chmod(0o640)
    assert team.gc.run(plan.plan_id).deleted == [one.snapshot_id for one in plan.candidates]
