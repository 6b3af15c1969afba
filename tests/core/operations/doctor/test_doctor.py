from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from unittest import mock

import pytest

from jvs_core import Repository, files
from jvs_core.errors import InputError
from jvs_core.progress import Silent
from tests.crash import children
from tests.support.filesystems import juicefs_client
from tests.support.metadata import metadata_of

pytestmark = pytest.mark.in_turn

STEPS = (
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
)
RUNTIME = ("clean_tmp", "clean_locks", "clean_intents", "finish_restore")


@pytest.fixture
def repo(workdir: Path) -> Repository:
    repo = Repository.init(workdir / "repo")
    (repo.root / "main" / "notes.txt").write_text("notes")
    repo.locks.acquire()
    repo.snapshot("one")
    (repo.root / "main" / "notes.txt").write_text("changed")
    return repo


def kill(repo: Repository, step: str, call: str, *arguments: str) -> None:
    killed = children.Steps(at=f"before {step}", act=children.die)
    assert children.run(lambda: attrgetter(call)(repo)(*arguments, progress=killed)) == children.KILLED


@pytest.mark.on_each
def test_a_new_repository_is_healthy(repo: Repository) -> None:
    report = repo.doctor(strict=True)
    assert (report.healthy, report.findings) == (True, [])


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


@pytest.mark.parametrize("put_back", [False, True])
def test_a_sound_log_is_not_set_aside(repo: Repository, put_back: bool) -> None:
    audit = repo.root / ".jvs" / "audit"
    aside = audit / "damaged-20260101T000000"
    aside.mkdir()  # all that a killed repair left, or what its content was put back from
    if put_back:
        (aside / "audit.jsonl").write_bytes((audit / "audit.jsonl").read_bytes())
    before = repo.audit.log()
    assert repo.doctor(repairs=["audit_repair"]).repaired == []
    assert repo.audit.log() == before


def test_what_later_repairs_set_aside_is_known_with_what_a_killed_one_did(repo: Repository) -> None:
    repo.refs.create("gone", "HEAD")
    audit = repo.root / ".jvs" / "audit"
    lines = (audit / "audit.jsonl").read_bytes().splitlines(keepends=True)
    killed = audit / "damaged-20260101T000000"
    killed.mkdir()
    (killed / "audit-000000000009.jsonl").write_bytes(b"".join(lines))
    repo.refs.delete("gone")
    (audit / "audit.jsonl").write_bytes(
        b"garbage\n" + (audit / "audit.jsonl").read_bytes().splitlines(keepends=True)[-1]
    )
    for _ in range(2):
        assert repo.doctor(repairs=["audit_repair"]).healthy
        assert repo.verify(every=True).ok
        with (audit / "audit.jsonl").open("ab") as log:
            log.write(b"garbage\n")


def test_a_log_that_was_taken_away_is_missed_also_when_another_was_begun(repo: Repository) -> None:
    audit = repo.root / ".jvs" / "audit"
    for name in ("audit.jsonl", "head"):
        (audit / name).unlink()
    (repo.root / "main" / "notes.txt").write_text("again")
    repo.snapshot("two", lock=True)
    assert "begins with a" in str(repo.verify(every=True).audit.error)
    assert "audit_repair" in {found.repair for found in repo.doctor().findings}
    assert repo.doctor(repairs=["advance_head", "audit_repair"]).healthy
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("left", [0, 3])
def test_a_ref_whose_record_is_lost_is_taken_up_by_the_repair_of_the_log_and_named(
    repo: Repository, left: int
) -> None:
    repo.refs.create("good", "HEAD")
    path = repo.root / ".jvs" / "audit" / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:left]))
    report = repo.doctor(repairs=["advance_head", "audit_repair"])
    assert (report.healthy, report.repaired[-1]) == (True, "audit_repair: ref good as it is")
    assert repo.audit.log()[0].details["adopted"] == ["good"]
    assert repo.verify(every=True).ok
    assert repo.doctor(repairs=["advance_head", "audit_repair"]).repaired == []


def test_a_ref_that_was_turned_to_another_snapshot_is_not_taken_up(repo: Repository) -> None:
    repo.refs.create("good", "HEAD")
    (repo.root / "main" / "more.txt").write_text("more")
    other = repo.snapshot("other", lock=True)
    ref = repo.root / ".jvs" / "refs" / "good.json"
    ref.write_text(json.dumps({**json.loads(ref.read_text()), "snapshot_id": other.snapshot_id}))
    path = repo.root / ".jvs" / "audit" / "audit.jsonl"
    path.write_bytes(path.read_bytes() + b"garbage\n")
    found = repo.doctor(repairs=["audit_repair"]).findings
    assert [(finding.code, finding.target) for finding in found] == [("E_REF_BROKEN", "good")]
    assert "E_REF_BROKEN" in str(repo.verify(every=True).audit.error)


def test_an_unknown_repair_is_refused(repo: Repository) -> None:
    with pytest.raises(InputError):
        repo.doctor(repairs=["magic"])


def copied(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)
    for name in ("locks", "intents"):
        shutil.rmtree(target / ".jvs" / name)


def synchronised(source: Path, target: Path) -> None:
    client = juicefs_client()
    if client is None:
        pytest.skip("the JuiceFS client is not installed (extra 'juicefs')")
    options = ["--perms", "--links", "--dirs", "--exclude", ".jvs/locks/", "--exclude", ".jvs/intents/"]
    target.mkdir()
    subprocess.run([client, "sync", *options, f"{source}/", f"{target}/"], check=True, capture_output=True)


@pytest.mark.parametrize("move", [copied, synchronised])
def test_a_repository_moved_without_locks_and_intents_is_healthy(
    workdir: Path, move: Callable[[Path, Path], None]
) -> None:
    repo = Repository.init(workdir / "repo")
    for number in range(3):
        (repo.root / "main" / "notes.txt").write_text(f"notes {number}")
        repo.snapshot(f"{number}", lock=True)
    repo.refs.create("first", "HEAD~2")
    repo.worktrees.create("exp")
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    repo.locks.acquire()
    move(repo.root, workdir / "moved")
    moved = Repository.open(workdir / "moved")
    assert [found for found in moved.doctor(strict=True).findings if found.severity != "info"] == []
    assert moved.doctor(repairs=RUNTIME, strict=True).findings == []
    assert moved.doctor(repairs=RUNTIME).repaired == []
    assert moved.verify(every=True).ok
    assert [item.expired for item in moved.history()] == [False, True, False]
    (moved.root / "main" / "notes.txt").write_text("moved on")
    assert moved.snapshot("after", lock=True).fencing_token > moved.show("HEAD~1").descriptor.fencing_token
    moved.restore("first")
    moved.worktrees.create("other")
    assert moved.verify(every=True).ok


def test_a_repository_moved_without_its_empty_folders_is_healthy(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    subprocess.run(["find", repo.root, "-type", "d", "-empty", "-delete"], check=True)
    assert not (repo.root / "main").exists()
    moved = Repository.open(repo.root)
    assert moved.doctor().healthy
    assert moved.doctor(repairs=RUNTIME, strict=True).findings == []
    (repo.root / "main" / "a").write_text("a")
    moved.snapshot("one", lock=True)
    moved.worktrees.create("exp")
    assert moved.verify(every=True).ok


def test_nothing_under_way_is_called_wrong(repo: Repository) -> None:
    seen: dict[str, list[str]] = {}

    class Looking(Silent):
        def started(self, step: str, total: int | None = None) -> None:
            if step in STEPS and step not in ("fence", "publish"):
                report = Repository.open(repo.root).doctor(strict=True)
                seen[step] = [f"{f.code} {f.target}" for f in report.findings if f.severity != "info"]

    repo.snapshot("two", progress=Looking())
    assert seen
    assert {step: found for step, found in seen.items() if found} == {}


def test_a_worktree_whose_name_ends_like_a_temporary_one_is_no_leftover(repo: Repository) -> None:
    repo.worktrees.create("foo.tmp")
    (repo.root / "worktrees" / "foo.tmp" / "only").write_text("only")
    (repo.root / "worktrees" / "mine.tmp").mkdir()
    found = {finding.target: finding.code for finding in repo.doctor().findings}
    assert "worktrees/mine.tmp" in found
    repo.doctor(repairs=("clean_tmp",))
    assert (repo.root / "worktrees" / "foo.tmp" / "only").read_text() == "only"
    assert (repo.root / "worktrees" / "mine.tmp").is_dir()
    assert "foo.tmp" in [info.name for info in repo.worktrees.all()]


@pytest.mark.parametrize(
    "path", ["snapshots/{id}", "descriptors/{id}.json", "refs/kept.json", "gc/pins/{pin}.json"]
)
def test_what_the_log_knows_is_no_leftover_under_a_temporary_name(repo: Repository, path: str) -> None:
    taken = repo.snapshot("one", lock=True)
    repo.refs.create("kept", "HEAD")
    pin = repo.pins.create("HEAD")
    place = repo.root / ".jvs" / path.format(id=taken.snapshot_id, pin=pin.pin_id)
    aside = place.with_name(place.name + ".tmp")
    place.rename(aside)
    assert not repo.doctor(repairs=("clean_tmp",)).healthy
    aside.rename(place)
    assert repo.doctor(strict=True).healthy
    assert repo.verify(every=True).ok


def test_no_empty_folder_is_put_where_a_renamed_one_comes(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo")
    made = Path(repo.worktrees.create("old").path)
    (made / "data").write_text("data")
    rename = files.rename_durable

    def dies_at_the_folder(source: Path, target: Path) -> None:
        if source == made:
            children.die()
        rename(source, target)

    with mock.patch.object(files, "rename_durable", dies_at_the_folder):
        assert children.run(lambda: repo.worktrees.rename("old", "new")) == children.KILLED
    assert repo.doctor(repairs=["clean_tmp"]).healthy
    assert repo.doctor(repairs=["clean_intents"], strict=True).healthy
    assert (repo.root / "worktrees" / "new" / "data").read_text() == "data"
