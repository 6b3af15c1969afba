"""Something else in the place of a control file is damage: it is found, and neither hides the rest nor stops a check."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.audit import log_file
from jvs_core.control.control_folders import CONTROL_FOLDERS
from jvs_core.control.layout import Layout
from jvs_core.control.lock import lease_files
from jvs_core.control.records import runs
from jvs_core.errors import AuditChainBroken, EngineFailed, InputError, IntegrityError, JvsError
from tests.core.control.test_files import IN_ITS_PLACE
from tests.core.operations.gc.test_gc import history_of
from tests.support.originals import Original

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]
RECORDS = {
    "ref": "refs/name.json",
    "log": "audit/audit.jsonl",
    "head of the log": "audit/head",
    "descriptor": "descriptors/{thin}.json",
    "parent": "descriptors/{first}.json",
    "marker": "snapshots/{first}/.READY",
    "pin": "gc/pins/{pin}.json",
    "plan": "gc/plans/{plan}.json",
    "tombstone": "gc/tombstones/0000000000000-00000000.json",
    "worktree": "worktrees/exp/config.json",
    "run": "runs/run-1760000000000-0123abcd.json",
    "intent": "intents/x.json",
    "lock": "locks/repository",
    "lease": "locks/{worktree}/{token}",
}


@pytest.fixture(autouse=True)
def short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the longest line of a log be one that is read at once."""
    monkeypatch.setattr(log_file, "LONGEST_LINE", 1 << 20)


def fill(repo: Repository) -> None:
    repo.locks.acquire()
    history_of(repo)
    repo.worktrees.create("exp")
    repo.refs.create("name", "HEAD")
    repo.pins.create("HEAD")
    repo.gc.plan()
    repo.locks.release()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return Original.made(tmp_path_factory.mktemp("original"), fill)


@pytest.fixture
def repo(original: Original, tmp_path: Path) -> Repository:
    return original.copy(tmp_path / "repo")


def place_of(repo: Repository, record: str) -> Path:
    control = repo.root / ".jvs"
    config = json.loads((control / "worktrees/main/config.json").read_text())
    ids = sorted(os.listdir(control / "snapshots"))
    return control / RECORDS[record].format(
        first=ids[0],
        thin=ids[1],
        worktree=config["worktree_id"],
        token=lease_files.tokens(Layout(repo.root), config["worktree_id"])[-1],
        pin=os.listdir(control / "gc/pins")[0][:-5],
        plan=os.listdir(control / "gc/plans")[0][:-5],
    )


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
@pytest.mark.parametrize("record", RECORDS)
def test_doctor_names_it_and_goes_on(repo: Repository, record: str, kind: str) -> None:
    (repo.root / "worktrees" / "unknown").mkdir()
    place = place_of(repo, record)
    place.unlink(missing_ok=True)
    IN_ITS_PLACE[kind](place)
    if record in ("lease", "head of the log", "lock") and kind == "longer":
        return  # its first bytes are all that is read of it
    found = repo.doctor().findings
    assert "W_WORKTREE_UNKNOWN" in [finding.code for finding in found]
    others = [finding for finding in found if finding.code != "W_WORKTREE_UNKNOWN"]
    assert others
    if record not in ("lease", "plan"):
        assert not repo.doctor().healthy


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
@pytest.mark.parametrize("record", [*RECORDS, "stub"])
def test_repairs_leave_what_they_cannot_mend_and_go_on(repo: Repository, record: str, kind: str) -> None:
    control = repo.root / ".jvs"
    if record == "stub":
        repo.pins.delete(repo.pins.all()[0].pin_id)
        repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
        place = control / "descriptors" / f"{repo.history()[1].descriptor.snapshot_id}.json"
    else:
        place = place_of(repo, record)
    place.unlink(missing_ok=True)
    IN_ITS_PLACE[kind](place)
    leftover = control / "refs" / ".left.json.0123abcd.tmp"
    leftover.touch()
    if record in ("lock", "log", "head of the log") and kind != "longer":
        with pytest.raises(IntegrityError, match=str(place)):
            repo.doctor(repairs=["clean_intents", "clean_tmp"])
    else:
        repo.doctor(repairs=["clean_intents", "clean_tmp"])
        assert not leftover.exists()


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
@pytest.mark.parametrize("record", ["ref", "log", "head of the log", "descriptor", "marker"])
def test_verify_names_it_and_goes_on(repo: Repository, record: str, kind: str) -> None:
    if record == "head of the log" and kind == "longer":
        return
    count = len(repo.verify(every=True).snapshots)
    place = place_of(repo, record)
    place.unlink()
    IN_ITS_PLACE[kind](place)
    report = repo.verify(every=True)
    assert not report.ok
    assert len(report.snapshots) == count


@pytest.mark.parametrize("kind", ["FIFO", "folder", "socket", "loop", "endless", "longer"])
@pytest.mark.parametrize("name", ["config.toml", "format_version", "repo_id"])
def test_a_repository_without_its_settings_is_refused_with_a_hint(
    repo: Repository, name: str, kind: str
) -> None:
    place = repo.root / ".jvs" / name
    place.unlink()
    IN_ITS_PLACE[kind](place)
    with pytest.raises(JvsError, match=name if name != "format_version" else "format") as refused:
        Repository.open(repo.root)
    assert refused.value.hint


def test_the_configuration_may_be_a_link_to_a_file(repo: Repository, tmp_path: Path) -> None:
    place = repo.root / ".jvs" / "config.toml"
    place.rename(tmp_path / "managed.toml")
    place.symlink_to(tmp_path / "managed.toml")
    assert Repository.open(repo.root).doctor(strict=True).healthy


@pytest.mark.parametrize("folder", [*(f".jvs/{name}" for name in CONTROL_FOLDERS), "worktrees"])
@pytest.mark.parametrize("what", ["link", "file"])
def test_what_stands_in_the_place_of_a_folder_is_an_error(
    repo: Repository, tmp_path: Path, folder: str, what: str
) -> None:
    place = repo.root / folder
    place.rename(tmp_path / "elsewhere")
    if what == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.touch()
    found = repo.doctor().findings
    assert ("E_FOLDER_REPLACED", folder) in [(finding.code, finding.target) for finding in found]


def test_nothing_is_appended_to_what_is_no_log(repo: Repository, tmp_path: Path) -> None:
    for name in ("audit.jsonl", "head"):
        place = repo.root / ".jvs" / "audit" / name
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
        before = (tmp_path / "elsewhere").read_bytes()
        with pytest.raises(AuditChainBroken, match="symbolic link"):
            repo.refs.create(f"for-{place.stem}", "HEAD")
        assert (tmp_path / "elsewhere").read_bytes() == before
        place.unlink()
        (tmp_path / "elsewhere").rename(place)


@pytest.mark.parametrize("kind", ["FIFO", "folder", "link", "loop"])
@pytest.mark.parametrize("name", ["audit.jsonl", "head"])
def test_what_is_no_log_is_set_aside(repo: Repository, tmp_path: Path, name: str, kind: str) -> None:
    place = repo.root / ".jvs" / "audit" / name
    place.rename(tmp_path / "elsewhere")
    if kind == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        IN_ITS_PLACE[kind](place)
    report = repo.doctor(repairs=["audit_repair"])
    assert "E_AUDIT_CHAIN_BROKEN" not in [finding.code for finding in report.findings]
    assert (tmp_path / "elsewhere").exists()
    if kind == "link" or name == "head":
        assert repo.verify(every=True).ok


def test_a_line_that_is_nested_without_end_is_a_damaged_one(repo: Repository) -> None:
    with (repo.root / ".jvs/audit/audit.jsonl").open("a") as log:
        log.write("[" * 100_000 + "\n")
    assert [finding.repair for finding in repo.doctor().findings] == ["audit_repair"]
    assert not repo.verify(every=True).ok
    repo.doctor(repairs=["audit_repair"])
    assert repo.verify(every=True).ok


def test_a_repair_of_a_name_that_is_no_text_is_logged(repo: Repository) -> None:
    control = os.fsencode(repo.root / ".jvs")
    os.mkdir(control + b"/locks/d\xfe")
    Path(os.fsdecode(control + b"/refs/.d\xfe.0123abcd.tmp")).touch()
    Path(os.fsdecode(control + b"/intents/d\xfe.json")).touch()
    for action in ("clean_locks", "clean_tmp", "clean_intents"):
        assert repo.doctor(repairs=[action]).repaired
        newest = repo.audit.log(1)[0]
        assert newest.target == action
        assert any("d\\xfe" in what for what in newest.details["repaired"])


def test_links_and_files_among_the_locks_are_removed_and_nothing_behind_them(
    repo: Repository, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    locks = repo.root / ".jvs" / "locks"
    before = sorted(os.listdir(locks))
    (locks / "junk").symlink_to(tmp_path / "elsewhere")
    (locks / "file").touch()
    assert {"clean_locks: junk", "clean_locks: file"} <= set(repo.doctor(repairs=["clean_locks"]).repaired)
    assert sorted(os.listdir(locks)) == before
    assert (tmp_path / "elsewhere" / "kept").exists()


def failing(code: int) -> Callable[[Layout], object]:
    def fails(layout: Layout) -> object:
        raise OSError(code, os.strerror(code), str(layout.runs))

    return fails


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo.root / ".jvs" / "refs" / "name.json").write_text("")
    monkeypatch.setattr(runs, "read_all", failing(errno.EIO))
    found = {(finding.code, finding.target) for finding in repo.doctor().findings}
    assert found == {("E_CHECK_FAILED", ".jvs/runs"), ("E_REF_BROKEN", "name")}
    monkeypatch.setattr(runs, "read_all", failing(errno.EMFILE))
    with pytest.raises(EngineFailed):
        repo.doctor()


def test_junk_among_the_leases_ends_nobody_s_turn(repo: Repository) -> None:
    folder = place_of(repo, "lease").parent
    for name in ("9007199254740991", "9007199254740990", "900719925474099"):
        (folder / name).touch()
    for _ in range(3):
        repo.locks.acquire()
        repo.snapshot("under it")
        repo.locks.release()
    strays = [finding for finding in repo.doctor().findings if finding.code == "W_LOCK_STRAY"]
    assert len(strays) == 3
    repo.doctor(repairs=["clean_locks"])
    assert len(os.listdir(folder)) == 4
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    repo.doctor(repairs=["clean_locks"])
    assert len(os.listdir(folder)) == 1
    assert repo.doctor(strict=True).healthy


def test_a_lock_that_no_state_can_be_kept_of_is_not_taken(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "at" / "all")
    newest = place_of(repo, "lease")
    for place in ("file", "dangling"):
        monkeypatch.setenv("JVS_STATE_DIR", str(tmp_path / place))
        with pytest.raises(InputError, match="state") as refused:
            Repository.open(repo.root).locks.acquire()
        assert "JVS_STATE_DIR" in (refused.value.hint or "")
    assert place_of(repo, "lease") == newest


@pytest.mark.parametrize("value", [-1, 99999999999999999999999])
def test_a_number_that_makes_no_sense_is_named(repo: Repository, value: int) -> None:
    with pytest.raises(InputError, match="keep_daily"):
        repo.gc.plan(keep_daily=value)


def test_a_worktree_goes_with_whatever_lies_among_its_leases(repo: Repository) -> None:
    config = json.loads((repo.root / ".jvs/worktrees/exp/config.json").read_text())
    folder = repo.root / ".jvs/locks" / config["worktree_id"]
    (folder / "9007199254740991").touch()
    (folder / "junk").mkdir()
    repo.worktrees.remove("exp")
    assert not folder.exists()
    assert repo.doctor(strict=True).healthy


def test_a_log_that_grew_without_end_is_damaged_and_stops_no_work(repo: Repository) -> None:
    os.truncate(repo.root / ".jvs/audit/audit.jsonl", 4 << 40)
    assert "E_AUDIT_CHAIN_BROKEN" in [finding.code for finding in repo.doctor().findings]
    with pytest.raises(AuditChainBroken, match="longer than a log can be"):
        repo.audit.log(3)
    assert not repo.verify(every=True).ok
    repo.doctor(repairs=["audit_repair"])
    assert repo.verify(every=True).ok
