from __future__ import annotations

import errno
import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control import catalog
from jvs_core.control.lock import lock
from jvs_core.errors import (
    ConsistencyUnavailable,
    InputError,
    JvsError,
    LockConflict,
    LockExpired,
    LockNotHeld,
    NoSpace,
)
from jvs_core.model import Descriptor
from jvs_core.payload.tree.exclude_rules import TAG_SIGNATURE
from jvs_core.progress import Silent
from tests.support.filesystems import loop_filesystem
from tests.support.metadata import metadata_of
from tests.support.passing import LetPass, await_renewal, outlast
from tests.support.payloads import build_git_repository, build_notebooks, build_virtualenv

pytestmark = pytest.mark.in_turn


def main(repo: Repository) -> Path:
    return repo.root / "main"


@pytest.fixture
def repo(workdir: Path) -> Repository:
    repo = Repository.init(workdir / "repo")
    (main(repo) / "data").mkdir()
    (main(repo) / "data" / "a.csv").write_text("a,b\n1,2\n")
    (main(repo) / "notes.txt").write_text("notes")
    return repo


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (main(repo) / "notes.txt").write_text("notes")
    return repo


@pytest.mark.parametrize("build", [build_virtualenv, build_git_repository, build_notebooks])
def test_a_real_workspace_comes_back_as_it_was(workdir: Path, build: object) -> None:
    assert callable(build)
    repo = Repository.init(workdir / "repo")
    build(main(repo))
    before = metadata_of(main(repo))
    taken = repo.snapshot("all of it", lock=True)
    restored = repo.restore(taken.snapshot_id)
    assert metadata_of(Path(restored.path)) == before
    assert metadata_of(main(repo)) == before
    assert (taken.degraded, taken.integrity_state) == ((), "verified")


@pytest.mark.on_each
def test_each_snapshot_keeps_what_was_there_then(repo: Repository) -> None:
    repo.locks.acquire()
    first = repo.snapshot("one")
    with (main(repo) / "notes.txt").open("a") as notes:
        notes.write(", more")
    second = repo.snapshot("two")
    for taken, text in ((first, b"notes"), (second, b"notes, more")):
        with repo.open_file(taken.snapshot_id, "notes.txt") as notes_then:
            assert notes_then.read() == text
    assert second.parent_snapshot_id == first.snapshot_id
    assert [item.descriptor.note for item in repo.history()] == ["two", "one"]
    changes = repo.compare(first.snapshot_id, second.snapshot_id)
    assert (changes.added, changes.modified, changes.removed) == ([], ["notes.txt"], [])


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


class Recorder(Silent):
    def __init__(self) -> None:
        self.steps: list[str] = []

    def started(self, step: str, total: int | None = None) -> None:
        if step in STEPS and step not in self.steps:
            self.steps.append(step)


def test_the_twelve_steps_are_reported_in_order(repo: Repository) -> None:
    seen = Recorder()
    repo.snapshot("one", lock=True, progress=seen)
    assert [step for step in seen.steps if step != "clone"] == [step for step in STEPS if step != "clone"]


class Failing(Silent):
    def __init__(self, step: str) -> None:
        self.step = step

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", STEPS[:9])
def test_an_interrupt_before_publication_leaves_nothing(repo: Repository, step: str) -> None:
    repo.locks.acquire()
    before = metadata_of(main(repo))
    with pytest.raises(KeyboardInterrupt):
        repo.snapshot("one", progress=Failing(step))
    control = repo.root / ".jvs"
    assert [os.listdir(control / name) for name in ("snapshots", "descriptors", "intents")] == [[], [], []]
    assert metadata_of(main(repo)) == before
    assert repo.history() == []
    assert repo.snapshot("again").note == "again"
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("step", ["catalog", "head", "audit"])
def test_one_that_failed_after_its_rename_is_completed_while_its_process_lives(
    local: Repository, step: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        local.snapshot("one", lock=True, progress=Failing(step))
    assert "advance_head" in {finding.repair for finding in local.doctor().findings}
    assert local.doctor(repairs=["advance_head"], strict=True).healthy
    assert [item.descriptor.note for item in local.history()] == ["one"]


def test_a_snapshot_needs_the_lock(local: Repository) -> None:
    with pytest.raises(LockNotHeld):
        local.snapshot("one")
    assert os.listdir(local.root / ".jvs" / "snapshots") == []


def test_a_snapshot_that_takes_the_lock_gives_it_back_and_is_logged_once(local: Repository) -> None:
    local.snapshot("one", lock=True)
    assert local.locks.status().state == "free"
    log = [json.loads(line) for line in (local.root / ".jvs/audit/audit.jsonl").read_text().splitlines()]
    assert [record["operation"] for record in log] == ["init", "snapshot"]


def test_a_lock_that_is_held_already_is_used_and_kept(local: Repository) -> None:
    held = local.locks.acquire()
    assert local.snapshot("one", lock=True).fencing_token == held.fencing_token
    assert local.locks.status().state == "held"


def test_another_session_is_refused_by_name(local: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    local.locks.acquire(purpose="training")
    monkeypatch.setenv("JVS_SESSION", "agent-2")
    other = Repository.open(local.root)
    with pytest.raises(LockNotHeld, match="training"):
        other.snapshot("mine")
    with pytest.raises(LockConflict, match="training"):
        other.snapshot("mine", lock=True)
    with pytest.raises(LockConflict, match="training"):
        other.locks.acquire()


def test_a_lease_that_cannot_be_renewed_and_ran_out_publishes_nothing(
    local: Repository, monkeypatch: pytest.MonkeyPatch, let_pass: LetPass
) -> None:
    def refused(*arguments: object) -> None:
        raise OSError(errno.EIO, "no more")

    local.locks.acquire(lease_ms=1000)
    monkeypatch.setattr(lock, "renew", refused)

    class Sleeping(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            if step == "settle":
                let_pass(1.1)

    with pytest.raises(LockExpired):
        local.snapshot("late", progress=Sleeping())
    assert os.listdir(local.root / ".jvs" / "snapshots") == []
    assert local.history() == []


def test_a_snapshot_may_last_longer_than_the_lease_that_is_renewed_meanwhile(
    local: Repository, let_pass: LetPass
) -> None:
    config = local.root / ".jvs/config.toml"
    times = {"duration_ms": 30_000, "renew_interval_ms": 200}
    config.write_text("[lease]\n" + "".join(f"{name} = {value}\n" for name, value in times.items()))
    repo = Repository.open(local.root)

    class Sleeping(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            if step == "settle":
                outlast(repo, let_pass, 20)

    taken = repo.snapshot("long", lock=True, progress=Sleeping())
    assert [item.descriptor.snapshot_id for item in repo.history()] == [taken.snapshot_id]


@pytest.mark.parametrize("take", [False, True])
def test_a_lease_that_is_found_and_used_is_renewed_while_it_is_and_kept(
    local: Repository, take: bool, let_pass: LetPass
) -> None:
    held = local.locks.acquire(lease_ms=30_000)
    let_pass(28)  # its next renewal by the interval would come too late

    class Sleeping(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            if step == "settle":
                await_renewal(local, held.lease_expires_at)
                let_pass(15)

    taken = local.snapshot("long", lock=take, progress=Sleeping())
    assert taken.fencing_token == held.fencing_token
    now = local.locks.status()
    assert (now.state, now.lock and now.lock.lock_id) == ("held", held.lock_id)
    local.locks.release()


def test_sockets_are_left_out_and_named_and_pipes_are_kept(repo: Repository, tmp_path: Path) -> None:
    os.mkfifo(main(repo) / "pipe")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(main(repo))
    try:
        server.bind("door")
    finally:
        os.chdir(here)
        server.close()
    taken = repo.snapshot("one", lock=True)
    assert ["door" in line for line in taken.degraded] == [True]
    assert {entry.path: entry.type for entry in repo.ls(taken.snapshot_id)} == {
        "data": "directory",
        "notes.txt": "file",
        "pipe": "fifo",
    }


class Logging:
    """A training run beside the snapshot: it writes whenever the worktree has been walked."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def started(self, step: str, total: int | None = None) -> None: ...
    def advanced(self, amount: int = 1) -> None: ...
    def finished(self, step: str) -> None:
        if step == "scan":
            with self.log.open("a") as log:
                log.write("epoch done\n")


def test_a_file_that_keeps_changing_is_named_or_labelled(repo: Repository) -> None:
    busy = Logging(main(repo) / "training.log")
    busy.log.write_text("begun\n")
    with pytest.raises(ConsistencyUnavailable, match=r"training\.log"):
        repo.snapshot("quiet", lock=True, progress=busy)
    taken = [
        repo.snapshot("busy", lock=True, consistency="best_effort", progress=busy),
        repo.snapshot("as good as can be", lock=True, consistency="prefer_quiesced", progress=busy),
    ]
    assert [one.consistency_level for one in taken] == ["best_effort", "best_effort"]
    assert all(any("training.log" in line for line in one.degraded) for one in taken)
    assert repo.snapshot("quiet", lock=True, consistency="prefer_quiesced").consistency_level == "quiesced"
    assert repo.verify(every=True).ok


def test_a_full_disk_is_an_error_and_loses_nothing() -> None:
    with loop_filesystem("ext4", size=64 << 20) as small:
        repo = Repository.init(small.mount / "repo")
        (main(repo) / "big.bin").write_bytes(os.urandom(30 << 20))
        before = metadata_of(main(repo))
        with pytest.raises(NoSpace):
            repo.snapshot("one", lock=True)
        assert metadata_of(main(repo)) == before
        assert [os.listdir(repo.root / ".jvs" / name) for name in ("snapshots", "descriptors")] == [[], []]
        (main(repo) / "big.bin").write_bytes(b"small")
        assert repo.snapshot("two", lock=True).files == 1
        assert repo.verify(every=True).ok


def test_two_threads_take_turns(local: Repository) -> None:
    failures: list[JvsError] = []

    def work(number: int) -> None:
        try:
            local.snapshot(f"thread {number}", lock=True, wait_s=30)
        except JvsError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(local.history()) == 4


def test_a_lock_held_for_a_block_is_given_back_after_the_operation_that_uses_it(local: Repository) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    class Waits:
        def started(self, step: str, total: int | None = None) -> None:
            if step == "manifest":
                at_work.set()
                go_on.wait(10)

        def advanced(self, amount: int = 1) -> None: ...
        def finished(self, step: str) -> None: ...

    other = threading.Thread(target=lambda: local.snapshot("beside", lock=True, progress=Waits()))
    with local.hold(purpose="a notebook's"):
        other.start()
        assert at_work.wait(10)
        threading.Timer(0.3, go_on.set).start()
    other.join()
    assert [item.descriptor.note for item in local.history()] == ["beside"]
    assert local.locks.status().state == "free"


@pytest.mark.parametrize("tag", ["", " a", "a\nb", "x" * 201, "\udc80"])
def test_a_tag_that_no_record_can_carry_is_refused(local: Repository, tag: str) -> None:
    with pytest.raises(InputError):
        local.snapshot("one", tags=[tag], lock=True)


def test_an_interrupt_while_the_lock_is_taken_gives_it_back(
    local: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = lock.acquire

    def interrupted(*args: object, **kwargs: object) -> object:
        taken = take(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        signal.raise_signal(signal.SIGINT)
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(lock, "acquire", interrupted)
        for attempt in (lambda: local.snapshot("one", lock=True), local.locks.acquire):
            with pytest.raises(KeyboardInterrupt):
                attempt()
    assert local.locks.status().state == "held"  # acquire is complete: its holder can use it
    local.locks.release()
    log = [json.loads(line) for line in (local.root / ".jvs/audit/audit.jsonl").read_text().splitlines()]
    pairs = ["init", "lock_acquire", "lock_release"]  # that of the snapshot is the operation's own
    assert [record["operation"] for record in log] == pairs


@pytest.mark.on_each
def test_a_time_beyond_2262_is_kept(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """63 bits of nanoseconds end there; XFS and btrfs go on."""
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"JVS_{name}_DIR", str(workdir / name))
    repo = Repository.init(workdir / "repo")
    path = repo.root / "main" / "f"
    path.write_text("x")
    late = 13_569_465_600 * 10**9
    os.utime(path, ns=(late, late))
    kept = path.stat().st_mtime_ns  # ext4 and JuiceFS may cut it
    taken = repo.snapshot("one", lock=True)
    repo.restore(taken.snapshot_id, name="again")
    assert (repo.worktrees.path("again") / "f").stat().st_mtime_ns == kept
    path.write_text("y")
    repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
    assert repo.status().clean
    assert repo.verify(every=True).ok


def test_if_changed_counts_what_a_snapshot_keeps_and_no_cache(local: Repository) -> None:
    first = local.snapshot("one", lock=True)
    cache = main(local) / "made"
    cache.mkdir()
    (cache / "CACHEDIR.TAG").write_bytes(TAG_SIGNATURE)
    (cache / "data").write_text("anything")
    assert local.snapshot_if_changed(lock=True) is None
    os.setxattr(main(local) / "notes.txt", "user.said", b"something")
    made = local.snapshot_if_changed("auto", kind="auto", lock=True)
    assert made is not None
    assert (made.kind, made.parent_snapshot_id) == ("auto", first.snapshot_id)
    assert local.snapshot_if_changed(lock=True) is None


def test_of_two_that_see_the_same_change_one_takes_the_snapshot(local: Repository) -> None:
    local.snapshot("one", lock=True)
    (main(local) / "notes.txt").write_text("changed")

    class Overtaken(Silent):
        """Another one is faster, once the change was seen."""

        made: str | None = None

        def finished(self, step: str) -> None:
            if step == "scan" and not self.made:
                self.made = "under way"
                self.made = local.snapshot("other", lock=True).snapshot_id

    assert local.snapshot_if_changed(lock=True, progress=Overtaken()) is None
    assert [item.descriptor.note for item in local.history()] == ["other", "one"]


def test_a_damaged_head_counts_as_changed_and_is_named(
    local: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    first = local.snapshot("one", lock=True)
    manifest = local.root / ".jvs" / "snapshots" / first.snapshot_id / "manifest"
    manifest.chmod(0o600)
    manifest.write_bytes(manifest.read_bytes()[:-1])
    assert local.snapshot_if_changed(lock=True) is not None
    assert first.snapshot_id in caplog.text
    assert local.snapshot_if_changed(lock=True) is None


def test_a_snapshot_says_of_which_kind_it_is(local: Repository) -> None:
    first = local.snapshot("one", lock=True)
    (main(local) / "notes.txt").write_text("changed")
    local.restore_inplace(first.snapshot_id, reason="back", lock=True)
    with local.sandbox() as box:
        (box.path / "new").write_text("new")
    kinds = {item.descriptor.note[:6]: item.descriptor.kind for item in local.history(every=True)}
    assert kinds == {"one": "user", "before": "restore", "sandbo": "run"}
    with pytest.raises(InputError, match="unknown kind"):
        local.snapshot(kind="other", lock=True)  # type: ignore[arg-type]


def test_a_descriptor_without_a_kind_and_one_of_a_later_kind_are_sound(local: Repository) -> None:
    (local.root / "main" / "more").write_text("more")
    made = local.snapshot("one", lock=True)
    for kind in (None, "invented"):
        other = made.changed(kind=kind, descriptor_checksum=None)
        other = other.changed(descriptor_checksum=catalog.checksum(other).model_dump())
        read = Descriptor.parse(catalog.encode(other), "it")
        assert (read.kind, catalog.checksum(read)) == (kind, other.descriptor_checksum)
        assert ("kind" in read.to_json()) == (kind is not None)
