"""Notes and tags edited afterwards, and everything that goes by them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation
from jvs_core.errors import (
    AuditChainBroken,
    DescriptorCorrupt,
    GcPlanMismatch,
    InputError,
    JvsError,
    SnapshotExpired,
    SnapshotNotFound,
)
from tests.support.users import SOMEBODY, as_user


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository with three snapshots, the second of which has a tag."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for note, tags in (("one", []), ("two", ["old"]), ("three", [])):
        (repo.root / "main" / "f").write_text(note)
        repo.snapshot(note, tags=tags, lock=True)
    return repo


def ids(repo: Repository) -> list[str]:
    """Return all snapshots, oldest first."""
    return [item.descriptor.snapshot_id for item in reversed(repo.history(every=True))]


def place(repo: Repository, snapshot_id: str, number: int = 1) -> Path:
    return repo.root / ".jvs" / "annotations" / snapshot_id / str(number)


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_an_edit_leaves_the_descriptor_and_shows_everywhere(repo: Repository) -> None:
    second = ids(repo)[1]
    path = Layout(repo.root).descriptor(second)
    before = path.read_bytes()
    made = repo.annotate("HEAD~1", note="better", add_tags=["good", "best"], remove_tags=["old"])
    made = repo.annotate(second, remove_tags=["best"])
    assert path.read_bytes() == before
    assert (made.snapshot_id, made.note, made.tags) == (second, "better", ("good",))
    assert [(edit.note, edit.added_tags, edit.removed_tags) for edit in made.annotations] == [
        ("better", ("good", "best"), ("old",)),
        (None, (), ("best",)),
    ]
    assert (made.original.note, made.original.tags) == ("two", ("old",))
    assert repo.show(second).descriptor == made
    assert repo.history()[1].descriptor == made
    assert repo.beginning(second) == [made]
    assert [item.descriptor.snapshot_id for item in repo.history(tag="good")] == [second]
    assert [item.descriptor.snapshot_id for item in repo.history(tag="good", every=True)] == [second]
    assert repo.history(tag="old") == []
    assert "annotations" not in repo.show("HEAD").to_json()
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy


def test_the_log_holds_and_binds_each_edit(repo: Repository) -> None:
    made = repo.annotate("HEAD", note="n")
    record = repo.audit.log(1)[0]
    assert (record.operation, record.snapshot_id) == ("annotate", made.snapshot_id)
    data = place(repo, made.snapshot_id).read_bytes()
    assert record.details["annotation"] == json.loads(data)
    assert record.details["record_sha256"] == hashlib.sha256(data).hexdigest()
    assert made.annotations[0].created_by == repo.settings.holder_id


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"note": "two"},
        {"add_tags": ["old"]},
        {"remove_tags": ["new"]},
        {"add_tags": ["x"], "remove_tags": ["x"]},
        {"add_tags": [""]},
        {"add_tags": [" x"]},
        {"add_tags": ["x" * 201]},
        {"remove_tags": ["a\nb"]},
        {"note": "a\0b"},
        {"note": "x" * 65_537},
        {"note": "\udc80"},
    ],
)
def test_what_cannot_be_or_changes_nothing_is_refused(repo: Repository, asked: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        repo.annotate("HEAD~1", **asked)
    assert os.listdir(repo.root / ".jvs" / "annotations") == []
    assert repo.audit.log(1)[0].operation == "snapshot"


def test_a_note_can_be_taken_away(repo: Repository) -> None:
    assert repo.annotate("HEAD", note="").note == ""
    assert repo.show("HEAD").descriptor.note == ""


def test_only_a_whole_snapshot_can_be_annotated(repo: Repository) -> None:
    with pytest.raises(SnapshotNotFound):
        repo.annotate("1700000000000-00000000", note="n")
    first = ids(repo)[0]
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    with pytest.raises(SnapshotExpired):
        repo.annotate(first, note="n")
    assert not place(repo, first).exists()


def test_it_needs_no_lock_and_another_s_is_no_hindrance(repo: Repository) -> None:
    repo.locks.acquire()
    other = Repository(repo.root, settings=replace(repo.settings, session="other"))
    assert other.annotate("HEAD", add_tags=["x"]).tags == ("x",)


def test_who_may_not_write_the_repository_annotates_nothing(repo: Repository) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    with as_user(SOMEBODY), pytest.raises(JvsError):
        repo.annotate("HEAD", add_tags=["x"])
    assert repo.history(tag="x") == []


def test_retention_goes_by_the_tags_that_edits_gave(repo: Repository) -> None:
    first, second, third = ids(repo)
    repo.annotate(first, add_tags=["keep"])
    repo.annotate(second, remove_tags=["old"])
    plan = repo.gc.plan(keep_tag=["keep", "old"])
    assert [one.snapshot_id for one in plan.candidates] == [second]
    assert {one.snapshot_id: one.reasons for one in plan.kept}[first] == ["tag keep"]
    assert third in {one.snapshot_id for one in plan.kept}


def test_a_tag_given_after_the_plan_keeps_its_snapshot(repo: Repository) -> None:
    first = ids(repo)[0]
    plan = repo.gc.plan(keep_tag=["keep"])
    assert first in [one.snapshot_id for one in plan.candidates]
    repo.annotate(first, add_tags=["keep"])
    with pytest.raises(GcPlanMismatch, match="tag"):
        repo.gc.run(plan.plan_id)
    assert not repo.history()[-1].expired


@pytest.mark.parametrize("tags", [7, None, [["x"], {}, 1], {"x": 1}, "x"])
def test_a_plan_whose_tags_are_none_is_carried_out_without_them(repo: Repository, tags: Any) -> None:
    first = ids(repo)[0]
    repo.annotate(first, add_tags=["x"])
    plan = repo.gc.plan(keep_last=1)
    change(repo.root / ".jvs" / "gc" / "plans" / f"{plan.plan_id}.json", policy={"keep_tag": tags})
    assert first in repo.gc.run(plan.plan_id).deleted


def test_a_stub_keeps_its_edits_and_what_goes_whole_takes_them_along(repo: Repository) -> None:
    first, second, _ = ids(repo)
    repo.annotate(second, note="stub")
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    shown = repo.history()[1]
    assert (shown.expired, shown.descriptor.note) == (True, "stub")
    repo.worktrees.create("w", from_="HEAD")
    (repo.root / "worktrees" / "w" / "g").write_text("g")
    made = repo.snapshot("gone", worktree="w", lock=True)
    repo.annotate(made.snapshot_id, note="gone with it")
    repo.worktrees.remove("w")
    assert repo.gc.run(repo.gc.plan().plan_id).deleted == [made.snapshot_id]
    assert annotation.ids(Layout(repo.root)) == [second]
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy
    assert first in ids(repo)


def test_what_a_killed_gc_left_of_the_edits_is_deleted(repo: Repository) -> None:
    repo.worktrees.create("w", from_="HEAD")
    (repo.root / "worktrees" / "w" / "g").write_text("g")
    made = repo.snapshot("gone", worktree="w", lock=True)
    repo.annotate(made.snapshot_id, note="gone with it")
    repo.worktrees.remove("w")
    kept = repo.root / "kept"
    shutil.copytree(place(repo, made.snapshot_id).parent, kept)
    repo.gc.run(repo.gc.plan().plan_id)
    kept.rename(place(repo, made.snapshot_id).parent)
    assert [(found.code, found.repair) for found in repo.doctor().findings] == [("W_GC_TRASH", "clean_tmp")]
    assert repo.doctor(repairs=["clean_tmp"], strict=True).healthy
    assert annotation.ids(Layout(repo.root)) == []


def a_note_changed(repo: Repository, key: str) -> None:
    change(place(repo, key), note="forged")


def a_field_added(repo: Repository, key: str) -> None:
    change(place(repo, key), more=1)


def gone(repo: Repository, key: str) -> None:
    place(repo, key).unlink()


def all_gone(repo: Repository, key: str) -> None:
    shutil.rmtree(place(repo, key).parent)


def planted(repo: Repository, key: str) -> None:
    record = json.loads(place(repo, key).read_text())
    place(repo, key, 7).write_text(json.dumps({**record, "number": 7, "added_tags": ["planted"]}))


def planted_for_another(repo: Repository, key: str) -> None:
    other = ids(repo)[0]
    record = json.loads(place(repo, key).read_text())
    place(repo, other).parent.mkdir()
    place(repo, other).write_text(json.dumps({**record, "snapshot_id": other}))


def planted_for_nothing(repo: Repository, key: str) -> None:
    place(repo, "1700000000000-00000000").parent.mkdir()
    place(repo, "1700000000000-00000000").write_text("{}")


def another_name(repo: Repository, key: str) -> None:
    place(repo, key).with_name("01").write_text("{}")


def no_snapshot(repo: Repository, key: str) -> None:
    (repo.root / ".jvs" / "annotations" / "..x").mkdir()


def a_link(repo: Repository, key: str) -> None:
    place(repo, key).rename(repo.root / "elsewhere")
    place(repo, key).symlink_to(repo.root / "elsewhere")


def a_link_to_all(repo: Repository, key: str) -> None:
    place(repo, key).parent.rename(repo.root / "elsewhere")
    place(repo, key).parent.symlink_to(repo.root / "elsewhere")


def a_file_for_all(repo: Repository, key: str) -> None:
    shutil.rmtree(place(repo, key).parent)
    place(repo, key).parent.write_text("")


def torn(repo: Repository, key: str) -> None:
    place(repo, key).write_bytes(place(repo, key).read_bytes()[:20])


def swapped_for_an_older_one(repo: Repository, key: str) -> None:
    repo.annotate(key, note="newer")
    place(repo, key, 2).write_bytes(place(repo, key).read_bytes())


FORGERIES: list[Callable[[Repository, str], None]] = [
    a_note_changed,
    a_field_added,
    gone,
    all_gone,
    planted,
    planted_for_another,
    planted_for_nothing,
    another_name,
    no_snapshot,
    a_link,
    a_link_to_all,
    a_file_for_all,
    torn,
    swapped_for_an_older_one,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_an_edit_that_is_not_the_log_s_is_found_stops_gc_and_is_mended(
    repo: Repository, forge: Callable[[Repository, str], None]
) -> None:
    key = ids(repo)[1]
    repo.annotate(key, note="mine", add_tags=["keep"])
    plan = repo.gc.plan(keep_last=1)
    forge(repo, key)
    assert "E_ANNOTATION_FOREIGN" in (repo.verify(every=True).audit.error or "")
    codes = {found.code for found in repo.doctor().findings}
    assert "E_ANNOTATION_FOREIGN" in codes
    assert codes <= {"E_ANNOTATION_FOREIGN", "E_DESCRIPTOR_CORRUPT"}
    for act in (repo.gc.plan, lambda: repo.gc.run(plan.plan_id)):
        with pytest.raises((AuditChainBroken, DescriptorCorrupt)):
            act()
    unreadable: list[str] = []
    assert len(repo.history(every=True, unreadable=unreadable)) == 3
    assert len(repo.beginning("")) == 3
    assert repo.doctor(repairs=["advance_head"], strict=True).healthy
    assert repo.verify(every=True).ok
    assert repo.show(key).descriptor.note == ("newer" if forge is swapped_for_an_older_one else "mine")
    assert "planted" not in repo.show(key).descriptor.tags
    repo.annotate(key, note="goes on")
    assert repo.gc.plan().candidates == []


def test_an_edit_that_cannot_be_read_hides_no_history(repo: Repository) -> None:
    key = ids(repo)[1]
    repo.annotate(key, note="mine")
    torn(repo, key)
    unreadable: list[str] = []
    assert [item.descriptor.note for item in repo.history(unreadable=unreadable)] == ["three", "two", "one"]
    assert len(unreadable) == 1
    for look in (repo.history, lambda: repo.show(key), lambda: repo.annotate(key, note="again")):
        with pytest.raises(DescriptorCorrupt):
            look()


def test_an_edit_that_the_log_alone_knows_is_written_from_it(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ids(repo)[1]

    def fail(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("jvs_core.control.records.annotation.files.rename_durable", fail)
        with pytest.raises(JvsError):
            repo.annotate(key, note="logged")
    assert repo.show(key).descriptor.note == "two"
    assert not repo.doctor().healthy
    assert repo.doctor(repairs=["advance_head"], strict=True).healthy
    assert repo.show(key).descriptor.note == "logged"


def test_a_new_log_takes_the_edits_over(repo: Repository) -> None:
    first, second, _ = ids(repo)
    repo.annotate(first, note="known")
    repo.annotate(second, note="lost with the end of the log")
    log = log_file.log_files(Layout(repo.root))[-1]
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert not repo.doctor().healthy
    assert repo.doctor(repairs=["audit_repair"]).healthy
    details = repo.audit.log()[-1].details
    assert details["adopted_annotations"] == [f"{second}/1"]
    assert repo.verify(every=True).ok
    place(repo, first).unlink()
    assert repo.doctor(repairs=["advance_head"]).healthy
    assert repo.show(first).descriptor.note == "known"
