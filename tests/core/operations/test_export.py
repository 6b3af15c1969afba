"""Exports: what other programs unpack is what the snapshot holds, and nothing wrong ever gets the asked name."""

from __future__ import annotations

import errno
import importlib
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, canonical
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.errors import (
    AlreadyExists,
    InputError,
    JvsError,
    NoSpace,
    PathNotFound,
    PayloadHashMismatch,
    SnapshotExpired,
)
from jvs_core.operations.proof import members
from jvs_core.payload.archive import contents, sparse, tar
from jvs_core.payload.archive import zip as zipping
from jvs_core.payload.tree.entry import FILE, FOLDER, SYMLINK, Entry
from jvs_core.progress import SILENT
from jvs_core.results import ProofReport
from tests.support.damage import payload_file, rot
from tests.support.hostile import posix_acl
from tests.support.metadata import metadata_of

ARCHIVES = ("a.tar.zst", "a.tar.gz", "a.tar")
SECOND = 10**9
LARGE = bytes(range(256)) * 5_000


def fill(main: Path) -> None:
    (main / "data" / "deep").mkdir(parents=True)
    (main / "data" / "x.bin").write_bytes(LARGE)
    (main / "a.txt").write_text("a")
    (main / "empty").touch()
    (main / "run.sh").write_text("true")
    (main / "run.sh").chmod(0o4755)
    os.link(main / "a.txt", main / "data" / "twin.txt")
    (main / "data" / "link").symlink_to("../a.txt")
    os.mkfifo(main / "pipe")
    for name in (b"bad\xff.txt", b"new\nline", b"back\\slash", "é ü".encode(), b"n" * 200):
        (Path(os.fsdecode(bytes(main) + b"/" + name))).write_bytes(name)
    long = main / ("d" * 120) / ("e" * 120)
    long.mkdir(parents=True)
    (long / "f").write_text("deep")
    with (main / "sparse").open("wb") as file:
        file.write(b"head")
        file.seek(3 << 20)
        file.write(b"in the middle")
        file.truncate(8 << 20)
    os.utime(main / "a.txt", ns=(0, 1_234_567_890_123_456_789))
    os.utime(main / "empty", ns=(0, -5 * SECOND + 1))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return filled(tmp_path / "repo")


def filled(root: Path) -> Repository:
    repo = Repository.init(root)
    fill(repo.root / "main")
    repo.snapshot("first", lock=True)
    return repo


def top(repo: Repository) -> str:
    return "main-" + repo.resolve("HEAD")[14:]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "repo")


def contents_of(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Return everything below a folder that an archive keeps, by path."""
    return {
        path: (
            found.kind,
            found.mode & 0o1777,
            found.sha256,
            found.target,
            found.linked_with,
            None if found.kind == "link" else found.mtime_ns,
        )
        for path, found in metadata_of(folder, holes=False).items()
    }


@pytest.mark.parametrize("name", ARCHIVES)
def test_gnu_tar_unpacks_what_the_snapshot_holds(repo: Repository, tmp_path: Path, name: str) -> None:
    made = repo.export("HEAD", tmp_path / name)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(
        ["tar", "-xpf", tmp_path / name, "-C", out],
        check=True,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    assert left(out) == [top(repo)]
    assert contents_of(out / top(repo)) == contents_of(repo.root / "main")
    assert made.degraded == ("setuid, setgid or capabilities left out: 1 entry: run.sh",)
    assert stat.S_IMODE((out / top(repo) / "run.sh").stat().st_mode) == 0o755
    shown = repo.show("HEAD").descriptor
    assert (made.files, made.bytes) == (shown.files, shown.bytes)
    assert (out / top(repo) / "sparse").stat().st_blocks * 512 < 1 << 20


def test_an_archive_belongs_to_nobody_and_is_the_same_each_time(repo: Repository, tmp_path: Path) -> None:
    other = Repository.init(tmp_path / "other", from_=repo.root / "main", engine="copy")
    for name in (*ARCHIVES, "a.zip"):
        one = repo.export("HEAD", tmp_path / f"1{name}")
        two = repo.export("HEAD", tmp_path / f"2{name}")
        assert one.sha256 == two.sha256
        assert (tmp_path / f"1{name}").read_bytes() == (tmp_path / f"2{name}").read_bytes()
    with tarfile.open(tmp_path / "1a.tar") as archive:
        assert {(info.uid, info.gid, info.uname, info.gname) for info in archive} == {(0, 0, "", "")}
    assert other.root.exists()


def test_unzip_unpacks_what_a_zip_file_can_hold_and_the_rest_is_named(
    repo: Repository, tmp_path: Path
) -> None:
    made = repo.export("HEAD", tmp_path / "a.zip")
    subprocess.run(["unzip", "-q", tmp_path / "a.zip", "-d", tmp_path / "out"], check=True)
    there, wanted = (contents_of(folder) for folder in (tmp_path / "out" / top(repo), repo.root / "main"))
    lost = {b"bad\xff.txt", b"new\nline", b"back\\slash", b"pipe"}
    assert there.keys() == wanted.keys() - lost
    for path, found in there.items():
        assert found[:4] == wanted[path][:4], path
    said = "\n".join(made.degraded)
    for name in ("bad\\xff.txt", "new\\nline", "back\\slash", "pipe", "data/twin.txt", "empty"):
        assert name in said, name
    assert made.files == len([found for found in there.values() if found[0] == "file"])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None


def test_a_folder_is_what_restore_would_make(repo: Repository, tmp_path: Path) -> None:
    made = repo.export("HEAD", tmp_path / "out")
    assert made.sha256 == repo.show("HEAD").descriptor.payload_root_hash.value
    there = contents_of(tmp_path / "out")
    assert there == contents_of(repo.root / "main")
    assert left(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["out", "a.tar.gz"])
def test_a_part_keeps_its_place(repo: Repository, tmp_path: Path, name: str) -> None:
    for path, expected in (
        ("data/x.bin", {"data", "data/x.bin"}),
        ("data", {"data", "data/deep", "data/link", "data/twin.txt", "data/x.bin"}),
    ):
        place = tmp_path / f"{path.replace('/', '-')}-{name}"
        made = repo.export("HEAD", place, path=path)
        folder = place
        if name != "out":
            folder = tmp_path / f"unpacked-{place.name}"
            with tarfile.open(place) as archive:
                archive.extractall(folder, filter="tar")
            folder /= top(repo)
        assert {str(each.relative_to(folder)) for each in folder.rglob("*")} == expected
        assert made.files == len([each for each in expected if "." in each])
    with pytest.raises(PathNotFound):
        repo.export("HEAD", tmp_path / "none", path="no/such")


@pytest.mark.in_turn
def test_every_file_system_gives_the_same_archive_and_keeps_attributes(workdir: Path, tmp_path: Path) -> None:
    repo = filled(workdir / "repo")
    main = repo.root / "main"
    try:
        os.setxattr(main / "a.txt", "user.note", b"bin\0ary=\xff")
        os.setxattr(main / "data", "system.posix_acl_default", posix_acl(user=12345, permissions=6))
        rich = True
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        rich = False
    repo.snapshot("second", lock=True)
    made = repo.export("HEAD", tmp_path / "a.tar.gz")
    again = repo.export("HEAD", workdir / "a.tar.gz")
    assert made.sha256 == again.sha256
    folder = repo.export("HEAD", workdir / "out")
    assert folder.sha256 == repo.show("HEAD").descriptor.payload_root_hash.value
    assert contents_of(workdir / "out") == contents_of(main)
    with tarfile.open(tmp_path / "a.tar.gz", encoding="utf-8", errors="surrogateescape") as archive:
        headers = archive.getmember(f"{top(repo)}/a.txt").pax_headers
        folders = archive.getmember(f"{top(repo)}/data").pax_headers
    if rich:
        assert os.fsencode(headers["SCHILY.xattr.user.note"]) == b"bin\0ary=\xff"
        assert "user:12345:rw-" in folders["SCHILY.acl.default"]


def test_what_is_taken_for_a_hole_must_be_one(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparse, "segments", lambda fd, st: [] if st.st_size > 1 << 20 else None)
    with pytest.raises(PayloadHashMismatch, match=r"data/x\.bin"):
        repo.export("HEAD", tmp_path / "a.tar")
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["a.tar.zst", "a.zip", "out"])
def test_a_damaged_payload_leaves_no_file(repo: Repository, tmp_path: Path, name: str) -> None:
    rot(payload_file(repo, "HEAD", "data/x.bin"), at=len(LARGE) - 1)
    with pytest.raises(PayloadHashMismatch, match=r"data/x\.bin"):
        repo.export("HEAD", tmp_path / name)
    payload_file(repo, "HEAD", "data/x.bin").unlink()
    with pytest.raises(PayloadHashMismatch, match=r"data/x\.bin"):
        repo.export("HEAD", tmp_path / name)
    assert left(tmp_path) == []


class Stopping:
    """A receiver that interrupts the work in one of its steps."""

    def __init__(self, error: BaseException, step: str) -> None:
        self.error, self.step = error, step

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step == "settle":
            raise self.error
        self.now = step

    def advanced(self, amount: int = 1) -> None:
        if self.now == self.step:
            raise self.error

    def finished(self, step: str) -> None:
        pass


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")], ids=["ctrl-c", "full"]
)
@pytest.mark.parametrize(("name", "step"), [("a.tar.zst", "export"), ("a.zip", "settle"), ("out", "clone")])
def test_what_is_interrupted_leaves_nothing(
    repo: Repository, tmp_path: Path, name: str, step: str, error: BaseException
) -> None:
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else NoSpace):
        repo.export("HEAD", tmp_path / name, progress=Stopping(error, step))
    assert left(tmp_path) == []
    assert repo.export("HEAD", tmp_path / name).files > 5


def test_a_kill_leaves_a_hidden_name_and_the_repository_as_it_was(repo: Repository, tmp_path: Path) -> None:
    child = """
import os, sys
from jvs_core import Repository

class Dying:
    def started(self, step, total=None):
        if step == "settle":
            os._exit(9)
    def advanced(self, amount=1): pass
    def finished(self, step): pass

Repository.open(sys.argv[1]).export("HEAD", sys.argv[2], progress=Dying())
"""
    done = subprocess.run([sys.executable, "-c", child, repo.root, tmp_path / "a.tar.gz"], check=False)
    assert done.returncode == 9
    (only,) = left(tmp_path)
    assert only.startswith(".jvs-export-")
    assert repo.doctor(strict=True).findings == []
    repo.export("HEAD", tmp_path / "a.tar.gz")


def test_nothing_is_written_over(repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link.zip").symlink_to(tmp_path / "nothing")
    (tmp_path / "there.tar").write_text("mine")
    (tmp_path / "folder").mkdir()
    for name in ("link.zip", "there.tar", "folder"):
        with pytest.raises(AlreadyExists):
            repo.export("HEAD", tmp_path / name)
    monkeypatch.setattr(os.path, "lexists", lambda path: False)  # it comes while it is written
    for name in ("link.zip", "there.tar"):
        with pytest.raises(AlreadyExists):
            repo.export("HEAD", tmp_path / name)
    monkeypatch.undo()
    assert (tmp_path / "there.tar").read_text() == "mine"
    assert left(tmp_path) == ["folder", "link.zip", "there.tar"]
    with pytest.raises(PathNotFound, match="is not a folder"):
        repo.export("HEAD", tmp_path / "no" / "a.zip")
    with pytest.raises(InputError, match=r"inside \.jvs"):
        repo.export("HEAD", repo.root / ".jvs" / "a.zip")
    for name in ("a.tar.xz", "a.7z", "a.zst", "-"):
        with pytest.raises(InputError, match=r"supported kind|when it is complete"):
            repo.export("HEAD", tmp_path / name)


def test_without_zstd_it_says_what_to_install(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match="no zstd") as raised:
        repo.export("HEAD", tmp_path / "a.tar.zst")
    assert "pip install" in (raised.value.hint or "")
    assert left(tmp_path) == []


def test_a_snapshot_that_gc_took_away_is_expired(repo: Repository, tmp_path: Path) -> None:
    first = repo.resolve("HEAD")
    (repo.root / "main" / "a.txt").write_text("b")
    repo.snapshot("second", lock=True)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    with pytest.raises(SnapshotExpired):
        repo.export(first, tmp_path / "a.zip")


@pytest.mark.parametrize("proof", [True, False])
def test_one_that_gc_takes_away_meanwhile_is_expired(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: bool
) -> None:
    first = repo.resolve("HEAD")
    (repo.root / "main" / "a.txt").write_text("b")
    repo.snapshot("second", lock=True)
    plan = repo.gc.plan(drop=[first]).plan_id

    def removed_first(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if not catalog.is_expired(repo._context.layout, first):
                repo.gc.run(plan)
            return real(*args, **options)

        return call

    if proof:
        monkeypatch.setattr(Layout, "manifest", removed_first(Layout.manifest))
    else:
        monkeypatch.setattr(catalog, "read_ready", removed_first(catalog.read_ready))
    with pytest.raises(SnapshotExpired):
        repo.export(first, tmp_path / "a.tar", with_proof=proof)
    with pytest.raises(SnapshotExpired), repo.view(first):
        raise AssertionError
    assert left(tmp_path) == []


# Proofs.


def repacked(source: Path, target: Path, change: Callable[[tarfile.TarInfo, bytes], bytes | None]) -> Path:
    """Write a copy of a tar file in which members are changed, or left out."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for info in old:
            data = old.extractfile(info).read() if info.isreg() else b""  # type: ignore[union-attr]
            wanted = change(info, data)
            if wanted is not None:
                info.size = len(wanted)
                info.pax_headers = {}
                new.addfile(info, io.BytesIO(wanted))
    return target


@pytest.fixture
def small(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo")
    main = repo.root / "main"
    (main / "data").mkdir()
    (main / "data" / "x").write_text("x")
    (main / "data" / "y").write_text("y")
    (main / "link").symlink_to("data/x")
    os.link(main / "data" / "y", main / "z")
    repo.snapshot("first", lock=True)
    return repo


@pytest.mark.parametrize("name", ["a.tar.zst", "a.tar.gz", "a.tar", "a.zip", "out"])
@pytest.mark.parametrize("path", ["", "data"])
def test_a_proof_is_checked_without_the_repository(
    repo: Repository, tmp_path: Path, name: str, path: str
) -> None:
    public = repo.audit.keygen(tmp_path / "key")
    made = repo.export("HEAD", tmp_path / name, path=path, with_proof=True, key=tmp_path / "key")
    snapshot_id = repo.resolve("HEAD")
    (tmp_path / "repo").rename(tmp_path / "gone")
    report = Repository.check_proof(tmp_path / name, key=public)
    assert report.ok, report.problems
    assert report.snapshots == [snapshot_id]
    assert (report.files, report.runs, report.signed) == (made.files, 0, True)


def test_a_folder_that_was_unpacked_can_be_checked(small: Repository, tmp_path: Path) -> None:
    small.export("HEAD", tmp_path / "a.tar.gz", with_proof=True)
    shutil.unpack_archive(tmp_path / "a.tar.gz", tmp_path / "out", filter="tar")
    assert Repository.check_proof(tmp_path / "out").ok
    (tmp_path / "out" / top(small) / "data" / "x").write_text("other")
    assert "x differs from the manifest" in Repository.check_proof(tmp_path / "out").problems[0]


def test_a_proof_notices_what_was_changed_left_out_or_added(small: Repository, tmp_path: Path) -> None:
    source = tmp_path / "a.tar"
    small.export("HEAD", source, with_proof=True)
    snapshot_id, folder = small.resolve("HEAD"), top(small)
    for number, (name, new, said) in enumerate(
        (
            (f"{folder}/data/x", b"other", "data/x differs from the manifest"),
            (f"{folder}/data/x", None, "data/x is missing"),
            (f"{folder}/link", None, "link is missing"),
            ("jvs/export.json", b"{}", "export.json is damaged"),
            ("jvs/checkpoint.json", b"{}", "checkpoint"),
            (f"jvs/snapshots/{snapshot_id}/manifest", b"jvs-manifest 1\nend 0\n", "manifest"),
            (f"jvs/snapshots/{snapshot_id}/manifest", None, "manifest is missing"),
            ("jvs/log.jsonl", b"", "does not end"),
        )
    ):

        def change(
            info: tarfile.TarInfo, data: bytes, name: str = name, new: bytes | None = new
        ) -> bytes | None:
            return new if info.name == name else data

        report = Repository.check_proof(repacked(source, tmp_path / f"{number}.tar", change))
        assert any(said in problem for problem in report.problems), (name, said, report.problems)


@pytest.mark.parametrize(
    ("name", "kind", "target", "said"),
    [
        ("{top}/more", tarfile.REGTYPE, "", "not in a manifest"),
        ("other/more", tarfile.REGTYPE, "", "not in a manifest"),
        ("../more", tarfile.REGTYPE, "", "not in a manifest"),
        ("/etc/more", tarfile.REGTYPE, "", "not in a manifest"),
        ("{top}/link", tarfile.SYMTYPE, "/etc/passwd", "appears twice"),
        ("{top}/data/x", tarfile.LNKTYPE, "{top}/data/y", "differs from the manifest"),
        ("{top}/data/x", tarfile.LNKTYPE, "/etc/passwd", "differs from the manifest"),
        ("{top}/data/x", tarfile.CHRTYPE, "", "differs from the manifest"),
        ("jvs/late", tarfile.REGTYPE, "", "not in a manifest"),
        ("jvs/late", tarfile.SYMTYPE, "/etc", "not in a manifest"),
        ("jvs", tarfile.SYMTYPE, "/etc", "not in a manifest"),
        ("snapshots/0000000000000-00000000/x", tarfile.REGTYPE, "", "not in a manifest"),
    ],
)
def test_a_proof_notices_members_of_strangers(
    small: Repository, tmp_path: Path, name: str, kind: bytes, target: str, said: str
) -> None:
    small.export("HEAD", tmp_path / "a.tar", with_proof=True)
    info = tarfile.TarInfo(name.format(top=top(small)))
    info.type, info.linkname = kind, target.format(top=top(small))
    with tarfile.open(tmp_path / "a.tar", "a") as archive:
        archive.addfile(info)
    report = Repository.check_proof(tmp_path / "a.tar")
    assert any(said in problem for problem in report.problems), report.problems
    assert left(tmp_path) == ["a.tar"]


def test_a_proof_does_not_pass_for_one_of_something_else(small: Repository, tmp_path: Path) -> None:
    source = tmp_path / "a.tar"
    small.export("HEAD", source, with_proof=True)
    snapshot_id, folder = small.resolve("HEAD"), top(small)

    def checked(part: dict[str, str] | None, *gone: str) -> ProofReport:
        said = None if part is None else canonical.dumps(part) + b"\n"

        def change(info: tarfile.TarInfo, data: bytes) -> bytes | None:
            if info.name == "jvs/export.json":
                return said
            return None if info.name in gone else data

        return Repository.check_proof(repacked(source, tmp_path / "b.tar", change))

    whole = checked({"path": "", "snapshot_id": snapshot_id})
    assert (whole.ok, whole.path) == (True, ""), whole.problems
    assert checked(None, f"{folder}/link").problems[0] == "jvs/export.json is missing"
    part = checked({"path": b"data".hex(), "snapshot_id": snapshot_id}, f"{folder}/link", f"{folder}/z")
    assert (part.ok, part.path) == (True, "data"), part.problems
    for other in (
        {"path": b"none".hex(), "snapshot_id": snapshot_id},
        {"path": "", "snapshot_id": "1000000000000-00000000"},
    ):
        problems = checked(other, f"{folder}/link").problems
        assert any("jvs/export.json" in problem for problem in problems), (other, problems)


@pytest.mark.parametrize("name", ["a.tar", "a.zip", "out"])
@pytest.mark.parametrize("link", [True, False])
def test_a_proof_holds_nothing_beside_its_records(
    small: Repository, tmp_path: Path, name: str, link: bool
) -> None:
    place = tmp_path / name
    small.export("HEAD", place, with_proof=True)
    if name == "out":
        evil = place / "jvs" / "evil"
        evil.symlink_to("/etc") if link else evil.write_text("evil")
    elif name == "a.zip":
        held = zipfile.ZipInfo("jvs/evil")
        held.create_system = 3
        held.external_attr = (stat.S_IFLNK if link else stat.S_IFREG) << 16
        with zipfile.ZipFile(place, "a") as archive:
            archive.writestr(held, "/etc")
    else:
        first = tarfile.TarInfo("jvs/evil")
        first.type, first.linkname = (tarfile.SYMTYPE, "/etc") if link else (tarfile.REGTYPE, "")
        place.write_bytes(first.tobuf() + place.read_bytes())
    assert any("jvs/evil" in problem for problem in Repository.check_proof(place).problems)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        b"\x1f\x8bgarbage",
        b"\x28\xb5\x2f\xfdgarbage",
        b"PK\x03\x04garbage",
        bytes(10240),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError):
        Repository.check_proof(tmp_path / "a")
    with pytest.raises(InputError):
        Repository.check_proof(tmp_path / "none")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="no proof"):
        Repository.check_proof(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError):
        Repository.check_proof(tmp_path / "pipe")


def test_a_cut_or_damaged_archive_is_refused(repo: Repository, tmp_path: Path) -> None:
    for name in ("a.tar.zst", "a.tar.gz", "a.tar", "a.zip"):
        repo.export("HEAD", tmp_path / name, with_proof=True)
        data = (tmp_path / name).read_bytes()
        for number, changed in enumerate(
            (
                data[: len(data) // 2],
                data[:1000],
                data[: len(data) // 3] + b"\0\1" * 25 + data[len(data) // 3 + 50 :],
            )
        ):
            place = tmp_path / f"{number}{name}"
            place.write_bytes(changed)
            try:
                assert not Repository.check_proof(place).ok, (name, number)
            except JvsError as error:
                assert error.exit_status == 2, error  # noqa: PT017 - either is right


def test_a_header_longer_than_any_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("jvs/checkpoint.json")
    info.type, info.size = tarfile.XHDTYPE, 1 << 33
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    with pytest.raises(InputError, match="too long"):
        Repository.check_proof(tmp_path / "a.tar")


def test_a_proof_longer_than_any_is_not_copied(
    small: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.export("HEAD", tmp_path / "a.tar", with_proof=True)
    monkeypatch.setattr(members, "_LONGEST_PROOF", 100)
    with pytest.raises(InputError, match="longer than 100"):
        Repository.check_proof(tmp_path / "a.tar")
    monkeypatch.undo()
    monkeypatch.setattr(members, "MOST_MEMBERS", 3)
    with pytest.raises(InputError, match="more than 3"):
        Repository.check_proof(tmp_path / "a.tar")


# The forms themselves.


def test_files_larger_than_four_gigabytes_get_their_size(tmp_path: Path) -> None:
    size = (5 << 30) + 7
    (tmp_path / "payload").mkdir()
    with (tmp_path / "payload" / "huge").open("wb") as file:
        file.truncate(size)
    info = tarfile.TarInfo("huge")
    info.size = size
    assert b"size=" not in info.tobuf(tarfile.PAX_FORMAT)  # 8 GiB are the limit of the old field
    fd = os.open(tmp_path / "payload" / "huge", os.O_RDONLY)
    try:
        assert sparse.segments(fd, os.fstat(fd)) == []
    finally:
        os.close(fd)
    described = zipping._described("huge", 0, stat.S_IFREG)
    described.file_size = size
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, archive.open(described, "w") as member:
        member.write(b"x")
    assert described.extract_version >= zipfile.ZIP64_VERSION


@pytest.mark.parametrize(
    ("writes", "size", "expected"),
    [
        ([(0, 1)], 1 << 20, [(0, sparse.BLOCK)]),
        ([((1 << 20) - 1, 1)], 1 << 20, [((1 << 20) - sparse.BLOCK, sparse.BLOCK)]),
        ([(sparse.BLOCK, 2 * sparse.BLOCK)], 1 << 20, [(sparse.BLOCK, 2 * sparse.BLOCK)]),
        ([((1 << 20), 5)], (1 << 20) + 5, [(1 << 20, 5)]),
        ([], 1 << 20, []),
        ([(0, 10)], 1000, None),
    ],
)
def test_holes_go_by_content(
    tmp_path: Path, writes: list[tuple[int, int]], size: int, expected: list[tuple[int, int]] | None
) -> None:
    with (tmp_path / "f").open("w+b") as file:
        file.truncate(size)
        for offset, length in writes:
            file.seek(offset)
            file.write(b"x" * length)
        file.flush()
        os.fsync(file.fileno())
        assert sparse.segments(file.fileno(), os.fstat(file.fileno())) == expected


def test_no_name_in_an_archive_leads_out_of_its_folder(tmp_path: Path) -> None:
    """A manifest that was planted is refused by its parser; here the writers are given the worst that passes it."""
    payload = tmp_path / "payload"
    payload.mkdir()
    names = [b"..a", b"C:evil", b"-rf", b"~root", b"a b", b"%2e%2e", b"...", b"nul"]
    for name in names:
        (payload / os.fsdecode(name)).write_bytes(b"")
    none = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    entries = [Entry(b"", FOLDER, 0o755, 0, 0, 0, 0)]
    entries += [Entry(name, FILE, 0o644, 0, 0, 0, 0, sha256=none) for name in sorted(names)]
    entries += [Entry(b"zz", SYMLINK, 0o777, 0, 0, 0, 0, target=b"/etc")]
    with (tmp_path / "a.tar").open("wb") as sink:
        tar.write(sink, payload, entries, contents.top_of("main", "1" * 13 + "-0123abcd"), {}, 0, SILENT)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "a.tar", "-C", out], check=True)
    assert [path.name for path in out.iterdir()] == ["main-0123abcd"]
    assert {os.fsencode(path.name) for path in (out / "main-0123abcd").iterdir()} == {*names, b"zz"}


def test_the_command_says_what_it_did(repo: Repository, tmp_path: Path) -> None:
    from jvs_core.cli import main

    target = tmp_path / "a.tar.zst"
    line = ["--repo", str(repo.root), "export", "HEAD", "data", "-o", str(target), "--with-proof"]
    done = main.execute(line)
    value = done.to_json()
    assert value.keys() == {"path", "files", "bytes", "sha256"}
    assert next(iter(done.lines)).startswith("Exported data of snapshot")
    checked = main.execute(["verify", "--export", str(target)])
    assert checked.exit_status == 0
    assert next(iter(checked.lines)).startswith("OK  1 snapshot, 2 files (only data of it)")
    with pytest.raises(InputError, match="--key"):
        main.execute(["--repo", str(repo.root), "export", "HEAD", "-o", "x.zip", "--key", "k"])
