"""Payloads are sealed, and whoever changes their modes, owners or times makes no snapshot useless."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.errors import PayloadHashMismatch
from jvs_core.operations.stored import load
from jvs_core.payload import manifest
from jvs_core.payload.engines import select, subvolume
from jvs_core.payload.tree import attributes, juicefs
from jvs_core.progress import SILENT
from tests.support.damage import rot
from tests.support.hostile import posix_acl
from tests.support.marks import on
from tests.support.metadata import Metadata, but_times, metadata_of, payload_metadata
from tests.support.users import SOMEBODY, as_user

WRITE = 0o222
MODES = {"plain": 0o664, "program": 0o775, "secret": 0o600, "read-only": 0o444, "sub/shared": 0o666}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def fill(main: Path) -> dict[bytes, Metadata]:
    (main / "sub").mkdir()
    for name, mode in MODES.items():
        (main / name).write_text(name)
        (main / name).chmod(mode)
    os.link(main / "plain", main / "sub/twin")
    (main / "link").symlink_to("plain")
    (main / "sub").chmod(0o775)
    return metadata_of(main)


def payload(repo: Repository, snapshot_id: str) -> Path:
    return repo.root / ".jvs/snapshots" / snapshot_id / "payload"


def files_of(top: Path) -> list[Path]:
    return [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]


def modes_of(top: Path) -> dict[str, int]:
    return {str(path.relative_to(top)): stat.S_IMODE(path.stat().st_mode) for path in files_of(top)}


def severity(repo: Repository, snapshot_id: str) -> str:
    report = repo.verify(snapshot_id)
    assert report.ok, report
    return report.snapshots[0].severity


@contextmanager
def writable(top: Path) -> Iterator[None]:
    """Let a payload be changed in the block that the kernel keeps read-only."""
    locked = subvolume.is_subvolume(top)
    if locked:
        subvolume.set_read_only(top, False)
    yield
    if locked and subvolume.is_subvolume(top):
        subvolume.set_read_only(top, True)


def group_may_write(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o020)


def nobody_else_may_read(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)


def given_away(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)


def copied_without_attributes(top: Path) -> None:
    """Do what ``cp -r`` does, which gives every file the time of now and the modes of the caller."""
    copy = top.with_name("copy")
    shutil.copytree(top, copy, symlinks=True, copy_function=shutil.copyfile)
    for path in copy.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            os.utime(path)
    (copy / "sub/twin").unlink()
    os.link(copy / "plain", copy / "sub/twin")
    if subvolume.is_subvolume(top):
        subvolume.delete(top)
    else:
        shutil.rmtree(top)
    copy.rename(top)


DRIFTS: dict[str, Callable[[Path], None]] = {
    "chmod -R g+w": group_may_write,
    "chmod -R go-rwx": nobody_else_may_read,
    "chown -R": given_away,
    "cp -r": copied_without_attributes,
}


def test_no_file_of_a_payload_can_be_written(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    fill(repo.root / "main")
    first = repo.snapshot("first", lock=True)
    (repo.root / "main/new").write_text("new")
    second = repo.snapshot("second", lock=True)
    for taken in (first, second):
        top = payload(repo, taken.snapshot_id)
        assert severity(repo, taken.snapshot_id) == "none"
        if taken.engine == "btrfs-snapshot":
            assert subvolume.is_read_only(top)
        elif taken.engine == "juicefs-clone":
            assert modes_of(top).items() >= MODES.items()
        else:
            assert modes_of(top).items() >= {name: mode & ~WRITE for name, mode in MODES.items()}.items()
            assert not any(mode & WRITE for mode in modes_of(top).values())


@pytest.mark.parametrize("engine", ["copy", "reflink-copy"])
@on("btrfs", "juicefs")
def test_files_that_are_copied_one_by_one_are_sealed_everywhere(workdir: Path, engine: str) -> None:
    repo = Repository.init(workdir / "repo", engine=engine)
    before = fill(repo.root / "main")
    taken = repo.snapshot("first", lock=True)
    assert not any(mode & WRITE for mode in modes_of(payload(repo, taken.snapshot_id)).values())
    stored = load(Layout(repo.root), taken.snapshot_id)
    best = select.choose("auto", repo.root / ".jvs")
    best.materialize(stored.payload, stored.entries, workdir / "back", progress=SILENT)
    assert metadata_of(workdir / "back") == before


@needs_root
@pytest.mark.parametrize("drift", list(DRIFTS))
def test_a_payload_that_drifted_is_read_and_warned_of_and_mended(workdir: Path, drift: str) -> None:
    repo = Repository.init(workdir / "repo")
    main = repo.root / "main"
    before = fill(main)
    taken = repo.snapshot("first", lock=True).snapshot_id
    top = payload(repo, taken)
    with writable(top):
        DRIFTS[drift](top)
    assert severity(repo, taken) == "warning"
    assert metadata_of(Path(repo.restore(taken, name="again").path)) == before
    for path in main.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o640)
    (main / "plain").write_text("later")
    repo.restore_inplace(taken, reason="back", lock=True)
    assert but_times(metadata_of(main)) == but_times(before)
    repo.restore_path(taken, "sub", to="part", lock=True)
    assert (main / "part/shared").stat().st_mode & 0o777 == MODES["sub/shared"]
    with repo.open_file(taken, "sub/shared") as file:
        assert file.read() == b"sub/shared"
    report = repo.doctor(repairs=["payload_modes"])
    assert report.healthy
    assert any(line.startswith(f"payload_modes: {taken}: ") for line in report.repaired)
    assert severity(repo, taken) == "none"
    record = json.loads((repo.root / ".jvs/audit/audit.jsonl").read_text().splitlines()[-1])
    assert (record["operation"], record["target"]) == ("repair", "payload_modes")
    if not subvolume.is_subvolume(top) and juicefs.mount_at(top) is None:
        assert not any(mode & WRITE for mode in modes_of(top).values())
    if subvolume.is_subvolume(top):
        assert subvolume.is_read_only(top)
    assert repo.doctor(repairs=["payload_modes"]).repaired == []


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


@needs_root
def test_attributes_and_names_that_drifted_are_mended_too(workdir: Path) -> None:
    """As after ``setfacl -R``, ``setfattr`` or a copy that breaks hard links."""
    repo = Repository.init(workdir / "repo")
    main = repo.root / "main"
    fill(main)
    for name in ("plain", "secret", "sub"):
        os.setxattr(main / name, "user.note", b"kept")
    taken = repo.snapshot("first", lock=True).snapshot_id
    (main / "later").write_text("later")
    second = repo.snapshot("second", lock=True).snapshot_id
    top = payload(repo, taken)
    before = payload_metadata(top, metadata_of(main))
    with writable(top):
        os.setxattr(top / "sub/shared", "user.added", b"x")
        os.setxattr(top / "secret", "user.added", b"x")
        os.removexattr(top / "sub", "user.note")
        shutil.copy2(top / "plain", top / "sub/other")
        (top / "sub/other").rename(top / "sub/twin")
    assert severity(repo, taken) == "warning"
    assert repo.doctor(repairs=["payload_modes"]).healthy
    assert [severity(repo, each) for each in (taken, second)] == ["none", "none"]
    assert payload_metadata(top, metadata_of(main)) == before
    assert repo.doctor(repairs=["payload_modes"]).repaired == []


@on("xfs", "btrfs", "ext4")
def test_a_restore_brings_no_attributes_that_were_added_in_the_payload(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    main = repo.root / "main"
    fill(main)
    os.setxattr(main / "plain", "user.note", b"kept")
    before = metadata_of(main)
    taken = repo.snapshot("first", lock=True).snapshot_id
    top = payload(repo, taken)
    with writable(top):
        for name in ("plain", "sub/shared", "sub"):
            os.setxattr(top / name, "user.added", b"x")
    restored = repo.restore(taken)
    assert metadata_of(Path(restored.path)) == before
    assert any("left out" in line for line in restored.degraded)
    assert Repository.open(restored.path).status().clean


def test_what_was_added_to_attributes_costs_none_of_them(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "file").write_text("content")
    for name in ("user.one", "user.two"):
        os.setxattr(main / "file", name, b"kept")
    before = metadata_of(main)
    taken = repo.snapshot("first", lock=True).snapshot_id
    os.setxattr(payload(repo, taken) / "file", "user.added", b"x")
    restored = repo.restore(taken)
    assert metadata_of(Path(restored.path)) == before
    assert "left out" in restored.degraded[0]


def test_attributes_that_no_snapshot_has_any_more_are_named(repo: Repository) -> None:
    (repo.root / "main/file").write_text("content")
    os.setxattr(repo.root / "main/file", "user.note", b"kept")
    taken = repo.snapshot("first", lock=True).snapshot_id
    os.removexattr(payload(repo, taken) / "file", "user.note")
    assert repo.doctor(repairs=["payload_modes"]).repaired == [
        f"payload_modes: {taken}: the extended attributes of file are no longer in any snapshot"
    ]


def as_before_the_sealing(top: Path) -> None:
    for name, mode in MODES.items():
        (top / name).chmod(mode)


def test_a_snapshot_older_than_the_sealing_is_sound_and_sealed_by_the_next(repo: Repository) -> None:
    before = fill(repo.root / "main")
    first = repo.snapshot("first", lock=True).snapshot_id
    as_before_the_sealing(payload(repo, first))
    assert severity(repo, first) == "none"
    assert metadata_of(Path(repo.restore(first).path)) == before
    (repo.root / "main/new").write_text("new")
    second = repo.snapshot("second", lock=True).snapshot_id
    for name in MODES:
        assert (payload(repo, first) / name).samefile(payload(repo, second) / name)
    for snapshot_id in (first, second):
        assert not any(mode & WRITE for mode in modes_of(payload(repo, snapshot_id)).values())
        assert severity(repo, snapshot_id) == "none"


def test_payload_modes_seals_what_is_older_than_the_sealing(repo: Repository) -> None:
    fill(repo.root / "main")
    first = repo.snapshot("first", lock=True).snapshot_id
    as_before_the_sealing(payload(repo, first))
    assert repo.doctor(repairs=["payload_modes"]).repaired == [f"payload_modes: {first}: 5 entries"]
    assert not any(mode & WRITE for mode in modes_of(payload(repo, first)).values())


@pytest.mark.parametrize("known", [True, False])
def test_a_file_whose_mode_drifted_is_not_shared_with_the_next(repo: Repository, known: bool) -> None:
    fill(repo.root / "main")
    first = repo.snapshot("first", lock=True).snapshot_id
    (payload(repo, first) / "plain").chmod(0o460)
    (payload(repo, first) / "secret").chmod(0o644)
    (repo.root / "main/new").write_text("new")
    if not known:
        shutil.rmtree(os.environ["JVS_CACHE_DIR"])
    second = repo.snapshot("second", lock=True).snapshot_id
    for name, shared in (("plain", False), ("secret", False), ("program", True)):
        assert (payload(repo, first) / name).samefile(payload(repo, second) / name) == shared
    assert severity(repo, second) == "none"


def test_content_behind_a_drifted_mode_is_not_believed(repo: Repository) -> None:
    fill(repo.root / "main")
    taken = repo.snapshot("first", lock=True).snapshot_id
    file = payload(repo, taken) / "secret"
    rot(file)
    file.chmod(0o640)
    with pytest.raises(PayloadHashMismatch):
        repo.restore(taken)
    report = repo.doctor(repairs=["payload_modes"])
    assert [(found.target, found.repair) for found in report.findings] == [(taken, "heal")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert repo.doctor(repairs=["heal"]).healthy
    assert severity(repo, taken) == "none"


def test_nobody_s_rights_lie_in_a_payload_and_who_owns_a_file_may_read_it(repo: Repository) -> None:
    main = repo.root / "main"
    for name, mode in {"setuid": 0o4755, "setgid": 0o2755, "sticky": 0o1600, "closed": 0o044}.items():
        (main / name).write_text(name)
        (main / name).chmod(mode)
    if os.geteuid() != 0:
        (main / "closed").unlink()
    taken = repo.snapshot("first", lock=True).snapshot_id
    wanted = {"setuid": 0o555, "setgid": 0o555, "sticky": 0o400, "closed": 0o444}
    assert modes_of(payload(repo, taken)).items() <= wanted.items()
    assert severity(repo, taken) == "none"
    (main / "sticky").unlink()
    repo.restore_inplace(taken, reason="back", lock=True)
    assert stat.S_IMODE((main / "sticky").stat().st_mode) == 0o1600


@on("xfs", "btrfs", "ext4", "juicefs")
def test_an_access_list_comes_back_to_the_last_right(workdir: Path) -> None:
    for engine in ("auto", "copy"):
        repo = Repository.init(workdir / engine, engine=engine)
        main = repo.root / "main"
        (main / "listed").write_text("listed")
        os.setxattr(main / "listed", attributes.ACCESS, posix_acl(user=SOMEBODY, permissions=6))
        os.setxattr(main / "listed", "user.note", b"kept")
        before = metadata_of(main)
        taken = repo.snapshot("first", lock=True)
        file = payload(repo, taken.snapshot_id) / "listed"
        if "copy" in taken.engine:
            assert not file.stat().st_mode & WRITE
        assert severity(repo, taken.snapshot_id) == "none"
        assert metadata_of(Path(repo.restore(taken.snapshot_id).path)) == before
        (main / "listed").chmod(0o600)
        repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
        assert metadata_of(main) == before
        (main / "new").write_text("new")
        second = repo.snapshot("second", lock=True).snapshot_id
        assert severity(repo, second) == "none"
        assert (payload(repo, second) / "listed").samefile(file) == ("copy" in taken.engine)


@on("xfs")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o444, 0o777, 0])
def test_a_mode_changes_an_access_list_as_chmod_does(workdir: Path, mode: int) -> None:
    file = workdir / "file"
    file.touch()
    os.setxattr(file, attributes.ACCESS, posix_acl(user=SOMEBODY, permissions=7))
    before = attributes.read_xattrs(os.fsencode(file))
    file.chmod(mode)
    after = attributes.read_xattrs(os.fsencode(file))
    assert attributes.with_mode(before, mode) == after != ()


@pytest.fixture
def theirs(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of somebody who has their state there."""
    os.chown(workdir, SOMEBODY, SOMEBODY)
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"JVS_{name}_DIR", str(workdir / name))
    return workdir


@needs_root
def test_who_may_not_write_a_file_keeps_its_attributes_and_mends_what_is_their_own(theirs: Path) -> None:
    with as_user():
        repo = Repository.init(theirs / "repo")
        main = repo.root / "main"
        fill(main)
        (main / "read-only").chmod(0o644)
        os.setxattr(main / "read-only", "user.note", b"kept")
        (main / "read-only").chmod(0o444)
        before = metadata_of(main)
        taken = repo.snapshot("first", lock=True)
        assert taken.degraded == ()
        assert metadata_of(Path(repo.restore(taken.snapshot_id).path)) == before
        (main / "read-only").chmod(0o400)
        repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
        assert metadata_of(main) == before
        top = payload(repo, taken.snapshot_id)
        with writable(top):
            if subvolume.is_subvolume(top):
                (top / "secret").chmod(0o640)
            else:
                (top / "secret").chmod(0)
                (top / "sub/shared").chmod(0)
                (top / "sub").chmod(0o400)
        assert repo.doctor(repairs=["payload_modes"]).healthy
        assert severity(repo, taken.snapshot_id) == "none"


@needs_root
def test_what_only_root_can_give_back_is_told(theirs: Path) -> None:
    with as_user():
        repo = Repository.init(theirs / "repo", engine="copy")
        fill(repo.root / "main")
        taken = repo.snapshot("first", lock=True).snapshot_id
    os.chown(payload(repo, taken) / "plain", 0, 0)
    with as_user():
        report = repo.doctor(repairs=["payload_modes"])
        left = f"payload_modes: {taken}: only the owner or root can repair the mode or owner of 2 entries"
        assert report.repaired == [left]
        assert severity(repo, taken) == "warning"


@needs_root
def test_gc_removes_a_payload_whose_attributes_drifted(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    fill(repo.root / "main")
    first = repo.snapshot("first", lock=True).snapshot_id
    (repo.root / "main/new").write_text("new")
    repo.snapshot("second", lock=True)
    with writable(payload(repo, first)):
        given_away(payload(repo, first))
    plan = repo.gc.plan(keep_last=1)
    repo.gc.run(plan.plan_id)
    assert not payload(repo, first).exists()


def test_a_repository_from_a_snapshots_payload_has_the_modes_of_the_manifest(
    repo: Repository, workdir: Path
) -> None:
    before = fill(repo.root / "main")
    sealed = payload(repo, repo.snapshot("one", lock=True).snapshot_id)
    made = Repository.init(workdir / "made", from_=sealed)
    assert modes_of(made.root / "main") == MODES | {"sub/twin": 0o664}
    assert metadata_of(made.root / "main") == before
    first = made.snapshot("first", lock=True)
    assert first.payload_root_hash == repo.history()[0].descriptor.payload_root_hash


def test_of_a_manifest_beside_a_cloned_folder_only_write_bits_are_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    fill(repo.root / "main")
    taken = repo.snapshot("one", lock=True).snapshot_id
    sealed, layout = payload(repo, taken), Layout(repo.root, False)
    entries = [
        one._replace(mode=one.mode | 0o6000 if one.path in (b"plain", b"sub/twin") else one.mode)
        for one in manifest.read(layout.manifest(taken))
    ]
    layout.manifest(taken).unlink()
    manifest.write(layout.manifest(taken), entries)
    made = Repository.init(tmp_path / "made", from_=sealed, engine="copy")
    assert modes_of(made.root / "main")["plain"] == 0o664
    layout.manifest(taken).unlink()
    layout.manifest(taken).write_bytes(b"\xff" * 100)
    other = Repository.init(tmp_path / "other", from_=sealed, engine="copy")
    assert modes_of(other.root / "main")["plain"] == 0o444
