"""Cloning a repository: all of it comes, once, and checked; what is damaged is refused by name."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.cli import main
from jvs_core.control.audit import checkpoint
from jvs_core.errors import (
    AlreadyExists,
    AuditChainBroken,
    EngineFailed,
    InputError,
    LockConflict,
    NoSpace,
    SnapshotNotFound,
    UnsavedChanges,
    UntrustedRepository,
)
from jvs_core.operations.moving import site
from jvs_core.payload.copy.transfer import Transfer
from jvs_core.payload.engines import subvolume
from jvs_core.progress import Progress
from tests.crash import children
from tests.support.damage import payload_file, rot
from tests.support.filesystems import FileSystem, loop_filesystem
from tests.support.hostile import build_hostile
from tests.support.metadata import metadata_of

pytestmark = pytest.mark.in_turn


def fill(root: Path) -> Repository:
    """Make a repository with a history: hard links, links, FIFOs, empty files, folders that come and go."""
    repo = Repository.init(root)
    main = repo.root / "main"
    (main / "data").mkdir()
    for number in range(30):
        (main / "data" / f"{number}.csv").write_text(f"{number}\n" * 50)
    (main / "empty").mkdir(mode=0o750)
    for name in ("one", "other"):
        (main / name).touch()
        os.utime(main / name, (0, 0))
    os.link(main / "data" / "1.csv", main / "linked.csv")
    (main / "link").symlink_to("data/1.csv")
    os.mkfifo(main / "fifo")
    repo.snapshot("first", lock=True, tags=["v1"])
    (main / "data" / "2.csv").write_text("other")
    (main / "linked.csv").unlink()
    (main / "data" / "3.csv").rename(main / "moved.csv")
    repo.snapshot("second", lock=True)
    (main / "empty").rmdir()
    (main / "empty").write_text("a file now")
    (main / "data" / "1.csv").chmod(0o600)
    shutil.copy2(main / "data" / "4.csv", main / "copy.csv")
    os.link(main / "copy.csv", main / "again.csv")
    repo.snapshot("third", lock=True)
    return repo


def ids(repo: Repository) -> list[str]:
    return [item.descriptor.snapshot_id for item in repo.history(every=True)]


def require_sound(repo: Repository) -> None:
    report = repo.doctor(strict=True)
    assert (report.healthy, report.findings) == (True, [])
    found = repo.verify(every=True)
    assert (found.ok, [each.message for each in found.snapshots if each.message]) == (True, [])


def spoil(repo: Repository, snapshot: str, path: str) -> None:
    """Damage a file of a payload, also of one that btrfs keeps from being written."""
    payload = repo._context.layout.payload(snapshot)
    closed = subvolume.is_subvolume(payload)
    if closed:
        subvolume.set_read_only(payload, False)
    rot(payload_file(repo, snapshot, path))
    if closed:
        subvolume.set_read_only(payload, True)


@pytest.mark.on_each
def test_a_whole_repository_comes_as_it_is(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    repo.refs.create("best", "HEAD~1", note="the best")
    repo.annotate("HEAD", note="edited", add_tags=["seen"])
    pin = repo.pins.create("HEAD~1", reason="keep")
    repo.worktrees.create("side", from_="best", labels={"user": "ada"})
    before = metadata_of(repo.root / "main")
    made = Repository.clone(repo.root, workdir / "clone")
    assert (made.snapshots, made.refused, made.unsaved) == (3, [], [])
    clone = Repository.open(workdir / "clone")
    require_sound(clone)
    assert clone.repo_id == made.repo_id != repo.repo_id
    assert ids(clone) == ids(repo)
    assert [item.to_json() for item in clone.history(every=True)] == [
        item.to_json() for item in repo.history(every=True)
    ]
    assert metadata_of(clone.root / "main") == before
    assert clone.status().clean
    assert clone.status("side").clean
    assert clone.worktrees.get("side").labels == {"user": "ada"}
    assert [ref.to_json() for ref in clone.refs.all()] == [ref.to_json() for ref in repo.refs.all()]
    assert [each.pin_id for each in clone.pins.all()] == [pin.pin_id]
    assert not [name for name in os.listdir(workdir) if name.startswith(".")]
    (record,) = clone.audit.log()
    assert record.operation == "clone"
    assert record.details["source"]["checkpoint"]["origin"] == repo.repo_id
    assert record.details["source"]["checkpoint"]["seq"] == len(repo.audit.log())
    for item in ids(repo):
        clone.restore(item, name=f"r{item[14:]}")
        repo.restore(item, name=f"r{item[14:]}")
        assert metadata_of(clone.worktrees.path(f"r{item[14:]}")) == metadata_of(
            repo.worktrees.path(f"r{item[14:]}")
        )
    (clone.root / "main" / "new").write_text("new")
    clone.snapshot("work goes on", lock=True)
    require_sound(clone)


@pytest.mark.on_each
def test_it_takes_no_more_space_than_its_source_shares(
    workdir: Path, ext4: FileSystem, filesystem: FileSystem
) -> None:
    repo = Repository.init(workdir / "repo")
    (repo.root / "main" / "large").write_bytes(os.urandom(4 << 20))
    for number in range(4):
        (repo.root / "main" / "small").write_text(str(number))
        repo.snapshot(lock=True)
    elsewhere = ext4.mount / f"{os.getpid()}-{filesystem.kind}"
    elsewhere.mkdir()
    try:
        made = Repository.clone(repo.root, elsewhere / "clone")
        assert made.refused == []
        files = {
            (found.st_dev, found.st_ino): found.st_blocks * 512
            for found in map(os.lstat, (elsewhere / "clone" / ".jvs").rglob("*"))
        }
        assert sum(files.values()) < 5 << 20
        require_sound(Repository.open(elsewhere / "clone"))
    finally:
        shutil.rmtree(elsewhere)


def test_every_hostile_name_and_attribute_comes(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    build_hostile(repo.root / "main")
    repo.snapshot(lock=True)
    (repo.root / "main" / "more").write_text("more")
    repo.snapshot(lock=True)
    assert Repository.clone(repo.root, workdir / "clone").refused == []
    require_sound(Repository.open(workdir / "clone"))


def test_a_migration_keeps_identity_log_and_checkpoints(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    repo.refs.create("best", "HEAD~1")
    kept = checkpoint.create(repo._context.layout)
    made = Repository.clone(repo.root, workdir / "moved", same_id=True)
    moved = Repository.open(workdir / "moved")
    assert made.repo_id == moved.repo_id == repo.repo_id
    assert [each.operation for each in moved.audit.log()] == [
        "clone",
        *(each.operation for each in repo.audit.log()),
    ]
    assert moved.verify(every=True, since=kept).ok
    require_sound(moved)
    moved.refs.delete("best")
    require_sound(moved)


def test_a_migration_leaves_no_unsaved_change_behind(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    (repo.root / "main" / "unsaved").write_text("unsaved")
    with pytest.raises(UnsavedChanges, match="main"):
        Repository.clone(repo.root, workdir / "moved", same_id=True)
    assert os.listdir(workdir) == ["repo"]
    assert Repository.clone(repo.root, workdir / "clone").unsaved == ["main"]
    assert not (workdir / "clone" / "main" / "unsaved").exists()


def test_a_migration_leaves_no_extended_attribute_behind(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    os.setxattr(repo.root / "main" / "empty", "user.note", b"precious")
    assert repo.status().clean
    with pytest.raises(UnsavedChanges, match="main"):
        Repository.clone(repo.root, workdir / "moved", same_id=True)


@pytest.mark.parametrize("late", ["saved", "snapshot"])
def test_what_is_done_while_a_repository_moves_is_not_left_behind(workdir: Path, late: str) -> None:
    repo = fill(workdir / "repo")

    def work() -> None:
        (repo.root / "main" / "late").write_text("late")
        if late == "snapshot":
            repo.snapshot("late", lock=True)

    at_work = children.Steps(at="before worktrees", act=work)
    with pytest.raises(UnsavedChanges, match="during the clone"):
        Repository.clone(repo.root, workdir / "moved", same_id=True, progress=at_work)
    assert not (workdir / "moved").exists()
    if late == "saved":
        repo.snapshot("late", lock=True)
    Repository.clone(repo.root, workdir / "moved", same_id=True)
    assert (workdir / "moved" / "main" / "late").read_text() == "late"


def test_some_snapshots_come_with_their_lineage(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    repo.refs.create("first", "HEAD~2")
    repo.refs.create("last", "HEAD")
    made = Repository.clone(repo.root, workdir / "clone", only=["HEAD~1"])
    assert made.snapshots == 1
    clone = Repository.open(workdir / "clone")
    require_sound(clone)
    assert ids(clone) == ids(repo)[1:]
    assert [item.expired for item in clone.history(every=True)] == [False, True]
    assert clone.refs.all() == []
    assert clone.status().head_snapshot_id == ids(repo)[1]
    assert any("refs first, last" in line for line in made.degraded)
    with pytest.raises(SnapshotNotFound):
        Repository.clone(repo.root, workdir / "other", only=["nonsense"])
    with pytest.raises(InputError, match="--same-id"):
        Repository.clone(repo.root, workdir / "other", only=["HEAD"], same_id=True)


def test_what_is_damaged_is_refused_by_name_and_the_others_come(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    first, second, third = ids(repo)[::-1]
    spoil(repo, third, "copy.csv")
    made = Repository.clone(repo.root, workdir / "clone")
    # On btrfs and JuiceFS each name is a file of its own; the content is there already under another one.
    assert {each.snapshot_id for each in made.refused} <= {third}
    spoil(repo, second, "data/2.csv")
    made = Repository.clone(repo.root, workdir / "other")
    assert {each.snapshot_id for each in made.refused} >= {second}
    assert {each.code for each in made.refused} == {"E_PAYLOAD_HASH_MISMATCH"}
    assert "data/2.csv" in made.refused[0].message
    clone = Repository.open(workdir / "other")
    assert first in [item.descriptor.snapshot_id for item in clone.history(every=True) if not item.expired]
    require_sound(clone)


def test_damaged_records_are_refused(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    first, second, _ = ids(repo)[::-1]
    layout = repo._context.layout
    layout.manifest(first).write_bytes(layout.manifest(first).read_bytes() + b"x")
    layout.ready(second).unlink()
    made = Repository.clone(repo.root, workdir / "clone")
    assert {each.snapshot_id: each.code for each in made.refused} == {
        first: "E_DESCRIPTOR_CORRUPT",
        second: "E_PARTIAL_SNAPSHOT",
    }
    require_sound(Repository.open(workdir / "clone"))
    log = layout.audit / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"init"', b'"unit"'))
    with pytest.raises(AuditChainBroken):
        Repository.clone(repo.root, workdir / "other")


def test_a_planted_snapshot_or_ref_does_not_come(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    layout, planted = repo._context.layout, "1700000000000-00000000"
    layout.snapshot(planted).mkdir()
    shutil.copy(layout.manifest(ids(repo)[0]), layout.manifest(planted))
    text = layout.descriptor(ids(repo)[0]).read_text()
    layout.descriptor(planted).write_text(text.replace(ids(repo)[0], planted))
    ref = {
        "name": "bad",
        "snapshot_id": ids(repo)[0],
        "note": "",
        "created_at": "2026-01-01T00:00:00.000Z",
        "created_by": "x",
    }
    (layout.refs / "bad.json").write_text(json.dumps(ref))
    made = Repository.clone(repo.root, workdir / "clone")
    assert [each.snapshot_id for each in made.refused] == [planted]
    clone = Repository.open(workdir / "clone")
    assert planted not in ids(clone)
    assert clone.refs.all() == []
    require_sound(clone)


class Doing(Progress):
    """Does something when a step begins."""

    def __init__(self, step: str, act: object) -> None:
        self.step, self.act, self.done = step, act, False

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step and not self.done:
            self.done = True
            self.act()  # type: ignore[operator]

    def advanced(self, amount: int = 1) -> None: ...

    def finished(self, step: str) -> None: ...


def test_a_writer_goes_on_meanwhile_and_gc_takes_nothing(workdir: Path) -> None:
    repo = fill(workdir / "repo")

    def work() -> None:
        (repo.root / "main" / "later").write_text("later")
        repo.snapshot("later", lock=True)
        repo.refs.create("later", "HEAD")
        plan = repo.gc.plan(keep_last=1)
        assert plan.candidates == []

    made = Repository.clone(repo.root, workdir / "clone", progress=Doing("clone", work))
    assert (made.snapshots, made.refused) == (3, [])
    clone = Repository.open(workdir / "clone")
    assert len(ids(clone)) == 3
    assert clone.refs.all() == []
    require_sound(clone)
    require_sound(repo)
    assert os.listdir(repo.root / ".jvs" / "intents") == []


def test_a_stopped_clone_is_no_repository_and_the_same_command_goes_on(workdir: Path) -> None:
    repo = fill(workdir / "repo")

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Repository.clone(repo.root, workdir / "clone", progress=Doing("worktrees", stop))
    place = site.place(workdir / "clone")
    assert not (workdir / "clone").exists()
    assert not (place / ".jvs" / "format_version").exists()
    arrived = {each.name: each.stat().st_ino for each in (place / ".jvs" / "snapshots").iterdir()}
    with pytest.raises(AlreadyExists, match="unfinished clone"):
        Repository.clone(repo.root, workdir / "clone", only=["HEAD"])
    Repository.clone(repo.root, workdir / "clone")
    clone = Repository.open(workdir / "clone")
    now = {each.name: each.stat().st_ino for each in (clone.root / ".jvs" / "snapshots").iterdir()}
    assert now == arrived
    require_sound(clone)
    require_sound(repo)


def test_what_arrived_is_looked_at_again(workdir: Path) -> None:
    repo = fill(workdir / "repo")

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Repository.clone(repo.root, workdir / "clone", progress=Doing("worktrees", stop))
    place = site.place(workdir / "clone")
    some = ids(repo)[0]
    (place / ".jvs" / "snapshots" / some / "manifest").write_text("other")
    (place / ".jvs" / "descriptors" / "1700000000000-00000000.json").write_text("{}")
    (place / ".jvs" / "refs").mkdir(exist_ok=True)
    (place / ".jvs" / "refs" / "bad.json").write_text("{}")
    assert Repository.clone(repo.root, workdir / "clone").refused == []
    require_sound(Repository.open(workdir / "clone"))


def test_one_clone_to_a_place_at_a_time(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(LockConflict, match="another jvs clone"):
            Repository.clone(repo.root, workdir / "clone")
        refused.append("refused")

    Repository.clone(repo.root, workdir / "clone", progress=Doing("worktrees", again))
    assert refused == ["refused"]
    with pytest.raises(AlreadyExists):
        Repository.clone(repo.root, workdir / "clone")
    with pytest.raises(InputError, match="would be inside"):
        Repository.clone(repo.root, repo.root / "main" / "clone")


def test_what_somebody_else_put_in_its_way_is_not_touched(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    place = site.place(workdir / "clone")
    (workdir / "elsewhere").mkdir()
    place.symlink_to(workdir / "elsewhere")
    with pytest.raises(AlreadyExists, match="in the way"):
        Repository.clone(repo.root, workdir / "clone")
    assert os.listdir(workdir / "elsewhere") == []
    place.unlink()
    place.mkdir()
    os.chown(place, 65534, 65534)
    with pytest.raises(AlreadyExists, match="in the way"):
        Repository.clone(repo.root, workdir / "clone")


def test_a_folder_that_no_clone_began_is_not_touched(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    place = site.place(workdir / "clone")
    subprocess.run(["cp", "-a", repo.root, place], check=True)
    before = {*place.rglob("*")}
    with pytest.raises(AlreadyExists, match="no clone or import began it"):
        Repository.clone(place, workdir / "clone")
    assert {*place.rglob("*")} == before


def test_what_was_there_before_is_not_taken_for_an_unfinished_clone(workdir: Path) -> None:
    repo, place = fill(workdir / "repo"), site.place(workdir / "clone")
    (place / "main").mkdir(parents=True)
    (place / "main" / "mine").write_text("x")
    with pytest.raises(AlreadyExists, match="no clone or import began it"):
        Repository.clone(repo.root, workdir / "clone")
    assert [*place.rglob("*")] == [place / "main", place / "main" / "mine"]


def test_the_source_may_lie_where_the_name_is_no_unicode(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff"))
    odd.mkdir()
    repo = fill(odd / "repo")
    Repository.clone(repo.root, tmp_path / "clone")
    clone = Repository.open(tmp_path / "clone")
    require_sound(clone)
    assert clone.audit.log()[-1].details["source"]["root"].endswith("odd\\xff/repo")


def test_a_clone_that_stopped_before_its_note_goes_on(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    locks = site.place(workdir / "clone") / ".jvs" / "locks"
    locks.mkdir(parents=True)
    (locks / "repository").touch()
    (locks.parent / ".unfinished.json.0123abcd.tmp").touch()
    Repository.clone(repo.root, workdir / "clone")
    require_sound(Repository.open(workdir / "clone"))
    assert not (workdir / "clone" / ".jvs" / "unfinished.json").exists()


def test_an_untrusted_source_is_not_read(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    os.chown(repo.root / ".jvs", 65534, 65534)
    with pytest.raises(UntrustedRepository):
        Repository.clone(repo.root, workdir / "clone")
    assert os.listdir(workdir) == ["repo"]


@pytest.fixture
def small() -> Iterator[FileSystem]:
    with loop_filesystem("ext4", size=24 << 20) as filesystem:
        yield filesystem


def test_a_full_disk_leaves_what_arrived_and_says_so(tmp_path: Path, small: FileSystem) -> None:
    repo = Repository.init(tmp_path / "repo")
    for number in range(4):
        (repo.root / "main" / f"{number}").write_bytes(os.urandom(5 << 20))
        repo.snapshot(lock=True)
    with pytest.raises(NoSpace) as full:
        Repository.clone(repo.root, small.mount / "clone")
    assert ".clone.unfinished" in str(full.value.hint)
    assert not (small.mount / "clone").exists()
    require_sound(repo)
    Repository.clone(repo.root, tmp_path / "clone")


def test_a_file_that_takes_no_more_names_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for number in range(5):
        (repo.root / "main" / "small").write_text(str(number))
        (repo.root / "main" / "same").touch()
        repo.snapshot(lock=True)
    real = os.link

    def link(source: object, target: object, **how: object) -> None:
        if os.stat(source, dir_fd=how.get("src_dir_fd")).st_nlink >= 3:  # type: ignore[arg-type]
            raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))
        real(source, target, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", link)
    assert Repository.clone(repo.root, tmp_path / "clone").refused == []
    monkeypatch.undo()
    require_sound(Repository.open(tmp_path / "clone"))


def test_an_error_of_reading_refuses_the_snapshot_and_one_of_writing_ends_the_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = fill(tmp_path / "repo")
    real = Transfer.file

    def failing(self: Transfer, item: object, *rest: object, **more: object) -> object:
        if self.seal and item.name == b"0.csv":  # type: ignore[attr-defined]
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, item, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "file", failing)
    with pytest.raises(EngineFailed):
        Repository.clone(repo.root, tmp_path / "clone")
    monkeypatch.undo()
    assert Repository.clone(repo.root, tmp_path / "clone").refused == []


@pytest.mark.on_each
def test_what_did_not_change_in_a_large_file_goes_on_sharing(workdir: Path, filesystem: FileSystem) -> None:
    repo = Repository.init(workdir / "repo")
    large = repo.root / "main" / "large"
    large.write_bytes(os.urandom(8 << 20))
    for number in range(5):
        with large.open("r+b") as file:
            file.seek(number << 20)
            file.write(os.urandom(4096))
        if number == 3:
            os.truncate(large, (7 << 20) + 5)
        if number == 4:
            large.chmod(0o640)
        repo.snapshot(f"{number}", lock=True)
    used = free(workdir)
    assert Repository.clone(repo.root, workdir / "clone").refused == []
    if filesystem.kind in ("xfs", "btrfs"):
        assert free(workdir) - used < 6 << 20
    require_sound(Repository.open(workdir / "clone"))


def free(folder: Path) -> int:
    """Return how many bytes of a file system are in use."""
    os.sync()
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def test_what_a_clone_has_can_be_proven(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    clone = workdir / "clone"
    Repository.clone(repo.root, clone)
    Repository.open(clone).export("HEAD~1", workdir / "proof.zip", with_proof=True)
    assert Repository.check_proof(workdir / "proof.zip").problems == []


def test_runs_come_with_their_environments(workdir: Path) -> None:
    repo = fill(workdir / "repo")
    assert main.run(["--repo", str(repo.root), "run", "exec", "-p", "a=1", "--", "true"]) == 0
    environments = sorted(os.listdir(repo.root / ".jvs" / "runs" / "environments"))
    planted = repo.root / ".jvs" / "runs" / "environments" / ("0" * 64)
    planted.write_text("planted")
    Repository.clone(repo.root, workdir / "clone")
    clone = Repository.open(workdir / "clone")
    assert [run.to_json() for run in clone.runs.all()] == [run.to_json() for run in repo.runs.all()]
    assert sorted(os.listdir(clone.root / ".jvs" / "runs" / "environments")) == environments
    require_sound(clone)
