"""Importing repositories of JVS 0.1.0: all that they hold comes, checked; what is in them is input."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, canonical
from jvs_core.cli import main
from jvs_core.control import catalog
from jvs_core.errors import DescriptorCorrupt, FormatUnsupported, LockConflict, UntrustedRepository
from jvs_core.model import Descriptor
from jvs_core.operations.moving import site
from tests.core.operations.moving.test_clone import Doing, require_sound
from tests.support import first

STUB, KEPT, GOOD, SECOND = (
    "1795996295103-eb72586f",
    "1795996302717-6f65710a",
    "1795996314979-3c0fa59e",
    "1795996318236-208aaa1a",
)
THIRD, BEFORE_RESTORE, TRIAL, HEAD = (
    "1795996322731-8175d56f",
    "1795996332738-4148f0e3",
    "1795996354417-0c730eef",
    "1795996385877-9f50d6eb",
)
RUN = "run-1795996382521-399a0f26"


def unpack(folder: Path) -> Path:
    """Unpack the repository, as the caller's own."""
    with tarfile.open(Path(first.__file__).parent / "0.1.0.tar.gz") as archive:
        archive.extractall(folder, filter="fully_trusted")
    (root,) = folder.iterdir()
    for path in (root, *root.rglob("*")):
        os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
    return root


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    return unpack(tmp_path / "old")


def rewrite(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def forge(root: Path, snapshot: str, **fields: Any) -> None:
    """Change a descriptor and give it the checksum that fits."""
    path = root / ".jvs" / "descriptors" / f"{snapshot}.json"
    made = Descriptor.parse(json.dumps({**json.loads(path.read_text()), **fields}).encode(), "it")
    path.write_text(json.dumps({**made.to_json(), "descriptor_checksum": catalog.checksum(made).to_json()}))


def listing(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() and not path.is_symlink() else b"",
        )
        for path in root.rglob("*")
    }


@pytest.mark.in_turn
def test_all_of_it_comes(old: Path, workdir: Path) -> None:
    before = listing(old)
    rewrite(old / ".jvs" / "worktrees" / "trial" / "config.json", labels={"user": "ana"})
    made = Repository.import_old(old, workdir / "new")
    assert (len(made.imported), made.refused) == (9, [])
    assert all(each.checked for each in made.imported)
    assert all("without shared blocks" in line for line in made.degraded)

    repo = Repository.open(workdir / "new")
    require_sound(repo)
    assert repo.resolve("tag:good") == GOOD
    assert repo.resolve("paper-v1") == SECOND
    assert repo.show(KEPT).descriptor.parent_snapshot_id == STUB
    (run,) = repo.runs.find()
    assert (run.run_id, run.outcome, run.parameters) == (RUN, "ok", {"alpha": 2})
    assert {pin.snapshot_id for pin in repo.pins.all()} >= {TRIAL}
    worktrees = {each.name: each for each in repo.worktrees.all()}
    was = json.loads((old / ".jvs" / "worktrees" / "main" / "config.json").read_text())
    assert worktrees["main"].worktree_id == was["worktree_id"]
    assert (worktrees["main"].head_snapshot_id, worktrees["trial"].head_snapshot_id) == (HEAD, TRIAL)
    assert worktrees["trial"].labels == {"user": "ana"}
    assert (repo.root / "main" / "train.py").read_text() == "x = 4  # not saved\n"
    assert (repo.root / "main" / "data" / "same.csv").stat().st_nlink == 2

    now = listing(old)
    del before[".jvs/worktrees/trial/config.json"], now[".jvs/worktrees/trial/config.json"]
    before.pop(".jvs/worktrees/trial", None), now.pop(".jvs/worktrees/trial", None)
    assert now == before


def test_work_goes_on_where_it_was(old: Path, tmp_path: Path) -> None:
    Repository.import_old(old, tmp_path / "new")
    repo = Repository.open(tmp_path / "new")
    taken = repo.snapshot("with 0.2.0", lock=True)
    descriptor = repo.show(taken.snapshot_id).descriptor
    assert descriptor.parent_snapshot_id == HEAD
    assert descriptor.fencing_token > repo.show(HEAD).descriptor.fencing_token
    repo.undo(force=True, lock=True, reason="back to before the restore of then")
    assert "half" in (repo.root / "main" / "train.py").read_text()
    require_sound(repo)


@pytest.mark.parametrize("command", ["info", "history", "snapshot note --lock", "doctor", "verify --all"])
def test_no_command_works_on_it_and_each_says_what_does(
    old: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listing(old)
    assert main.run(["--repo", str(old), *command.split()]) == 6
    said = capsys.readouterr().err
    assert "E_FORMAT_UNSUPPORTED" in said
    assert f"jvs import {old} NAME" in said
    assert listing(old) == before


def test_a_damaged_payload_is_refused_by_name_and_lineage_leads_through_it(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (old / ".jvs" / "snapshots" / THIRD / "payload" / "train.py").write_text("rot")
    assert main.run(["import", str(old), str(tmp_path / "new"), "--json"]) == 5
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert [(each["snapshot_id"], each["code"]) for each in said["refused"]] == [
        (THIRD, "E_PAYLOAD_HASH_MISMATCH")
    ]
    assert "some snapshots that undo goes back to could not be imported" in err
    repo = Repository.open(tmp_path / "new")
    require_sound(repo)
    assert repo.show(BEFORE_RESTORE).descriptor.parent_snapshot_id == THIRD


def test_a_snapshot_whose_parent_cannot_be_read_comes_as_the_first_of_its_line(
    old: Path, tmp_path: Path
) -> None:
    (old / ".jvs" / "descriptors" / f"{KEPT}.json").write_text("{")
    made = Repository.import_old(old, tmp_path / "new")
    assert {each.snapshot_id: each.code for each in made.refused} == {KEPT: "E_DESCRIPTOR_CORRUPT"}
    repo = Repository.open(tmp_path / "new")
    require_sound(repo)
    found = repo.show(GOOD).descriptor
    assert found.parent_snapshot_id is None
    assert any(KEPT in line for line in found.degraded)


def planted_descriptor(root: Path) -> None:
    forge(root, SECOND, note="never taken")


def linked_descriptor(root: Path) -> None:
    path = root / ".jvs" / "descriptors" / f"{SECOND}.json"
    path.rename(root / "elsewhere.json")
    path.symlink_to(root / "elsewhere.json")


def other_name(root: Path) -> None:
    descriptors = root / ".jvs" / "descriptors"
    shutil.copy(descriptors / f"{GOOD}.json", descriptors / f"{SECOND}.json")


def no_payload(root: Path) -> None:
    shutil.rmtree(root / ".jvs" / "snapshots" / SECOND)


def linked_payload(root: Path) -> None:
    payload = root / ".jvs" / "snapshots" / SECOND / "payload"
    payload.rename(root / "elsewhere")
    payload.symlink_to(root / "elsewhere")


def climbing_manifest(root: Path) -> None:
    path = root / ".jvs" / "snapshots" / SECOND / "manifest"
    path.write_bytes(path.read_bytes().replace(b"\ttrain.py", b"\t../../x"))


@pytest.mark.parametrize(
    "attack",
    [planted_descriptor, linked_descriptor, other_name, no_payload, linked_payload, climbing_manifest],
)
def test_what_is_not_as_it_was_written_is_refused(
    old: Path, tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    attack(old)
    made = Repository.import_old(old, tmp_path / "new")
    assert [each.snapshot_id for each in made.refused] == [SECOND]
    assert any("paper-v1" in line for line in made.degraded)
    assert not (tmp_path / "x").exists()
    repo = Repository.open(tmp_path / "new")
    assert {each.descriptor.snapshot_id for each in repo.history(every=True)} >= {GOOD, THIRD, HEAD}


def test_a_lineage_in_a_circle_is_refused_and_a_damaged_log_is_named(old: Path, tmp_path: Path) -> None:
    log = old / ".jvs" / "audit" / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], lines[3], *lines[2:]]))
    forge(old, GOOD, parent_snapshot_id=SECOND)
    made = Repository.import_old(old, tmp_path / "new")
    assert {each.snapshot_id: each.code for each in made.refused} == {
        GOOD: "E_LINEAGE_BROKEN",
        SECOND: "E_LINEAGE_BROKEN",
    }
    assert "its log is damaged after record 2: a record is out of order" in made.degraded
    require_sound(Repository.open(tmp_path / "new"))


def plant(root: Path) -> str:
    """Put a copy of a snapshot beside it, under an id of its own; only the log does not know it."""
    planted, jvs = GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"), root / ".jvs"
    shutil.copytree(jvs / "snapshots" / GOOD, jvs / "snapshots" / planted, symlinks=True)
    shutil.copy(jvs / "descriptors" / f"{GOOD}.json", jvs / "descriptors" / f"{planted}.json")
    forge(root, planted, snapshot_id=planted)
    return planted


def test_a_planted_snapshot_does_not_come(old: Path, tmp_path: Path) -> None:
    planted = plant(old)
    made = Repository.import_old(old, tmp_path / "new")
    assert {each.snapshot_id: each.code for each in made.refused} == {planted: "E_AUDIT_CHAIN_BROKEN"}
    assert len(made.imported) == 9
    require_sound(Repository.open(tmp_path / "new"))


def test_what_a_damaged_log_does_not_name_comes_and_is_named(old: Path, tmp_path: Path) -> None:
    log = old / ".jvs" / "audit" / "audit.jsonl"
    log.write_bytes(log.read_bytes()[:200] + b"damage" + log.read_bytes()[206:])
    made = Repository.import_old(old, tmp_path / "new")
    assert (len(made.imported), made.refused) == (9, [])
    assert any(HEAD in line and "does not name it" in line for line in made.degraded)


def test_records_that_nobody_wrote_are_left_out_and_named(old: Path, tmp_path: Path) -> None:
    jvs = old / ".jvs"
    (jvs / "refs" / "-rf.json").write_text("{}")
    (jvs / "refs" / "deep.json").write_text("[" * 100_000)
    shutil.copy(jvs / "refs" / "paper-v1.json", jvs / "refs" / "another.json")
    (jvs / "gc" / "pins" / "0123456789ab.json").symlink_to("/etc/passwd")
    (jvs / "worktrees" / "evil").mkdir()
    rewrite(jvs / "runs" / f"{RUN}.json", before_snapshot_id="../../x")
    (jvs / "intents" / "snapshot-x.json").write_text("{}")
    made = Repository.import_old(old, tmp_path / "new")
    assert (len(made.imported), made.refused) == (9, [])
    for word in ("-rf", "deep", "another", "0123456789ab", "evil", RUN, "snapshot-x"):
        assert any(word in line for line in made.degraded), word
    repo = Repository.open(tmp_path / "new")
    require_sound(repo)
    assert [each.name for each in repo.refs.all()] == ["paper-v1"]


def test_numbers_that_nobody_gave_do_not_come(old: Path, tmp_path: Path) -> None:
    tombstone = old / ".jvs" / "gc" / "tombstones" / f"{STUB}.json"
    rewrite(tombstone, descriptor={"number": 2**60})
    forge(old, HEAD, fencing_token=2**53 - 1)
    (old / ".jvs" / "audit" / "audit.jsonl").write_text("cut off\n")
    made = Repository.import_old(old, tmp_path / "new")
    assert any(tombstone.stem in line and "number" in line for line in made.degraded)
    repo = Repository.open(tmp_path / "new")
    assert repo.status().head_snapshot_id == HEAD
    assert repo.doctor().findings == []
    repo.snapshot(lock=True)


def test_what_cannot_be_a_repository_of_it_is_refused_before_anything_is_made(
    old: Path, tmp_path: Path
) -> None:
    config = old / ".jvs" / "worktrees" / "main" / "config.json"
    said = config.read_text()
    config.write_text('{"worktree_id": 1}')
    with pytest.raises(DescriptorCorrupt, match="no readable worktree 'main'"):
        Repository.import_old(old, tmp_path / "new")
    config.write_text(said)
    (old / ".jvs" / "format_version").write_text("0")
    with pytest.raises(FormatUnsupported, match="format 0"):
        Repository.import_old(old, tmp_path / "new")
    (old / ".jvs" / "format_version").write_text("1")
    os.chown(old / ".jvs", 65534, 65534)
    with pytest.raises(UntrustedRepository):
        Repository.import_old(old, tmp_path / "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["old"]


def test_somebody_at_work_is_noticed_and_the_import_goes_on_later(old: Path, tmp_path: Path) -> None:
    log = old / ".jvs" / "audit" / "audit.jsonl"

    def work() -> None:
        last = json.loads(log.read_bytes().splitlines()[-1])
        record = {**last, "seq": last["seq"] + 1, "prev_hash": last["record_hash"], "operation": "gc_pin"}
        del record["record_hash"]
        with open(log, "ab") as out:
            out.write(canonical.dumps({**record, "record_hash": canonical.sha256(record)}) + b"\n")

    with pytest.raises(LockConflict, match="somebody works"):
        Repository.import_old(old, tmp_path / "new", progress=Doing("worktrees", work))
    assert not (tmp_path / "new").exists()
    assert len(Repository.import_old(old, tmp_path / "new").imported) == 9
    require_sound(Repository.open(tmp_path / "new"))


@pytest.mark.parametrize("step", ["clone", "settle", "catalog", "worktrees", "records", "audit", "publish"])
def test_a_stopped_import_goes_on(old: Path, tmp_path: Path, step: str) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Repository.import_old(old, tmp_path / "new", progress=Doing(step, stop))
    assert not (tmp_path / "new").exists()
    assert len(Repository.import_old(old, tmp_path / "new").imported) == 9
    assert not site.place(tmp_path / "new").exists()
    require_sound(Repository.open(tmp_path / "new"))
