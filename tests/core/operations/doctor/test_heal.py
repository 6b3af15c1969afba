"""What verify found damaged: remembered, shared with nothing, and healed from wherever the content still is."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import damages
from jvs_core.control.records.damages import DAMAGES
from jvs_core.errors import PayloadHashMismatch
from jvs_core.model import Damage
from jvs_core.payload.engines import subvolume
from tests.properties.conftest import FULL
from tests.support.damage import unsealed
from tests.support.users import as_user

pytestmark = pytest.mark.in_turn

STEP = 2 if FULL else 10
GOOD = b"a good line\n" * 50
OTHER = b"another one\n" * 50


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def payload(repo: Repository, snapshot_id: str) -> Path:
    return repo.root / ".jvs/snapshots" / snapshot_id / "payload"


def rot(repo: Repository, snapshot_id: str, name: str, data: bytes | None = None) -> None:
    """Change bytes of a stored file as a failing device does: in place, times and size as before."""
    top = payload(repo, snapshot_id)
    locked = subvolume.is_subvolume(top) and subvolume.is_read_only(top)
    if locked:
        subvolume.set_read_only(top, False)
    before = os.stat(top / name)
    with unsealed(top / name), (top / name).open("r+b") as file:
        file.write(b"rot" if data is None else data)
    os.utime(top / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    if locked:
        subvolume.set_read_only(top, True)


def remembered(repo: Repository) -> list[str]:
    return DAMAGES.keys(Layout(repo.root))


def damaged(repo: Repository) -> dict[str, list[str]]:
    return {s.snapshot_id: s.damaged_paths for s in repo.verify(every=True).snapshots if s.tamper_detected}


def found(repo: Repository) -> list[tuple[str, str, str | None]]:
    return [(f.code, f.target, f.repair) for f in repo.doctor().findings if f.severity != "info"]


@pytest.mark.on_each
def test_the_next_snapshot_of_a_good_worktree_is_whole_and_the_damaged_one_is_healed(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    main = repo.root / "main"
    (main / "sub").mkdir()
    for name in ("a", "sub/b", "sub/c"):
        (main / name).write_bytes(GOOD + name.encode())
    os.link(main / "sub/c", main / "d")
    os.chmod(main / "sub/b", 0o640)
    first = repo.snapshot("first", lock=True).snapshot_id
    (main / "new").write_text("x")
    second = repo.snapshot("second", lock=True).snapshot_id
    for name in ("sub/b", "sub/c"):
        rot(repo, second, name)
    names = ["d", "sub/b", "sub/c"]
    before = damaged(repo)
    assert before[second] == names
    assert set(remembered(repo)) == set(before)
    third = repo.snapshot("third", lock=True).snapshot_id
    assert set(damaged(repo)) == set(before)
    assert all(finding[2] == "heal" for finding in found(repo))
    report = repo.doctor(repairs=["heal"])
    assert report.healthy, report.findings
    assert set(report.repaired) == {f"heal: {key}: {name}" for key in before for name in names}
    after = repo.verify(every=True)
    assert after.ok
    assert [s.severity for s in after.snapshots] == ["none"] * 3
    assert remembered(repo) == []
    for key in (first, second, third):
        top = payload(repo, key)
        assert (top / "sub/b").read_bytes() == GOOD + b"sub/b"
        assert stat.S_IMODE((top / "sub/b").stat().st_mode) in (0o440, 0o640)
        assert (top / "d").samefile(top / "sub/c")
        if subvolume.on_btrfs(top):
            assert subvolume.is_read_only(top)
    log = (repo.root / ".jvs/audit/audit.jsonl").read_text().splitlines()
    (repair,) = [record for record in map(json.loads, log) if record["operation"] == "repair"]
    assert (repair["target"], len(repair["details"]["repaired"])) == ("heal", len(report.repaired))
    assert repo.doctor(repairs=["heal"]).repaired == []
    assert not any(
        name.endswith(".tmp") for _, *both in os.walk(repo.root / ".jvs") for part in both for name in part
    )


def history(repo: Repository) -> tuple[str, str, str]:
    """Take three snapshots that share the file ``a`` by hard link."""
    (repo.root / "main/a").write_bytes(GOOD)
    (repo.root / "main/b").write_bytes(OTHER)
    made = []
    for number in range(3):
        (repo.root / "main/n").write_text(str(number))
        made.append(repo.snapshot(str(number), lock=True).snapshot_id)
    first, second, third = made
    assert (payload(repo, first) / "a").samefile(payload(repo, third) / "a")
    return first, second, third


def test_what_one_verified_snapshot_shares_with_the_head_is_linked_no_more(repo: Repository) -> None:
    first, _, third = history(repo)
    rot(repo, third, "a")
    repo.verify(first)
    assert remembered(repo) == [first]
    fourth = repo.snapshot("fourth", lock=True).snapshot_id
    assert repo.verify(fourth).ok
    assert (payload(repo, fourth) / "a").read_bytes() == GOOD
    assert (payload(repo, fourth) / "b").samefile(payload(repo, third) / "b")


def test_every_name_of_a_shared_file_is_healed_and_they_share_again(repo: Repository) -> None:
    made = history(repo)
    rot(repo, made[0], "a")
    repo.verify(made[1])
    assert remembered(repo) == [made[1]]
    report = repo.doctor(repairs=["heal"], strict=True)
    assert report.healthy
    assert sorted(report.repaired) == sorted(f"heal: {key}: a" for key in made)
    assert repo.verify(every=True).ok
    (inode,) = {(payload(repo, key) / "a").stat().st_ino for key in made}
    assert inode != (repo.root / "main/a").stat().st_ino
    assert (payload(repo, made[0]) / "a").read_bytes() == GOOD


def test_what_is_nowhere_is_named_with_its_digest_and_healed_once_it_is_there(repo: Repository) -> None:
    first, *_ = history(repo)
    (repo.root / "main/a").write_bytes(OTHER)
    rot(repo, first, "a")
    damaged(repo)
    report = repo.doctor(repairs=["heal"])
    assert (report.healthy, report.repaired) == (False, [])
    finding = next(f for f in report.findings if f.target == first)
    assert finding.repair is None
    assert f"a: no snapshot or worktree has {len(GOOD)} bytes of SHA-256 " in finding.message
    before = (repo.root / ".jvs/damage" / f"{first}.json").read_bytes()
    assert repo.doctor(repairs=["heal"]).findings == report.findings
    repo.verify(every=True)
    assert (repo.root / ".jvs/damage" / f"{first}.json").read_bytes() == before
    (repo.root / "main/elsewhere").write_bytes(GOOD)
    assert repo.doctor(repairs=["heal"]).healthy
    assert repo.verify(every=True).ok


def test_of_the_same_size_only_the_same_bytes_are_taken(repo: Repository) -> None:
    made = history(repo)
    (repo.root / "main/a").write_bytes(bytes(len(GOOD)))
    rot(repo, made[0], "a", b"x" * len(GOOD))
    (repo.root / "main/c").write_bytes(OTHER)
    damaged(repo)
    repo.doctor(repairs=["heal"])
    assert (payload(repo, made[0]) / "a").read_bytes() == b"x" * len(GOOD)


def test_lost_surplus_and_changed_entries_are_put_right(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "sub/deep").mkdir(parents=True)
    (main / "sub/deep/f").write_bytes(GOOD)
    (main / "link").symlink_to("a\tb")
    os.mkfifo(main / "pipe", 0o600)
    (main / "mode").write_text("m")
    (main / "was").mkdir()
    one = repo.snapshot("one", lock=True).snapshot_id
    top = payload(repo, one)
    shutil.rmtree(top / "sub")
    (top / "link").unlink()
    (top / "link").symlink_to("elsewhere")
    (top / "pipe").unlink()
    (top / "mode").chmod(0o777)
    (top / "was").rmdir()
    (top / "was").write_text("a file by now")
    (top / "stray").mkdir()
    (top / "stray/x").write_text("only copy")
    assert damaged(repo)
    report = repo.doctor(repairs=["heal"])
    assert report.healthy, report.findings
    after = repo.verify(one).snapshots[0]
    assert (after.tamper_detected, after.drifted_paths) == (False, ["mode"]), after
    kept = {path.read_text() for path in (repo.root / ".jvs/aside").rglob("*") if path.is_file()}
    assert kept == {"only copy", "a file by now"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_times_and_attributes_are_those_of_the_manifest(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "a").write_bytes(GOOD)
    os.setxattr(main / "a", "user.note", b"kept")
    os.chown(main / "a", 1234, 4321)
    os.utime(main / "a", ns=(1, 10**18 + 7))
    one = repo.snapshot("one", lock=True).snapshot_id
    rot(repo, one, "a")
    damaged(repo)
    assert repo.doctor(repairs=["heal"]).healthy
    st = (payload(repo, one) / "a").stat()
    assert (st.st_uid, st.st_gid, st.st_mtime_ns) == (1234, 4321, 10**18 + 7)
    assert os.getxattr(payload(repo, one) / "a", "user.note") == b"kept"
    assert repo.verify(one).snapshots[0].severity == "none"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives setuid away")
def test_root_makes_nothing_setuid_and_nobody_s_where_others_write_the_records(repo: Repository) -> None:
    main = repo.root / "main"
    for name in ("theirs", "special", "plain"):
        (main / name).write_bytes(GOOD + name.encode())
    os.chown(main / "theirs", 1234, 1234)
    (main / "special").chmod(0o4755)
    one = repo.snapshot("one", lock=True).snapshot_id
    for name in ("theirs", "special", "plain"):
        rot(repo, one, name)
    (repo.root / ".jvs").chmod(0o775)
    damaged(repo)
    repo.doctor(repairs=["heal"])
    assert damaged(repo) == {one: ["theirs"]}
    assert stat.S_IMODE((payload(repo, one) / "special").stat().st_mode) == 0o555


def untouched(path: Path) -> tuple[int, ...]:
    """Return what stays of a file that is only read: all but the time of that."""
    st = path.stat()
    return (st.st_ino, st.st_mode, st.st_nlink, st.st_size, st.st_mtime_ns, st.st_ctime_ns)


def test_a_lie_is_forgotten_and_a_record_that_cannot_be_read_costs_only_a_look(repo: Repository) -> None:
    first, second, third = history(repo)
    layout = Layout(repo.root)
    with critical.exclusive(layout.repository_lock):
        damages.remember(layout, first, by="x", code="E_LIE", paths=[b"../../a", b"a", b""], complete=True)
    (layout.damage / f"{second}.json").write_text("{")
    (layout.damage / f"{third}.json").symlink_to(repo.root / "main/a")
    before = {key: untouched(payload(repo, key) / "a") for key in (first, second, third)}
    assert {target for _, target, _ in found(repo)} == {first, second, third}
    fourth = repo.snapshot("fourth", lock=True).snapshot_id
    assert repo.verify(fourth).ok
    assert repo.doctor(repairs=["heal"], strict=True).healthy
    assert {key: untouched(payload(repo, key) / "a") for key in before} == before
    assert (repo.root / "main/a").read_bytes() == GOOD
    assert remembered(repo) == []


def test_a_damaged_snapshot_is_not_brought_out_by_its_looks(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    (repo.root / "main/a").write_bytes(GOOD)
    one = repo.snapshot("one", lock=True).snapshot_id
    rot(repo, one, "a")
    repo.verify(one)
    with pytest.raises(PayloadHashMismatch):
        repo.restore(one)
    assert repo.doctor(repairs=["heal"]).healthy
    made = repo.restore(one)
    assert (Path(made.path) / "a").read_bytes() == GOOD


def test_a_snapshot_with_more_damage_than_is_listed_shares_nothing(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, third = history(repo)
    monkeypatch.setattr("jvs_core.operations.damage.MOST_DAMAGED", 1)
    rot(repo, first, "a")
    repo.verify(first)
    record = DAMAGES.find(Layout(repo.root), first)
    assert record is not None
    assert not record.complete
    fourth = repo.snapshot("fourth", lock=True).snapshot_id
    assert not (payload(repo, fourth) / "b").samefile(payload(repo, third) / "b")
    fifth = repo.snapshot("fifth", lock=True).snapshot_id
    assert (payload(repo, fifth) / "b").samefile(payload(repo, fourth) / "b")


def test_a_manifest_that_is_damaged_is_said(repo: Repository) -> None:
    first, *_ = history(repo)
    path = repo.root / ".jvs/snapshots" / first / "manifest"
    path.write_bytes(path.read_bytes().replace(b"end ", b"end 1"))
    repo.verify(first)
    assert (("E_PAYLOAD_HASH_MISMATCH", first, "heal")) in found(repo)
    report = repo.doctor(repairs=["heal"])
    assert [f.repair for f in report.findings if f.target == first] == [None]


def test_what_gc_removed_is_forgotten(repo: Repository) -> None:
    first, *_ = history(repo)
    rot(repo, first, "a")
    damaged(repo)
    assert first in remembered(repo)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    assert first not in remembered(repo)


def test_who_may_not_write_verifies_all_the_same(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = history(repo)
    rot(repo, first, "a")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jvs_core.operations.damage.critical.exclusive", refused)
    assert first in damaged(repo)
    assert remembered(repo) == []


KILLED = """
import os, sys
from jvs_core import Repository
left = int(sys.argv[2])
def dying(name):
    real = getattr(os, name)
    def call(*args, **more):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*args, **more)
    setattr(os, name, call)
for name in ("rename", "link", "unlink", "fsync", "utime", "pwrite"):
    dying(name)
Repository.open(sys.argv[1]).doctor(repairs=["heal"])
"""


def linked_again(repo_at: Path, made: tuple[str, ...]) -> None:
    """Share the files of a copied repository's snapshots again, which a copy does not keep."""
    payloads = [repo_at / ".jvs/snapshots" / key / "payload" for key in made]
    times = [os.stat(place) for place in payloads]
    for place in payloads:
        for name, of in (("a", "a"), ("b", "b"), ("x", "x"), ("y", "x")):
            if (place / name) != payloads[0] / of:
                (place / name).unlink()
                os.link(payloads[0] / of, place / name)
    for place, st in zip(payloads, times, strict=True):
        os.utime(place, ns=(st.st_atime_ns, st.st_mtime_ns))


@pytest.mark.parametrize("part", range(2))
def test_killed_anywhere_leaves_the_payloads_no_worse(
    tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = Repository.init(tmp_path / "template", engine="copy")
    main = template.root / "main"
    (main / "x").write_bytes(GOOD)
    os.link(main / "x", main / "y")
    made = history(template)
    rot(template, made[0], "a")
    rot(template, made[0], "x")
    bad = damaged(template)
    assert bad == {key: ["a", "x", "y"] for key in made}
    for count in range(part * STEP // 2, 4000, STEP):
        shutil.copytree(template.root, tmp_path / "repo", symlinks=True)
        copied = tmp_path / "repo"
        linked_again(repo_at=copied, made=made)
        done = subprocess.run([sys.executable, "-c", KILLED, copied, str(count)], check=False).returncode
        repo = Repository.open(copied)
        with monkeypatch.context() as patched:
            patched.setattr("jvs_core.operations.verify.damage.note", lambda *_, **more: None)
            now = damaged(repo)
        assert all(set(paths) <= set(bad[key]) for key, paths in now.items())
        repo.doctor(repairs=["clean_intents", "clean_tmp", "heal"])
        assert repo.doctor(strict=True).healthy, count
        assert repo.verify(every=True).ok
        assert [s.severity for s in repo.verify(every=True).snapshots] == ["none"] * 3
        shutil.rmtree(copied)
        if done == 0:
            break
        assert done == 9
    else:
        raise AssertionError("heal never came to its end")


def test_the_record_has_its_form(repo: Repository) -> None:
    first, *_ = history(repo)
    rot(repo, first, "a")
    repo.verify(first)
    data = (repo.root / ".jvs/damage" / f"{first}.json").read_bytes()
    record = Damage.parse(data, "it")
    assert damages.paths_of(record) == [b"a"]
    assert (record.complete, record.code, record.unhealed) == (True, "E_PAYLOAD_HASH_MISMATCH", ())


@pytest.mark.skipif(os.geteuid() != 0, reason="root has to give a repository away")
def test_what_the_caller_may_not_read_is_neither_damage_nor_healed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(tempfile.mkdtemp(prefix="jvs-heal-"))
    request.addfinalizer(lambda: shutil.rmtree(place))
    place.chmod(0o755)
    (place / "own").mkdir(mode=0o777)
    (place / "own").chmod(0o777)
    for name in ("CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"JVS_{name}_DIR", str(place / "own" / name))
    repo = Repository.init(place / "repo", engine="copy")
    main = repo.root / "main"
    (main / "mine").write_bytes(GOOD)
    (main / "closed").write_bytes(OTHER)
    one = repo.snapshot("one", lock=True).snapshot_id
    rot(repo, one, "mine")
    for folder, _, names in os.walk(repo.root):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, 1234, 1234)
    closed = payload(repo, one) / "closed"
    os.chown(closed, 0, 0)
    closed.chmod(0o600)
    with as_user(1234):
        theirs = Repository.open(repo.root)
        assert not theirs.verify(every=True).ok
        assert theirs.doctor(repairs=["heal"]).repaired == [f"heal: {one}: mine"]
    assert (payload(repo, one) / "mine").read_bytes() == GOOD
    assert (closed.stat().st_uid, closed.read_bytes()) == (0, OTHER)
    assert remembered(repo) == [one]
