"""Verifying a share of all contents a night: all is read in as many nights, and no memory makes up for reading."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import InputError
from jvs_core.payload.check.evidence import Share
from jvs_core.payload.tree import juicefs
from jvs_core.results import Subset, SubsetReport

NIGHTS = 4


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for number in range(12):
        write(repo, f"{number}", f"content {number}")
    os.link(repo.root / "main" / "1", repo.root / "main" / "linked")
    return repo


def write(repo: Repository, name: str, content: str) -> None:
    (repo.root / "main" / name).write_text(content)


def take(repo: Repository) -> str:
    return repo.snapshot(lock=True).snapshot_id


def rot(repo: Repository, snapshot_id: str, name: str) -> None:
    """Change a byte of a stored file as a failing disk does: nothing but the content is another one."""
    path = repo.root / ".jvs" / "snapshots" / snapshot_id / "payload" / name
    before = os.stat(path)
    os.chmod(path, 0o600)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    os.chmod(path, before.st_mode & 0o7777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def night(repo: Repository, subset: str) -> tuple[SubsetReport, Subset]:
    found = repo.verify(subset=subset)
    assert isinstance(found, SubsetReport)
    return found, found.subset


def cache(repo: Repository) -> Path:
    about = os.lstat(repo.root / ".jvs" / "repo_id")
    name = f"{repo.repo_id}.{about.st_ino:x}.{about.st_ctime_ns:x}.sqlite"
    return repo.settings.cache_dir / "verified" / name


@pytest.mark.parametrize("of", ["threads", "processes"])
def test_each_file_is_read_in_one_share_and_damage_found_there(
    repo: Repository, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if of == "threads":
        monkeypatch.setattr(juicefs, "mount_at", lambda path: object())
    first = take(repo)
    write(repo, "0", "other content")
    take(repo)
    read = [night(repo, f"{number}/{NIGHTS}")[1] for number in range(1, NIGHTS + 1)]
    assert {each.files for each in read} == {26}
    assert sum(each.files_read for each in read) == 26
    assert all(0 < each.files_read < 26 for each in read)
    for name in ("0", "5", "linked"):
        rot(repo, first, name)
    found = {
        path: number
        for number in range(1, NIGHTS + 1)
        for each in repo.verify(subset=f"{number}/{NIGHTS}").snapshots
        if each.message and not each.message.startswith("an earlier")
        for path in each.damaged_paths
    }
    assert found.keys() == {"0", "1", "5", "linked"}
    assert found["1"] == found["linked"]
    assert not repo.verify(every=True).ok


def test_what_no_content_is_needed_for_is_seen_in_every_share(repo: Repository) -> None:
    taken = take(repo)
    payload = repo.root / ".jvs" / "snapshots" / taken / "payload"
    os.utime(payload / "2", ns=(0, 0))
    for number in range(1, NIGHTS + 1):
        (found,) = night(repo, f"{number}/{NIGHTS}")[0].snapshots
        assert (found.severity, found.drifted_paths) == ("warning", ["2"])
        assert str(found.message).startswith(f"share {number}/{NIGHTS} of its contents was read; ")
    os.chmod(payload / "3", 0o600)
    os.truncate(payload / "3", 3)
    (payload / "4").unlink()
    (payload / "extra").write_text("")
    (found,) = night(repo, f"1/{NIGHTS}")[0].snapshots
    assert found.damaged_paths == ["3", "4", "extra"]


def test_after_all_nights_all_is_read_whatever_came_and_went(repo: Repository) -> None:
    first = take(repo)
    for number in range(1, NIGHTS + 1):
        if number == 2:
            write(repo, "0", "second")
            second = take(repo)
        report, subset = night(repo, f"{number}/{NIGHTS}")
        assert report.ok
        assert subset.remembered
        assert subset.shares[number - 1].never_read == 0
    assert [(each.share, each.never_read) for each in subset.shares] == [(1, 1), (2, 0), (3, 0), (4, 0)]
    assert subset.shares[0].last_read_at is None
    assert subset.last_read[first] is not None
    assert subset.last_read[second] is None
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    _, subset = night(repo, f"1/{NIGHTS}")
    assert list(subset.last_read) == [second]
    assert subset.last_read[second] == min(str(each.last_read_at) for each in subset.shares)
    with sqlite3.connect(cache(repo)) as database:
        known = {row[0] for row in database.execute("SELECT snapshot FROM reads")}
    assert known <= {first, second}


def test_reading_all_of_it_counts_for_every_share(repo: Repository) -> None:
    taken = take(repo)
    repo.verify()
    _, subset = night(repo, "2/3")
    assert subset.last_read[taken] is not None
    assert all(each.last_read_at for each in subset.shares)


def test_next_is_the_share_that_was_read_longest_ago(repo: Repository) -> None:
    take(repo)
    assert [night(repo, "next/3")[1].share for _ in range(4)] == [1, 2, 3, 1]
    night(repo, "2/3")
    assert [night(repo, "next/3")[1].share for _ in range(3)] == [3, 1, 2]
    assert night(repo, "next/5")[1].share == 1
    cache(repo).unlink()
    assert night(repo, "next/3")[1].share == 1


def test_nothing_that_is_planted_makes_a_snapshot_verified(repo: Repository) -> None:
    taken = take(repo)
    night(repo, "1/2")
    rot(repo, taken, "7")
    with sqlite3.connect(cache(repo)) as database:
        for parts, part in ((1, 1), (2, 1), (2, 2)):
            database.execute(
                "INSERT OR REPLACE INTO reads VALUES (?, ?, ?, '2999-01-01T00:00:00.000Z')",
                (taken, parts, part),
            )
    report = repo.verify(every=True)
    assert not report.ok
    assert report.snapshots[0].damaged_paths == ["7"]
    assert set(report.to_json()) == {"ok", "snapshots", "audit"}


def test_damage_that_one_share_showed_stays_until_it_is_repaired(repo: Repository) -> None:
    taken = take(repo)
    repo.verify()
    assert night(repo, f"1/{NIGHTS}")[1].last_read[taken] is not None
    rot(repo, taken, "7")
    results = {number: night(repo, f"{number}/{NIGHTS}")[0] for number in range(1, NIGHTS + 1)}
    (of_seven,) = [number for number in results if Share(number, NIGHTS).has(_digest(repo, taken))]
    for number, report in results.items():
        assert report.ok == (number < of_seven)
    (found,) = night(repo, f"{of_seven % NIGHTS + 1}/{NIGHTS}")[0].snapshots
    assert (found.severity, found.damaged_paths, found.payload_hash_valid) == ("critical", ["7"], False)
    for number in range(1, NIGHTS + 1):
        _, subset = night(repo, f"{number}/{NIGHTS}")
    assert subset.last_read[taken] is None
    assert all(each.never_read for each in subset.shares)
    repo.doctor(repairs=["heal"])
    assert repo.verify(every=True).ok
    assert night(repo, f"{of_seven}/{NIGHTS}")[0].ok


def _digest(repo: Repository, snapshot_id: str) -> bytes:
    return str(repo.stat(snapshot_id, "7").sha256).encode()


def test_a_memory_that_is_damaged_or_cannot_be_written_costs_no_verification(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(repo)
    night(repo, "1/2")
    for damage in (b"", b"no database", os.urandom(9000)):
        cache(repo).write_bytes(damage)
        assert night(repo, "next/2")[1].remembered
    with sqlite3.connect(cache(repo)) as database:
        database.executescript(
            "INSERT OR REPLACE INTO runs VALUES (2, 'x', 'y'); INSERT INTO reads VALUES ('x', 2, 'y', 7);"
        )
    assert night(repo, "next/2")[1].remembered
    with sqlite3.connect(cache(repo)) as database:
        database.execute("DROP TABLE reads")
    report, subset = night(repo, "next/2")
    assert (report.ok, subset.remembered) == (True, False)
    assert subset.shares[0].last_read_at is None
    cache(repo).unlink()
    cache(repo).mkdir()
    assert night(repo, "next/2")[0].ok


@pytest.mark.parametrize(
    "text", ["", "3", "0/3", "4/3", "1/0", "1/1001", "-1/3", "1/3/4", "a/b", "next", "1.5/3"]
)
def test_what_is_no_share_is_refused(repo: Repository, text: str) -> None:
    with pytest.raises(InputError):
        repo.verify(subset=text)


def test_a_share_of_one_snapshot_is_refused(repo: Repository) -> None:
    taken = take(repo)
    with pytest.raises(InputError):
        repo.verify(taken, subset="1/2")


def test_without_snapshots_there_is_nothing_to_read(repo: Repository) -> None:
    report, subset = night(repo, "1/2")
    assert (report.ok, subset.files, subset.last_read) == (True, 0, {})


def test_a_copy_of_a_repository_was_not_read_with_it(repo: Repository) -> None:
    """A backup with the same identity, verified by the same user in turn with the original."""
    taken = take(repo)
    subprocess.run(["cp", "-a", repo.root, repo.root.with_name("backup")], check=True)
    backup = Repository.open(repo.root.with_name("backup"))
    both = [night(each, f"next/{NIGHTS}")[1] for _ in range(NIGHTS - 1) for each in (repo, backup)]
    assert [each.share for each in both] == [1, 1, 2, 2, 3, 3]
    assert night(repo, f"next/{NIGHTS}")[1].last_read[taken] is not None
    last = night(backup, f"1/{NIGHTS}")[1]
    assert last.last_read[taken] is None
    assert [each.never_read for each in last.shares] == [0, 0, 0, 1]


def test_what_was_put_back_from_a_backup_was_not_read(repo: Repository) -> None:
    take(repo)
    repo.verify()
    away = repo.root.with_name("away")
    repo.root.rename(away)
    assert [each.never_read for each in night(Repository.open(away), "1/2")[1].shares] == [0, 0]
    subprocess.run(["cp", "-a", away, repo.root], check=True)
    assert [each.never_read for each in night(Repository.open(repo.root), "1/2")[1].shares] == [0, 1]
