"""Importing repositories of JVS in Go: what they hold comes, checked where that can be; what is in them is input."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.errors import AlreadyExists, FormatUnsupported, NotARepository, UntrustedRepository
from jvs_core.operations.moving import go_hash, site
from jvs_core.operations.moving.go_repository import GoDescriptor
from jvs_core.payload.tree.entry import FILE, Entry
from tests.core.operations.moving.test_clone import Doing, require_sound
from tests.support import go

DATA = Path(go.__file__).parent
FIRST, SECOND, PARTIAL, PACKED = (
    "1795917902801-06db3191",
    "1795917902812-5829b014",
    "1795917902827-f928ba75",
    "1795917902837-dfe31a88",
)
OLDEST = "1795917902685-fa65722a"


def unpack(version: str, folder: Path) -> Path:
    with tarfile.open(DATA / f"{version}.tar.gz") as archive:
        archive.extractall(folder, filter="fully_trusted")
    (root,) = folder.iterdir()
    for path in (root, *root.rglob("*")):
        os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
    return root


@pytest.fixture
def v65(tmp_path: Path) -> Path:
    (tmp_path / "go65").mkdir()
    return unpack("v6.5", tmp_path / "go65")


@pytest.fixture
def v82(tmp_path: Path) -> Path:
    (tmp_path / "go82").mkdir()
    return unpack("v8.2", tmp_path / "go82")


def rewrite(root: Path, snapshot: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a descriptor and give it, and the READY marker, the checksum that fits."""
    path = root / ".jvs" / "descriptors" / f"{snapshot}.json"
    fields = json.loads(path.read_text())
    change(fields)
    own = go_hash.checksum(GoDescriptor.parse(json.dumps(fields).encode(), "it"))
    path.write_text(json.dumps({**fields, "descriptor_checksum": own}))
    marker = root / ".jvs" / "snapshots" / snapshot / ".READY"
    if marker.exists():
        ready = json.loads(marker.read_text())
        ready["payload_root_hash"] = fields["payload_root_hash"]
        if "descriptor_checksum" in ready:
            ready["descriptor_checksum"] = own
        marker.write_text(json.dumps(ready))


def refusals(source: Path, target: Path) -> dict[str, str]:
    made = Repository.import_old(source, target)
    require_sound(Repository.open(target))
    return {each.snapshot_id: each.code for each in made.refused}


@pytest.mark.in_turn
def test_v8_2_comes_whole_and_checked(v82: Path, workdir: Path) -> None:
    made = Repository.import_old(v82, workdir / "new")
    assert [(each.snapshot_id, each.checked, each.compression) for each in made.imported] == [
        (FIRST, True, None),
        (SECOND, True, None),
        (PARTIAL, True, None),
        (PACKED, True, "gzip"),
    ]
    assert (made.refused, made.imported[2].partial_paths) == ([], ["sub"])
    repo = Repository.open(workdir / "new")
    require_sound(repo)
    newest = repo.history(every=True)
    assert [item.descriptor.note for item in newest] == ["packed", "partial", "second", "first data"]
    assert newest[2].descriptor.tags == ("v2", "release")
    assert newest[2].descriptor.created_at == "2026-11-29T02:05:02.815Z"
    assert newest[2].descriptor.parent_snapshot_id == FIRST
    assert any("partial" in line for line in newest[1].descriptor.degraded)
    (train,) = [each for each in repo.ls(PACKED, recursive=True) if each.path == "data/train.csv"]
    assert (train.size, train.mode) == (12, "0644")
    assert repo.status().head_snapshot_id == PACKED
    assert repo.status().clean
    assert repo.worktrees.get("side").head_snapshot_id == PACKED
    assert (repo.worktrees.path("side") / "s.txt").exists()
    (record,) = repo.audit.log()
    assert record.operation == "import"
    assert record.details["source"]["root"] == str(v82)
    repo.snapshot("work goes on", lock=True)
    require_sound(repo)


def test_the_source_may_lie_where_the_name_is_no_unicode(v82: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff"))
    os.rename(v82, odd)
    assert refusals(odd, tmp_path / "new") == {}


@pytest.mark.in_turn
def test_v6_5_comes_and_says_what_cannot_be_checked(v65: Path, workdir: Path) -> None:
    made = Repository.import_old(v65, workdir / "new")
    assert [each.checked for each in made.imported] == [False] * 4
    assert all("times" in str(each.unchecked) for each in made.imported)
    repo = Repository.open(workdir / "new")
    require_sound(repo)
    assert [(ref.name, ref.snapshot_id) for ref in repo.refs.all()] == [("best", OLDEST)]
    assert {each.path for each in repo.ls(OLDEST)} == {
        "data",
        "figs",
        "latest.csv",
        "näme with space.txt",
        "train.ipynb",
    }
    (train,) = [each for each in repo.ls(OLDEST, recursive=True) if each.path == "data/train.csv"]
    assert (train.mode, train.mtime) == ("0600", "2024-02-29T12:00:00.000000000Z")
    assert repo.worktrees.get("side").head_snapshot_id == "1795917902729-2e5eb73e"


def test_a_hash_over_times_is_checked_where_they_are_there(v65: Path, tmp_path: Path) -> None:
    place = v65 / ".jvs" / "snapshots" / OLDEST
    entries = []
    for path in sorted(place.rglob("*")):
        st = path.lstat()
        kind = "l" if path.is_symlink() else "d" if path.is_dir() else FILE
        content = path.read_bytes() if kind == FILE else b""
        target = os.fsencode(os.readlink(path)) if kind == "l" else b""
        entries.append(
            Entry(
                os.fsencode(path.relative_to(place)),
                kind,
                st.st_mode & 0o7777,
                0,
                0,
                st.st_size,
                st.st_mtime_ns,
                target,
                sha256=hashlib.sha256(content).digest(),
            )
        )
    value = go_hash.root_hash(entries, times=True)
    rewrite(v65, OLDEST, lambda fields: fields.update(payload_root_hash=value))
    made = Repository.import_old(v65, tmp_path / "new")
    assert [each.snapshot_id for each in made.imported if each.checked] == [OLDEST]


def test_nothing_in_the_source_is_changed(v82: Path, tmp_path: Path) -> None:
    def state() -> list[tuple[str, int, int, int]]:
        found = [(str(path), path.lstat()) for path in sorted(v82.rglob("*"))]
        return [(path, st.st_size, st.st_mtime_ns, st.st_ctime_ns) for path, st in found]

    before = state()
    Repository.import_old(v82, tmp_path / "new")
    assert state() == before


def test_changes_that_no_snapshot_has_come_with_the_worktree(v82: Path, tmp_path: Path) -> None:
    (v82 / "main" / "unsaved.txt").write_text("unsaved")
    Repository.import_old(v82, tmp_path / "new")
    assert Repository.open(tmp_path / "new").status().added == ["unsaved.txt"]


def test_damaged_snapshots_are_refused_by_name(v82: Path, tmp_path: Path) -> None:
    snapshots = v82 / ".jvs" / "snapshots"
    (snapshots / FIRST / "data" / "train.csv").write_text("a,b\n9,9\n")
    (snapshots / SECOND / ".READY").unlink()
    path = v82 / ".jvs" / "descriptors" / f"{PARTIAL}.json"
    path.write_text(path.read_text().replace('"partial"', '"other"'))
    (snapshots / PACKED / "data" / "train.csv.gz").write_bytes(b"no gzip")
    assert refusals(v82, tmp_path / "new") == {
        FIRST: "E_PAYLOAD_HASH_MISMATCH",
        SECOND: "E_PARTIAL_SNAPSHOT",
        PARTIAL: "E_DESCRIPTOR_CORRUPT",
        PACKED: "E_PAYLOAD_HASH_MISMATCH",
    }
    assert Repository.open(tmp_path / "new").status().head_snapshot_id is None


def test_a_child_of_a_refused_one_gets_the_nearest_ancestor_that_came(v82: Path, tmp_path: Path) -> None:
    (v82 / ".jvs" / "snapshots" / SECOND / ".READY").unlink()
    assert refusals(v82, tmp_path / "new") == {SECOND: "E_PARTIAL_SNAPSHOT"}
    newest = Repository.open(tmp_path / "new").history(every=True)
    assert [item.descriptor.parent_snapshot_id for item in newest] == [PARTIAL, FIRST, None]
    assert any(SECOND in line for line in newest[1].descriptor.degraded)


def test_links_in_the_metadata_lead_nowhere(v82: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    jvs = v82 / ".jvs"
    original = (jvs / "descriptors" / f"{FIRST}.json").rename(tmp_path / "first.json")
    (jvs / "descriptors" / f"{FIRST}.json").symlink_to(original)
    (jvs / "snapshots" / SECOND).rename(tmp_path / "second")
    (jvs / "snapshots" / SECOND).symlink_to(secret)
    (jvs / "snapshots" / PARTIAL / ".READY").rename(tmp_path / "ready")
    (jvs / "snapshots" / PARTIAL / ".READY").symlink_to(tmp_path / "ready")
    (jvs / "worktrees" / "evil").symlink_to(secret)
    (jvs / "refs").mkdir(exist_ok=True)
    (jvs / "refs" / "evil.json").symlink_to(secret / "key")
    (v82 / "worktrees" / "side").rename(tmp_path / "side")
    (v82 / "worktrees" / "side").symlink_to(secret)
    made = Repository.import_old(v82, tmp_path / "new")
    assert {each.snapshot_id for each in made.refused} == {FIRST, SECOND, PARTIAL}
    assert [each.snapshot_id for each in made.imported] == [PACKED]
    assert not list((tmp_path / "new").rglob("key"))
    require_sound(Repository.open(tmp_path / "new"))
    names = " ".join(made.degraded)
    assert "'evil'" in names
    assert "'side' has no folder" in names


def test_a_folder_of_the_metadata_may_not_be_a_link(v82: Path, tmp_path: Path) -> None:
    (v82 / ".jvs" / "descriptors").rename(tmp_path / "descriptors")
    (v82 / ".jvs" / "descriptors").symlink_to(tmp_path / "descriptors")
    with pytest.raises(Exception, match="leads outside") as error:
        Repository.import_old(v82, tmp_path / "new")
    assert getattr(error.value, "code", "") == "E_PATH_ESCAPE"
    assert not (tmp_path / "new").exists()


def test_hostile_descriptors_are_refused_one_by_one(v82: Path, tmp_path: Path) -> None:
    folder = v82 / ".jvs" / "descriptors"
    good = json.loads((folder / f"{FIRST}.json").read_text())
    texts = {
        "huge": '{"note": "' + "x" * (2 << 20) + '"}',
        "deep": '{"a":' * 3000 + "1" + "}" * 3000,
        "list": "[]",
        "twice": json.dumps(good)[:-1] + ', "note": "again"}',
        "escape": json.dumps({**good, "worktree_name": "../../main"}),
        "parent": json.dumps({**good, "parent_id": "../../../etc"}),
        "time": json.dumps({**good, "created_at": "99999-01-01"}),
        "infinite": json.dumps({**good, "fencing_token": 0}).replace(
            '"fencing_token": 0', '"fencing_token": 1e999'
        ),
        "lone": json.dumps({**good, "note": "\ud800"}),
        "binary": "\x00\x01",
    }
    named = {}
    for number, (what, text) in enumerate(texts.items()):
        snapshot = f"1700000000000-{number:08x}"
        named[snapshot] = what
        (folder / f"{snapshot}.json").write_text(text.replace(FIRST, snapshot))
    (folder / "1700000000000-0000000a.json").write_text(json.dumps(good))
    (folder / "..json").write_text("{}")
    (folder / "nonsense.json").write_text("{}")
    found = refusals(v82, tmp_path / "new")
    assert found.keys() == {*named, "1700000000000-0000000a"}
    assert set(found.values()) == {"E_DESCRIPTOR_CORRUPT"}


def test_a_circle_in_the_lineage_is_refused(v82: Path, tmp_path: Path) -> None:
    rewrite(v82, FIRST, lambda fields: fields.update(parent_id=SECOND))
    assert refusals(v82, tmp_path / "new") == {FIRST: "E_LINEAGE_BROKEN", SECOND: "E_LINEAGE_BROKEN"}
    rewrite(v82, PARTIAL, lambda fields: fields.update(parent_id=PARTIAL))
    assert refusals(v82, tmp_path / "other")[PARTIAL] == "E_LINEAGE_BROKEN"


def test_a_file_that_unpacks_to_more_than_there_is_room_for_is_refused(
    v82: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = v82 / ".jvs" / "snapshots" / PACKED / "data" / "train.csv.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20)))
    real = os.statvfs

    def small(where: object) -> os.statvfs_result:
        found = list(real(where))  # type: ignore[arg-type]
        found[4] = 1000
        return os.statvfs_result(found)

    monkeypatch.setattr(os, "statvfs", small)
    made = Repository.import_old(v82, tmp_path / "new")
    assert {each.snapshot_id: each.code for each in made.refused} == {PACKED: "E_UNSUPPORTED_FILE"}
    assert not list((tmp_path / "new").glob("unpacked"))


def test_devices_and_repositories_in_a_payload_are_left_out_and_named(v82: Path, tmp_path: Path) -> None:
    payload = v82 / ".jvs" / "snapshots" / FIRST
    os.mknod(payload / "null", 0o20666, os.makedev(1, 3))
    (payload / "inner" / ".jvs").mkdir(parents=True)
    found = refusals(v82, tmp_path / "new")
    assert found == {FIRST: "E_PAYLOAD_HASH_MISMATCH"}


def test_it_is_none_of_the_others(v82: Path, tmp_path: Path) -> None:
    own = Repository.init(tmp_path / "own")
    with pytest.raises(FormatUnsupported, match="of this JVS"):
        Repository.import_old(own.root, tmp_path / "new")
    with pytest.raises(NotARepository):
        Repository.import_old(tmp_path, tmp_path / "new")
    (v82 / ".jvs" / "format_version").write_text("7")
    with pytest.raises(FormatUnsupported, match="format 7"):
        Repository.import_old(v82, tmp_path / "new")
    os.chown(v82 / ".jvs", 65534, 65534)
    with pytest.raises(UntrustedRepository):
        Repository.import_old(v82, tmp_path / "new")
    with pytest.raises(AlreadyExists):
        Repository.import_old(v82, own.root)


@pytest.mark.parametrize("step", ["clone", "settle", "catalog", "worktrees", "records", "audit", "publish"])
def test_a_stopped_import_goes_on(v82: Path, tmp_path: Path, step: str) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Repository.import_old(v82, tmp_path / "new", progress=Doing(step, stop))
    assert not (tmp_path / "new").exists()
    made = Repository.import_old(v82, tmp_path / "new")
    assert len(made.imported) == 4
    assert not site.place(tmp_path / "new").exists()
    require_sound(Repository.open(tmp_path / "new"))


def test_a_file_that_is_called_as_the_ending_was_not_packed(v82: Path, tmp_path: Path) -> None:
    path = v82 / ".jvs" / "snapshots" / PACKED / "data" / ".gz"
    path.write_bytes(b"plain")
    path.chmod(0o600)
    made = Repository.import_old(v82, tmp_path / "new")
    assert [each.checked for each in made.imported] == [True, True, True, False]
    repo = Repository.open(tmp_path / "new")
    require_sound(repo)
    assert "data/.gz" in {each.path for each in repo.ls(PACKED, recursive=True)}
