from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.control.records import worktree
from jvs_core.errors import (
    AlreadyExists,
    DescriptorCorrupt,
    EngineUnavailable,
    FormatUnsupported,
    InputError,
    JvsError,
    LockConflict,
    NameInvalid,
    NotARepository,
    PartialSnapshot,
    PathEscape,
    PathNotFound,
    PayloadHashMismatch,
    RefNotFound,
    SnapshotAmbiguous,
    SnapshotNotFound,
    UnsavedChanges,
    WorktreeNotFound,
)
from jvs_core.model import Worktree
from tests.support.metadata import metadata_of

pytestmark = pytest.mark.in_turn


def main(repo: Repository) -> Path:
    return repo.root / "main"


@pytest.fixture
def repo(workdir: Path) -> Repository:
    repo = Repository.init(workdir / "repo")
    (main(repo) / "data").mkdir()
    (main(repo) / "data" / "a.csv").write_text("a,b\n1,2\n")
    (main(repo) / "notes.txt").write_text("notes")
    repo.snapshot("one", lock=True)
    return repo


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (main(repo) / "data").mkdir()
    (main(repo) / "data" / "a.csv").write_text("a,b\n1,2\n")
    (main(repo) / "notes.txt").write_text("notes")
    repo.snapshot("one", lock=True)
    return repo


@pytest.mark.on_each
def test_a_worktree_is_a_copy_that_lives_its_own_life(repo: Repository) -> None:
    made = repo.worktrees.create("exp")
    assert metadata_of(Path(made.path)) == metadata_of(main(repo))
    (Path(made.path) / "notes.txt").write_text("experiment")
    mine = Repository.open(Path(made.path) / "data")
    assert mine.worktree == "exp"
    taken = mine.snapshot("in the experiment", lock=True)
    assert (main(repo) / "notes.txt").read_text() == "notes"
    assert taken.parent_snapshot_id == made.base_snapshot_id
    assert [(w.name, w.head_snapshot_id) for w in repo.worktrees.all()] == [
        ("main", made.base_snapshot_id),
        ("exp", taken.snapshot_id),
    ]


def test_a_worktree_is_renamed_and_removed_with_everything_of_it(repo: Repository) -> None:
    made = repo.worktrees.create("old")
    assert repo.worktrees.rename("old", "new").name == "new"
    assert not Path(made.path).exists()
    assert (repo.worktrees.path("new") / "notes.txt").read_text() == "notes"
    repo.worktrees.remove("new")
    assert os.listdir(repo.root / "worktrees") == []
    assert os.listdir(repo.root / ".jvs" / "intents") == []
    with pytest.raises(WorktreeNotFound):
        repo.status("new")


def test_one_snapshot_is_restored_many_times_at_once(repo: Repository) -> None:
    base = repo.history()[0].descriptor.snapshot_id
    failures: list[JvsError] = []

    def restore() -> None:
        try:
            repo.restore(base)
        except JvsError as error:
            failures.append(error)

    threads = [threading.Thread(target=restore) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(repo.worktrees.all()) == 6


def test_unsaved_changes_and_locks_keep_a_worktree(local: Repository) -> None:
    made = local.worktrees.create("exp")
    (Path(made.path) / "new.txt").write_text("unsaved")
    with pytest.raises(UnsavedChanges, match=r"new\.txt"):
        local.worktrees.remove("exp")
    local.locks.acquire("exp")
    for refused in (
        lambda: local.worktrees.remove("exp", force=True),
        lambda: local.worktrees.rename("exp", "other"),
    ):
        with pytest.raises(LockConflict):
            refused()
    local.locks.release("exp")
    local.worktrees.remove("exp", force=True)
    for refused_for_main in (
        lambda: local.worktrees.remove("main"),
        lambda: local.worktrees.rename("main", "x"),
    ):
        with pytest.raises(InputError):
            refused_for_main()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/abs", "main", "x" * 101, "a\nb", "é", "-x"])
def test_a_name_that_is_none_is_refused(local: Repository, name: str) -> None:
    with pytest.raises(NameInvalid):
        local.worktrees.create(name)
    with pytest.raises(NameInvalid):
        local.restore("HEAD", name=name)


def test_a_name_that_is_taken_is_refused_and_nothing_is_touched(local: Repository) -> None:
    local.worktrees.create("exp")
    before = metadata_of(local.root / "worktrees")
    for again in (lambda: local.worktrees.create("exp"), lambda: local.restore("HEAD", name="exp")):
        with pytest.raises(AlreadyExists):
            again()
    assert metadata_of(local.root / "worktrees") == before


def test_a_folder_that_became_a_symbolic_link_is_refused(local: Repository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    main(local).rename(tmp_path / "moved")
    main(local).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PathEscape):
        local.snapshot("outside", lock=True)


def test_a_path_comes_out_of_a_snapshot(repo: Repository) -> None:
    (main(repo) / "data" / "a.csv").write_text("changed")
    with pytest.raises(AlreadyExists):
        repo.restore_path("HEAD", "data/a.csv")
    repo.restore_path("HEAD", "data", to="data-then")
    assert (main(repo) / "data-then" / "a.csv").read_text() == "a,b\n1,2\n"
    assert (main(repo) / "data" / "a.csv").read_text() == "changed"
    (main(repo) / "notes.txt").unlink()
    assert repo.restore_path("HEAD", "notes.txt").path == str(main(repo) / "notes.txt")
    repo.locks.acquire()
    repo.restore_path("HEAD", "data", inplace=True, reason="back")
    assert (main(repo) / "data" / "a.csv").read_text() == "a,b\n1,2\n"
    repo.undo()
    assert (main(repo) / "data" / "a.csv").read_text() == "changed"
    for escape in ("../outside", "/outside", "a/../../b"):
        with pytest.raises(PathEscape):
            repo.restore_path("HEAD", "data", to=escape)
    with pytest.raises(PathNotFound):
        repo.restore_path("HEAD", "nothing")


def test_refs_name_snapshots_for_good(local: Repository) -> None:
    first = local.history()[0].descriptor.snapshot_id
    local.refs.create("baseline", "HEAD", note="start")
    with pytest.raises(AlreadyExists):
        local.refs.create("baseline", "HEAD")
    for name in ("HEAD", "head", first, "a/b", ""):
        with pytest.raises(NameInvalid):
            local.refs.create(name, "HEAD")
    assert local.resolve("baseline") == local.resolve(first[:14]) == local.resolve(first[14:20]) == first
    local.snapshot("two", lock=True)
    assert local.resolve("HEAD~1") == first
    with pytest.raises(SnapshotAmbiguous):
        local.resolve(first[:3])
    for missing in ("HEAD~2", "nothing", "ffff-ffff"):
        with pytest.raises(SnapshotNotFound):
            local.resolve(missing)
    assert local.refs.delete("baseline").snapshot_id == first
    with pytest.raises(RefNotFound):
        local.refs.delete("baseline")


def test_a_folder_becomes_a_repository_and_stays_as_it_is(workdir: Path) -> None:
    source = workdir / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_text("x")
    (source / "link").symlink_to("deep/file")
    before = metadata_of(source)
    repo = Repository.init(workdir / "repo", from_=source)
    assert metadata_of(main(repo)) == before == metadata_of(source)
    assert repo.snapshot("one", lock=True).files == 1


def test_init_refuses_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        Repository.init(tmp_path / "repo", engine="juicefs-clone")
    with pytest.raises(InputError):
        Repository.init(tmp_path / "repo", engine="magic")
    with pytest.raises(PathNotFound):
        Repository.init(tmp_path / "repo", from_=tmp_path / "nothing")
    (tmp_path / "taken").touch()
    with pytest.raises(AlreadyExists):
        Repository.init(tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]
    with pytest.raises(NotARepository):
        Repository.open(tmp_path)


def test_a_shared_repository_is_open_to_its_group(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo", shared=True, engine="copy")
    (main(repo) / "f").touch()
    repo.snapshot("one", lock=True)
    repo.annotate("HEAD", note="edited")
    for path in (repo.root / ".jvs").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if "payload" in path.parts:
            continue
        assert mode & 0o060 == 0o060, path
        if path.is_dir():
            assert mode & stat.S_ISGID, path


def test_a_repository_of_another_format_is_left_alone(local: Repository) -> None:
    (local.root / ".jvs" / "format_version").write_text("3\n")
    with pytest.raises(FormatUnsupported):
        Repository.open(local.root)


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("descriptors/{id}.json", DescriptorCorrupt),
        ("snapshots/{id}/.READY", DescriptorCorrupt),
        ("snapshots/{id}/manifest", DescriptorCorrupt),
        ("snapshots/{id}/payload/notes.txt", PayloadHashMismatch),
    ],
)
def test_a_damaged_snapshot_is_not_restored(local: Repository, file: str, error: type[Exception]) -> None:
    taken = local.history()[0].descriptor
    path = local.root / ".jvs" / file.format(id=taken.snapshot_id)
    path.write_bytes(b"damaged")
    with pytest.raises(error):
        local.restore(taken.snapshot_id)
    assert os.listdir(local.root / "worktrees") == []
    assert os.listdir(local.root / ".jvs" / "intents") == []


def test_a_snapshot_without_its_marker_is_partial(local: Repository) -> None:
    taken = local.history()[0].descriptor
    (local.root / ".jvs" / "snapshots" / taken.snapshot_id / ".READY").unlink()
    with pytest.raises(PartialSnapshot):
        local.restore(taken.snapshot_id)


def test_a_damaged_configuration_is_named(local: Repository) -> None:
    (local.root / ".jvs" / "config.toml").write_text("lease = 3\n")
    with pytest.raises(InputError, match=r"config\.toml"):
        Repository.open(local.root)


def test_a_repository_moved_without_its_runtime_state_works_on(local: Repository, tmp_path: Path) -> None:
    import shutil

    held = local.locks.acquire()
    moved = tmp_path / "moved"
    shutil.copytree(local.root, moved, symlinks=True, ignore=shutil.ignore_patterns("locks", "intents"))
    repo = Repository.open(moved)
    assert repo.locks.acquire().fencing_token > 1
    assert held.fencing_token
    repo.snapshot("after the move")
    assert repo.verify(every=True).ok


def test_labels_are_kept_renamed_along_replaced_and_logged(local: Repository) -> None:
    local.worktrees.create("ann", labels={"team.user": "ann"})
    assert local.worktrees.get("ann").labels == {"team.user": "ann"}
    assert "labels" not in local.worktrees.get("main").to_json()
    local.worktrees.rename("ann", "anna")
    local.worktrees.label("anna", {"team.user": "anna"})
    assert local.worktrees.names() == ["main", "anna"]
    assert local.worktrees.all()[1].to_json()["labels"] == {"team.user": "anna"}
    record = local.audit.log(1)[0]
    assert (record.operation, record.worktree) == ("worktree_label", "anna")
    assert record.details == {"labels": {"team.user": "anna"}, "before": {"team.user": "ann"}}
    with pytest.raises(InputError, match="labels"):
        local.worktrees.label("anna", {"key": "v" * 1001})
    with pytest.raises(WorktreeNotFound):
        local.worktrees.label("nobody", {})


def test_a_listing_goes_on_past_records_that_cannot_be_read(local: Repository) -> None:
    for name in ("long", "other", "gone"):
        local.worktrees.create(name)
    records = local.root / ".jvs" / "worktrees"
    os.truncate(records / "long" / "config.json", 1 << 30)
    (records / "other" / "config.json").unlink()
    os.mkfifo(records / "other" / "config.json")
    unreadable: list[str] = []
    assert [info.name for info in local.worktrees.all(unreadable)] == ["main", "gone"]
    assert [("long" in line, "FIFO" in line) for line in unreadable] == [(True, False), (False, True)]
    with pytest.raises(DescriptorCorrupt):
        local.worktrees.all()


def test_a_record_that_this_user_may_not_read_is_told(
    local: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.worktrees.create("closed")
    read = worktree.get

    def refused(layout: Layout, name: str) -> Worktree:
        if name == "closed":
            raise PermissionError(13, "Permission denied", "config.json")
        return read(layout, name)

    monkeypatch.setattr(worktree, "get", refused)
    unreadable: list[str] = []
    assert [info.name for info in local.worktrees.all(unreadable)] == ["main"]
    assert "'closed'" in unreadable[0]


def test_pins_that_cannot_be_read_are_told_beside_the_others(local: Repository) -> None:
    kept = local.pins.create("HEAD", reason="kept")
    os.mkfifo(local.root / ".jvs" / "gc" / "pins" / "0123456789ab.json")
    unreadable: list[str] = []
    assert local.pins.all(unreadable) == [kept]
    assert "FIFO" in unreadable[0]
    with pytest.raises(DescriptorCorrupt):
        local.pins.all()


def test_an_empty_worktree_begins_with_nothing_and_has_a_history_of_its_own(repo: Repository) -> None:
    (repo.root / "main" / "a").write_text("a")
    repo.snapshot("one", lock=True)
    made = repo.worktrees.create("new", empty=True)
    assert (made.base_snapshot_id, os.listdir(made.path)) == (None, [])
    assert repo.history("new") == []
    assert repo.status("new").clean
    with pytest.raises(SnapshotNotFound, match="no snapshot yet"):
        repo.compare("HEAD", worktree="new")
    (Path(made.path) / "b").write_text("b")
    assert repo.status("new").added == ["b"]
    assert repo.compare(repo.resolve("HEAD"), worktree="new").removed[0] == "a"
    first = repo.snapshot("first", worktree="new", lock=True)
    assert first.parent_snapshot_id is None
    assert [each.descriptor.note for each in repo.history("new")] == ["first"]
    repo.restore_inplace(repo.resolve("HEAD"), reason="look", worktree="new", lock=True)
    assert "a" in os.listdir(made.path)
    repo.undo(worktree="new", lock=True)
    assert os.listdir(made.path) == ["b"]
    with pytest.raises(InputError, match="cannot start from a snapshot"):
        repo.worktrees.create("other", from_="HEAD", empty=True)
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy


def test_the_first_restore_into_an_empty_worktree_can_be_undone(repo: Repository) -> None:
    (repo.root / "main" / "a").write_text("a")
    wanted = repo.snapshot("one", lock=True).snapshot_id
    place = Path(repo.worktrees.create("new", empty=True).path)
    repo.restore_inplace(wanted, reason="look", worktree="new", lock=True)
    assert ("a" in os.listdir(place), repo.worktrees.get("new").head_snapshot_id) == (True, wanted)
    repo.undo(worktree="new", lock=True)
    assert (os.listdir(place), repo.worktrees.get("new").head_snapshot_id) == ([], None)


def test_a_listing_counts_what_changed(local: Repository) -> None:
    (local.root / "main" / "a").write_text("a")
    local.snapshot("one", lock=True)
    for name in ("clean", "changed", "missing"):
        local.worktrees.create(name)
    (local.worktrees.path("changed") / "b").write_text("b")
    (local.worktrees.path("changed") / "a").write_text("b")
    shutil.rmtree(local.worktrees.path("missing"))
    unreadable: list[str] = []
    found = {info.name: info for info in local.worktrees.all(unreadable, status_within_s=60)}
    assert {name: info.changes for name, info in found.items()} == {
        "main": 0,
        "clean": 0,
        "changed": 2,
        "missing": None,
    }
    assert ["missing" in line for line in unreadable] == [True]
    assert found["changed"].to_json()["changes"] == 2
    assert "changes" not in local.worktrees.get("changed").to_json()
    with pytest.raises(WorktreeNotFound):
        local.worktrees.all(status_within_s=60)
    unreadable.clear()
    assert [info.changes for info in local.worktrees.all(unreadable, status_within_s=0)] == [
        0,
        None,
        None,
        None,
    ]
    assert unreadable == [
        "no time to look at 3 worktrees within 0 s; jvs status --worktree NAME looks at one"
    ]
