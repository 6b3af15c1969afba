"""Snapshots by time and by tag: on the lineage, in its order, by edited tags."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jvs_core import Repository, clock
from jvs_core.control import catalog
from jvs_core.control.names import check_ref_name
from jvs_core.errors import DescriptorCorrupt, NameInvalid, SnapshotNotFound
from tests.support.damage import overwrite

HOUR = 3_600_000


class Clock:
    """A wall clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = clock.parse("2026-11-28T12:00:00Z")
        monkeypatch.setattr(clock, "now_ms", lambda: self.now)

    def at(self, text: str) -> None:
        self.now = clock.parse(text)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return Clock(monkeypatch)


@pytest.fixture
def repo(tmp_path: Path, wall: Clock) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def take(repo: Repository, wall: Clock, when: str, *tags: str, worktree: str = "main") -> str:
    wall.at(when)
    (repo.worktrees.path(worktree) / "f").write_text(when)
    return repo.snapshot(when, lock=True, tags=tags, worktree=worktree).snapshot_id


def test_a_time_names_the_newest_snapshot_taken_then_or_before(repo: Repository, wall: Clock) -> None:
    first = take(repo, wall, "2026-11-27T10:00:00Z")
    second = take(repo, wall, "2026-11-28T17:59:00Z")
    third = take(repo, wall, "2026-11-28T18:00:31Z")
    wall.at("2026-11-29T09:00:00Z")
    expected = {
        "@2026-11-27": first,
        "@2026-11-28T17:58": first,
        "@2026-11-28T18:00:30": second,
        "@2026-11-28T18:00": third,
        "@2026-11-28": third,
        "@yesterday": third,
        "@now": third,
        "@2027-01-01": third,
        "@15h": second,
        "@15h ago": second,
        "@1d": first,
        "@1 day ago": first,
    }
    assert {text: repo.resolve(text) for text in expected} == expected
    assert repo.show("@yesterday").descriptor.snapshot_id == third


def test_what_is_older_than_all_is_not_found_and_the_oldest_is_named(repo: Repository, wall: Clock) -> None:
    with pytest.raises(SnapshotNotFound, match="no snapshot yet"):
        repo.resolve("@yesterday")
    first = take(repo, wall, "2026-11-27T10:00:00Z")
    take(repo, wall, "2026-11-28T10:00:00Z")
    with pytest.raises(SnapshotNotFound) as refused:
        repo.resolve("@2026-11-26")
    assert first in str(refused.value.hint)
    assert "2026-11-27T10:00:00.000Z" in str(refused.value.hint)
    with pytest.raises(SnapshotNotFound) as refused:
        repo.resolve("@30m")
    assert "min a minute" in str(refused.value.hint)
    with pytest.raises(SnapshotNotFound) as refused:
        repo.resolve("@soon")
    assert "yesterday" in str(refused.value.hint)


def test_only_the_lineage_of_the_worktree_counts(repo: Repository, wall: Clock) -> None:
    base = take(repo, wall, "2026-11-28T10:00:00Z", "x")
    repo.worktrees.create("other")
    theirs = take(repo, wall, "2026-11-28T11:00:00Z", "x", worktree="other")
    wall.at("2026-11-28T12:00:00Z")
    assert repo.resolve("@now") == repo.resolve("tag:x") == base
    assert repo.resolve("@now", worktree="other") == repo.resolve("tag:x", worktree="other") == theirs


def test_the_order_is_that_of_the_lineage_whatever_the_clocks_said(repo: Repository, wall: Clock) -> None:
    take(repo, wall, "2026-11-28T10:00:00Z", "x")
    ahead = take(repo, wall, "2030-01-01T00:00:00Z", "x")
    back = take(repo, wall, "2026-11-28T09:00:00Z")
    wall.at("2026-11-28T12:00:00Z")
    assert repo.resolve("@now") == repo.resolve("@2026-11-28T10:30") == back
    assert repo.resolve("@2031-01-01") == back
    assert repo.resolve("tag:x") == ahead
    with pytest.raises(SnapshotNotFound):
        repo.resolve("@2026-11-28T08:00")


def test_a_snapshot_from_the_future_is_no_answer_to_now(repo: Repository, wall: Clock) -> None:
    now = take(repo, wall, "2026-11-28T10:00:00Z")
    take(repo, wall, "2030-01-01T00:00:00Z")
    wall.at("2026-11-28T12:00:00Z")
    assert repo.resolve("@now") == now


def test_a_tag_is_what_edits_made_of_it(repo: Repository, wall: Clock) -> None:
    first = take(repo, wall, "2026-11-28T10:00:00Z", "good: ü/1")
    second = take(repo, wall, "2026-11-28T11:00:00Z", "good: ü/1")
    third = take(repo, wall, "2026-11-28T12:00:00Z")
    assert repo.resolve("tag:good: ü/1") == second
    repo.annotate(second, remove_tags=["good: ü/1"])
    assert repo.resolve("tag:good: ü/1") == first
    repo.annotate(third, add_tags=["good: ü/1"])
    assert repo.resolve("tag:good: ü/1") == third
    with pytest.raises(SnapshotNotFound) as refused:
        repo.resolve("tag:none")
    assert first in refused.value.message


def test_a_time_passes_over_what_retention_removed_a_tag_does_not(
    repo: Repository, wall: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = take(repo, wall, "2026-11-28T10:00:00Z", "x")
    second = take(repo, wall, "2026-11-28T11:00:00Z", "x")
    take(repo, wall, "2026-11-28T12:00:00Z")
    gone = {second}
    monkeypatch.setattr(catalog, "is_expired", lambda layout, key: key in gone)
    assert repo.resolve("@2026-11-28T11:30") == first
    assert repo.resolve("tag:x") == second
    gone.add(first)
    with pytest.raises(SnapshotNotFound) as refused:
        repo.resolve("@2026-11-28T11:30")
    assert repo.resolve("HEAD") in str(refused.value.hint)
    assert "that still has its files" in refused.value.message
    gone.add(repo.resolve("HEAD"))
    with pytest.raises(SnapshotNotFound) as refused:
        repo.resolve("@now")
    assert refused.value.hint == "jvs history"


def test_a_descriptor_that_was_changed_decides_nothing(repo: Repository, wall: Clock) -> None:
    first = take(repo, wall, "2026-11-28T10:00:00Z", "x")
    second = take(repo, wall, "2026-11-28T11:00:00Z", "x")
    path = repo.root / ".jvs" / "descriptors" / f"{second}.json"
    overwrite(path, path.read_bytes().replace(b'"x"', b'"y"'))
    for text in ("tag:x", "tag:y", "@2026-11-28T10:30"):
        with pytest.raises(DescriptorCorrupt, match=second):
            repo.resolve(text)
    assert repo.resolve(first) == first


@pytest.mark.parametrize("name", ["@yesterday", "@2h", "tag:x", "tag:"])
def test_no_ref_can_be_called_that_way(repo: Repository, wall: Clock, name: str) -> None:
    take(repo, wall, "2026-11-28T10:00:00Z")
    with pytest.raises(NameInvalid):
        repo.refs.create(name, "HEAD")
    with pytest.raises(NameInvalid):
        check_ref_name(name)


def test_every_operation_that_takes_a_snapshot_takes_these(repo: Repository, wall: Clock) -> None:
    first = take(repo, wall, "2026-11-28T10:00:00Z", "x")
    take(repo, wall, "2026-11-28T11:00:00Z")
    wall.at("2026-11-28T12:00:00Z")
    assert repo.compare("tag:x", "@now").modified == ["f"]
    assert repo.restore("@90min").snapshot_id == first
    assert repo.refs.create("then", "@2026-11-28T10:00").snapshot_id == first
    assert repo.pins.create("tag:x").snapshot_id == first
    assert repo.worktrees.create("w", from_="tag:x").base_snapshot_id == first
    assert [each.snapshot_id for each in repo.verify("tag:x").snapshots] == [first]
    with repo.open_file("@90 minutes ago", "f") as file:
        assert file.read() == b"2026-11-28T10:00:00Z"
