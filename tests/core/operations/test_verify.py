from __future__ import annotations

import json
import os
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.audit import ledger
from jvs_core.errors import EngineFailed, IntegrityError
from jvs_core.model import Descriptor
from jvs_core.operations import stored
from jvs_core.payload.check import inspection, matching
from jvs_core.payload.check.inspection import Inspection
from jvs_core.payload.engines import subvolume
from jvs_core.payload.tree import content
from jvs_core.payload.work import helpers, pool
from tests.support.damage import overwrite
from tests.support.payloads import build_git_repository, build_notebooks


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "a.txt").write_text("one")
    (repo.root / "main" / "b.txt").write_text("two")
    return repo


def _payload(repo: Repository, taken: Descriptor) -> Path:
    return repo.root / ".jvs" / "snapshots" / taken.snapshot_id / "payload"


def test_what_was_stored_verifies_on_every_file_system(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    for build in (build_git_repository, build_notebooks):
        (repo.root / "main" / build.__name__).mkdir()
        build(repo.root / "main" / build.__name__)
    repo.snapshot("one", lock=True)
    (repo.root / "main" / "new").write_text("x")
    repo.snapshot("two", lock=True)
    report = repo.verify(every=True)
    assert report.ok
    assert [(s.tamper_detected, s.severity) for s in report.snapshots] == [(False, "none")] * 2
    assert report.audit.records == 3


def test_a_changed_byte_is_named_and_the_other_snapshots_are_still_checked(repo: Repository) -> None:
    first = repo.snapshot("one", lock=True)
    (repo.root / "main" / "a.txt").write_text("ONE")
    second = repo.snapshot("two", lock=True)
    damaged = _payload(repo, second) / "a.txt"
    before = os.stat(damaged)
    damaged.write_text("oNE")
    os.utime(damaged, ns=(before.st_atime_ns, before.st_mtime_ns))
    report = repo.verify(every=True)
    assert not report.ok
    found = {s.snapshot_id: s for s in report.snapshots}
    assert not found[first.snapshot_id].tamper_detected
    assert found[second.snapshot_id].damaged_paths == ["a.txt"]
    assert found[second.snapshot_id].code == "E_PAYLOAD_HASH_MISMATCH"


def test_a_file_added_or_removed_in_a_payload_is_named(repo: Repository) -> None:
    taken = repo.snapshot("one", lock=True)
    (_payload(repo, taken) / "a.txt").unlink()
    (_payload(repo, taken) / "intruder").touch()
    assert repo.verify().snapshots[0].damaged_paths == ["a.txt", "intruder"]


def test_a_descriptor_rewritten_with_its_checksum_is_caught_against_the_log(repo: Repository) -> None:
    from jvs_core.control import catalog

    taken = repo.snapshot("one", lock=True)
    forged = taken.changed(note="another note")
    forged = forged.changed(descriptor_checksum=catalog.checksum(forged).model_dump())
    (repo.root / ".jvs" / "descriptors" / f"{taken.snapshot_id}.json").write_bytes(catalog.encode(forged))
    report = repo.verify(every=True).snapshots[0]
    assert (report.tamper_detected, report.code) == (True, "E_AUDIT_CHAIN_BROKEN")


def test_an_edited_descriptor_does_not_match_its_checksum(repo: Repository) -> None:
    taken = repo.snapshot("one", lock=True)
    path = repo.root / ".jvs" / "descriptors" / f"{taken.snapshot_id}.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "note": "edited"}))
    report = repo.verify(every=True).snapshots[0]
    assert (report.checksum_valid, report.code) == (False, "E_DESCRIPTOR_CORRUPT")


def test_a_retargeted_ref_and_a_vanished_snapshot_are_caught_against_the_log(repo: Repository) -> None:
    first = repo.snapshot("one", lock=True)
    (repo.root / "main" / "a.txt").write_text("ONE")
    second = repo.snapshot("two", lock=True)
    repo.refs.create("baseline", first.snapshot_id)
    assert repo.verify(every=True).ok
    path = repo.root / ".jvs" / "refs" / "baseline.json"
    path.write_text(path.read_text().replace(first.snapshot_id, second.snapshot_id))
    (repo.root / ".jvs" / "descriptors" / f"{first.snapshot_id}.json").unlink()
    report = repo.verify(every=True)
    assert "E_REF_BROKEN" in (report.audit.error or "")
    assert {s.snapshot_id: s.code for s in report.snapshots} == {
        first.snapshot_id: "E_PARTIAL_SNAPSHOT",
        second.snapshot_id: "E_LINEAGE_BROKEN",
    }


@pytest.mark.parametrize("change", ["edit", "cut", "drop", "swap"])
def test_a_changed_log_is_caught(repo: Repository, change: str) -> None:
    repo.locks.acquire()
    repo.snapshot("one")
    repo.locks.release()
    path = repo.root / ".jvs" / "audit" / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    changed = {
        "edit": [*lines[:2], lines[2].replace(b"one", b"two"), *lines[3:]],
        "cut": lines[:-1],
        "drop": [*lines[:1], *lines[2:]],
        "swap": [lines[0], lines[2], lines[1], *lines[3:]],
    }[change]
    assert changed != lines
    path.write_bytes(b"".join(changed))
    report = repo.verify(every=True)
    assert not report.ok
    assert "E_AUDIT_CHAIN_BROKEN" in (report.audit.error or "")


def test_a_moved_time_is_a_warning_and_no_tampering(repo: Repository) -> None:
    taken = repo.snapshot("one", lock=True)
    os.utime(_payload(repo, taken) / "a.txt", (0, 0))
    report = repo.verify()
    assert report.ok
    assert report.snapshots[0].severity == "warning"
    assert report.snapshots[0].drifted_paths == ["a.txt"]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that verifying reads, as it goes."""
    real = content.hash_fd
    names: list[str] = []

    def hash_fd(fd: int, size: int) -> bytes:
        names.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))
        return real(fd, size)

    monkeypatch.setattr(content, "hash_fd", hash_fd)
    return names


def test_a_file_that_snapshots_share_is_read_once_also_between_worktrees(
    repo: Repository, reads: list[str]
) -> None:
    repo.snapshot("one", lock=True)
    repo.worktrees.create("exp", from_="HEAD")
    (repo.worktrees.path("exp") / "c.txt").write_text("three")
    repo.snapshot("exp", worktree="exp", lock=True)
    (repo.root / "main" / "a.txt").write_text("ONE")
    repo.snapshot("two", lock=True)
    reads.clear()
    assert repo.verify(every=True).ok
    assert sorted(reads) == ["a.txt", "a.txt", "b.txt", "c.txt"]


def test_what_was_forgotten_is_read_again(
    repo: Repository, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "MOST_REMEMBERED", 1)
    repo.snapshot("one", lock=True)
    repo.snapshot("two", lock=True)
    reads.clear()
    assert repo.verify(every=True).ok
    assert sorted(reads) == ["a.txt", "a.txt", "b.txt"]


def test_a_link_that_a_snapshot_makes_meanwhile_is_no_damage(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = repo.snapshot("one", lock=True)
    real = content.hash_fd
    links = iter(range(2))

    def hash_fd(fd: int, size: int) -> bytes:
        for number in links:
            os.link(_payload(repo, taken) / "a.txt", repo.root / f"link{number}")
            break
        return real(fd, size)

    monkeypatch.setattr(content, "hash_fd", hash_fd)
    assert repo.verify().ok


def test_snapshots_taken_and_refs_made_meanwhile_are_no_fault(repo: Repository) -> None:
    class Busy:
        def started(self, step: str, total: int | None = None) -> None:
            (repo.root / "main" / "a.txt").write_text(f"{len(repo.history())}")
            taken = repo.snapshot("meanwhile", lock=True)
            repo.refs.create(f"ref{len(repo.history())}", taken.snapshot_id)

        def advanced(self, amount: int = 1) -> None: ...

        def finished(self, step: str) -> None: ...

    repo.snapshot("one", lock=True)
    repo.snapshot("two", lock=True)
    report = repo.verify(every=True, progress=Busy())
    assert report.ok, report
    assert len(report.snapshots) == 2
    assert len(repo.history()) == 4


def test_a_process_that_is_killed_is_no_tampering(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.snapshot("one", lock=True)
    monkeypatch.setattr(pool, "processes", lambda files, size: 2)
    begun = []
    real = helpers.spawn

    def spawn() -> subprocess.Popen[bytes]:
        begun.append(real())
        return begun[-1]

    class Killing:
        def started(self, step: str, total: int | None = None) -> None:
            for process in begun:
                process.kill()

        def advanced(self, amount: int = 1) -> None: ...

        def finished(self, step: str) -> None: ...

    monkeypatch.setattr(helpers, "spawn", spawn)
    with pytest.raises(EngineFailed, match="ended early"):
        repo.verify(every=True, progress=Killing())
    assert all(process.returncode is not None for process in begun)
    assert repo.verify(every=True).ok


def test_a_missing_payload_is_damage_and_the_others_are_still_checked(repo: Repository) -> None:
    one, two = (repo.snapshot(note, lock=True) for note in ("one", "two"))
    _payload(repo, one).rename(_payload(repo, one).with_name("moved"))
    found = {report.snapshot_id: report.code for report in repo.verify(every=True).snapshots}
    assert found == {one.snapshot_id: "E_PARTIAL_SNAPSHOT", two.snapshot_id: None}


@pytest.mark.parametrize("moment", ["between the looks", "during the first look", "before it is blamed"])
def test_gc_meanwhile_is_no_damage(repo: Repository, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    size = matching.AT_ONCE + 1
    (repo.root / "main" / "big").write_bytes(os.urandom(size))
    one = repo.snapshot("one", lock=True)
    (repo.root / "main" / "big").write_bytes(os.urandom(size))
    two = repo.snapshot("two", lock=True)
    if moment == "before it is blamed":
        os.utime(_payload(repo, one) / "a.txt", (1, 1))
    plan = repo.gc.plan(keep_last=1)
    assert [candidate.snapshot_id for candidate in plan.candidates] == [one.snapshot_id]
    runs = [plan.plan_id]
    place, name = {
        "between the looks": (Inspection, "_read_rest"),
        "during the first look": (matching.MatchJob, "open"),
        "before it is blamed": (stored, "load"),
    }[moment]
    real = getattr(place, name)

    def after_gc(*arguments: object) -> object:
        if runs:
            repo.gc.run(runs.pop())
        return real(*arguments)

    monkeypatch.setattr(place, name, after_gc)
    report = repo.verify(every=True)
    assert report.ok
    assert {found.snapshot_id: found.expired for found in report.snapshots} == {
        one.snapshot_id: True,
        two.snapshot_id: False,
    }


@pytest.mark.parametrize("damage", ["content", "missing", "descriptor", "manifest", "marker"])
def test_restoring_a_damaged_snapshot_is_refused_and_says_how_to_see_the_damage(
    repo: Repository, damage: str
) -> None:
    taken = repo.snapshot("one", lock=True)
    folder = _payload(repo, taken).parent
    if damage == "content":
        overwrite(folder / "payload" / "a.txt", "0ne")
    elif damage == "missing":
        (folder / "payload" / "a.txt").unlink()
    elif damage == "descriptor":
        path = repo.root / ".jvs" / "descriptors" / f"{taken.snapshot_id}.json"
        path.write_text(path.read_text().replace('"note":"one"', '"note":"two"'))
    elif damage == "manifest":
        (folder / "manifest").write_bytes((folder / "manifest").read_bytes().replace(b"a.txt", b"c.txt"))
    else:
        (folder / ".READY").unlink()
    for restore in (
        lambda: repo.restore(taken.snapshot_id, name="back"),
        lambda: repo.restore_inplace(taken.snapshot_id, reason="x", lock=True),
    ):
        with pytest.raises(IntegrityError) as raised:
            restore()
        assert raised.value.hint in (f"jvs verify {taken.snapshot_id}", "jvs doctor")
    assert [info.name for info in repo.worktrees.all()] == ["main"]
    assert (repo.root / "main" / "a.txt").read_text() == "one"


def test_a_snapshot_whose_times_a_move_lost_is_restored_with_them_in_a_new_worktree(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    main = repo.root / "main"
    (main / "a.txt").write_text("one")
    (main / "folder").mkdir()
    (main / "folder" / "link").symlink_to("../a.txt")
    os.utime(main / "a.txt", ns=(1, 1_234_567_890_123_456_789))
    taken = repo.snapshot("one", lock=True)
    payload = _payload(repo, taken)
    if taken.engine == "btrfs-snapshot":
        subvolume.set_read_only(payload, False)
    os.utime(payload / "a.txt", (1, 1))
    os.utime(payload / "folder" / "link", (1, 1), follow_symlinks=False)
    restored = Path(repo.restore(taken.snapshot_id, name="back").path)
    (main / "a.txt").write_text("two")
    repo.restore_path(taken.snapshot_id, "a.txt", to="b.txt")
    for path in (restored / "a.txt", main / "b.txt"):
        assert path.stat().st_mtime_ns == 1_234_567_890_123_456_789
    repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
    for path in (restored / "a.txt", main / "a.txt"):
        assert path.read_text() == "one"


def test_refs_that_come_and_go_all_the_time_are_no_fault(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.snapshot("one", lock=True)
    read = ledger.read
    names = (f"going-{number}" for number in count())

    def behind(*arguments: Any, **options: Any) -> ledger.Ledger:
        found = read(*arguments, **options)
        found.refs[next(names)] = "1" * 13 + "-" + "1" * 8
        return found

    monkeypatch.setattr(ledger, "read", behind)
    assert repo.verify(every=True).audit.ok


def test_several_snapshots_are_verified_and_no_other(repo: Repository) -> None:
    taken = []
    for text in "abc":
        (repo.root / "main" / "a.txt").write_text(text)
        taken.append(repo.snapshot(text, lock=True).snapshot_id)
    found = repo.verify(taken[:2])
    assert [one.snapshot_id for one in found.snapshots] == taken[:2]


def test_what_this_user_may_not_read_is_no_damage_and_not_remembered(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = repo.snapshot("one", lock=True).snapshot_id

    def refused(*_args: object) -> object:
        error = EngineFailed("manifest: Permission denied")
        raise error from PermissionError(13, "Permission denied")

    monkeypatch.setattr(stored, "lines", refused)
    (found,) = repo.verify(every=True).snapshots
    assert (found.snapshot_id, found.severity, found.tamper_detected) == (taken, "critical", False)
    assert found.code == "E_UNSUPPORTED_FILE"
    assert list((repo.root / ".jvs" / "damage").iterdir()) == []
