"""Intents: there before the work and gone after it."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from jvs_core import clock, files, syncing
from jvs_core.control import process
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import journal
from jvs_core.errors import AlreadyExists, EngineFailed, FencingMismatch
from jvs_core.settings import Settings

ONE = "1700000000000-00000001"
DETAILS: dict[str, Any] = {"parent_snapshot_id": None, "note": ""}


def test_an_intent_is_pending_until_it_is_completed(layout: Layout, ada: Settings) -> None:
    made = journal.begin(
        layout, ada, "snapshot", worktree="main", snapshot_id=ONE, fencing_token=3, **DETAILS
    )
    assert (made.intent_id, made.details, made.holder_id) == (f"snapshot-{ONE}", DETAILS, "ada@here")
    (found,), unreadable = journal.pending(layout)
    assert (found.to_json(), unreadable) == (made.to_json(), [])
    assert journal.is_own(found)
    assert journal.state(found, ada) is True
    journal.require(layout, made)
    with pytest.raises(AlreadyExists):
        journal.begin(layout, ada, "snapshot", snapshot_id=ONE, **DETAILS)
    journal.complete(layout, made)
    with pytest.raises(FencingMismatch, match="treated it as dead"):
        journal.require(layout, made)
    journal.complete(layout, made, durable=True)
    assert journal.pending(layout) == ([], [])


@pytest.mark.parametrize("durable", [True, False])
def test_only_a_durable_end_is_waited_for(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    made = journal.begin(layout, ada, "snapshot", snapshot_id=ONE, **DETAILS)
    synced: list[Path] = []
    monkeypatch.setattr(syncing, "sync_folder", synced.append)
    journal.complete(layout, made, durable=durable)
    assert synced == ([layout.intents] if durable else [])


def test_what_another_user_wrote_is_not_one_s_own(layout: Layout, ada: Settings) -> None:
    made = journal.begin(layout, ada, "snapshot", snapshot_id=ONE, **DETAILS)
    ((found,), _) = journal.pending(layout)
    assert journal.is_own(found)
    assert journal.is_own(made)
    assert not journal.is_own(found.model_copy(update={"uid": os.geteuid() + 1}))


@pytest.mark.parametrize(("running", "dead"), [(True, False), (None, False), (False, True)])
def test_only_what_is_known_to_have_ended_is_dead(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch, running: bool | None, dead: bool
) -> None:
    made = journal.begin(layout, ada, "snapshot", snapshot_id=ONE, **DETAILS)
    monkeypatch.setattr(process, "is_running", lambda *_args, **_more: running)
    assert journal.is_dead(layout, ada, made) is dead
    journal.complete(layout, made)
    assert not journal.is_dead(layout, ada, made)


def test_many_restores_of_one_snapshot_may_be_under_way(layout: Layout, ada: Settings) -> None:
    made = [
        journal.begin(layout, ada, "restore", snapshot_id=ONE, temporary=".w.00000000.tmp") for _ in range(3)
    ]
    assert len({intent.intent_id for intent in made}) == 3
    assert len(journal.pending(layout)[0]) == 3


def test_the_oldest_comes_first_and_what_cannot_be_read_is_named(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in (3, 1, 2):
        monkeypatch.setattr(clock, "now_ms", lambda moment=moment: 1_700_000_000_000 + moment)
        journal.begin(layout, ada, "ref_create", ref=f"op{moment}")
    (layout.intents / "bad.json").write_text("{")
    (layout.intents / "half.json.tmp").write_text("{")
    found, unreadable = journal.pending(layout)
    assert ([intent.details["ref"] for intent in found], unreadable) == (["op1", "op2", "op3"], ["bad.json"])


HOSTILE: list[dict[str, Any]] = [
    {"intent_id": "/etc/passwd"},
    {"intent_id": "restore_path-../../x"},
    {"worktree_id": "/home/victim/catalogue"},
    {"worktree": "../main"},
    {"snapshot_id": "../../x"},
    {"operation": "remove_everything"},
    {"details": {"temporary": b"thesis.ipynb".hex()}},
    {"details": {"temporary": b"../.jvs-restore-00000000".hex()}},
    {"details": {"temporary": b"/tmp/.jvs-restore-00000000".hex()}},
    {"details": {"temporary": b".jvs-restore-x".hex()}},
    {"details": {"temporary": "zz"}},
    {"details": {}},
    {"pid": "1"},
]


@pytest.mark.parametrize("change", HOSTILE)
def test_an_intent_that_jvs_could_not_have_written_cannot_be_read(
    layout: Layout, ada: Settings, change: dict[str, Any]
) -> None:
    temporary = b"deep/.jvs-restore-0011223344556677".hex()
    made = journal.begin(layout, ada, "restore_path", worktree="main", temporary=temporary, pre=None)
    path = layout.intents / f"{made.intent_id}.json"
    assert journal.pending(layout)[1] == []
    path.write_text(json.dumps({**made.to_json(), **change}))
    assert journal.pending(layout) == ([], [path.name])


def test_an_intent_under_another_name_cannot_be_read(layout: Layout, ada: Settings) -> None:
    made = journal.begin(layout, ada, "ref_create", ref="name")
    path = layout.intents / f"{made.intent_id}.json"
    path.rename(layout.intents / "other.json")
    assert journal.pending(layout) == ([], ["other.json"])


def test_a_sign_of_life_is_given_while_the_operation_runs(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SIGN_OF_LIFE_S", 0.01)
    made = journal.begin(layout, ada, "ref_create", ref="name")
    path = layout.intents / f"{made.intent_id}.json"
    os.utime(path, (0, 0))
    deadline = time.monotonic() + 10
    while path.stat().st_mtime == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    journal.complete(layout, made)
    time.sleep(0.05)
    assert not path.exists()


def test_a_mount_that_hangs_once_does_not_end_the_signs_of_life(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch, failed = files.touch, threading.Event()

    def hangs_once(path: Path) -> None:
        if not failed.is_set():
            failed.set()
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        touch(path)

    monkeypatch.setattr(process, "SIGN_OF_LIFE_S", 0.01)
    monkeypatch.setattr(files, "touch", hangs_once)
    made = journal.begin(layout, ada, "ref_create", ref="name")
    assert failed.wait(10)
    path = layout.intents / f"{made.intent_id}.json"
    os.utime(path, (0, 0))
    deadline = time.monotonic() + 10
    while path.stat().st_mtime == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    journal.complete(layout, made)


def test_an_intent_that_was_removed_is_not_brought_back_by_its_operation(
    layout: Layout, ada: Settings
) -> None:
    made = journal.begin(layout, ada, "ref_create", ref="name")
    (layout.intents / f"{made.intent_id}.json").unlink()
    with (
        critical.exclusive(layout.repository_lock),
        pytest.raises(FencingMismatch, match="treated it as dead"),
    ):
        journal.revise(layout, made, ref="other")
    assert journal.pending(layout) == ([], [])
    with pytest.raises(FencingMismatch) as caught, journal.standing(layout, made):
        raise EngineFailed("no such file")
    assert isinstance(caught.value.__cause__, EngineFailed)
    journal.complete(layout, made)


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
@pytest.mark.parametrize("shared", [True, False])
def test_nobody_else_can_write_an_intent(layout: Layout, ada: Settings, umask: int, shared: bool) -> None:
    layout = Layout(layout.root, shared)
    before = os.umask(umask)
    try:
        made = journal.begin(layout, ada, "ref_create", ref="name")
        with critical.exclusive(layout.repository_lock):
            journal.revise(layout, made, ref="other")
    finally:
        os.umask(before)
    path = layout.intents / f"{made.intent_id}.json"
    assert not path.stat().st_mode & 0o022
    assert [intent.details["ref"] for intent in journal.pending(layout)[0]] == ["other"]
    path.chmod(0o660)
    assert journal.pending(layout) == ([], [path.name])
    journal.complete(layout, made)
