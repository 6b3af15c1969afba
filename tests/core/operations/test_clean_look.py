"""A look at a worktree that is as it was when it last was as its head: no manifest is read, and nothing is missed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import JvsError, Repository
from jvs_core.operations import stored
from jvs_core.payload.changes.last_clean import LastClean
from jvs_core.payload.changes.writeback import probe_clock
from jvs_core.payload.tree import attributes


def main(repo: Repository) -> Path:
    return repo.root / "main"


def settle(repo: Repository) -> None:
    """Let the file system's clock tick, so that what was written before is old enough to be trusted."""
    paths = [*main(repo).rglob("*"), *(repo.root / ".jvs" / "snapshots").rglob("*")]
    newest = max(os.lstat(path).st_ctime_ns for path in paths)
    while probe_clock(repo.root / ".jvs") <= newest:
        pass


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (main(repo) / "data").mkdir()
    (main(repo) / "data" / "a.csv").write_text("a,b\n")
    (main(repo) / "notes.txt").write_text("notes")
    (main(repo) / "link").symlink_to("notes.txt")
    repo.snapshot("one", lock=True)
    settle(repo)
    return repo


@pytest.fixture
def manifests(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Return a list that gets the snapshot whose manifest is asked for, each time."""
    read: list[str | None] = []
    real = stored.entries

    def entries(layout: object, snapshot_id: str | None) -> object:
        read.append(snapshot_id)
        return real(layout, snapshot_id)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(stored, "entries", entries)
    return read


def status_is_clean(repo: Repository) -> bool:
    return repo.status().clean


def snapshot_is_not_needed(repo: Repository) -> bool:
    return repo.snapshot_if_changed("changed", lock=True) is None


LOOKS: list[Callable[[Repository], bool]] = [status_is_clean, snapshot_is_not_needed]


@pytest.mark.parametrize("is_clean", LOOKS)
def test_where_nothing_changed_no_manifest_is_read(
    repo: Repository, manifests: list[str | None], is_clean: Callable[[Repository], bool]
) -> None:
    assert is_clean(repo)
    assert manifests
    manifests.clear()
    assert is_clean(repo)
    assert is_clean(Repository.open(main(repo)))
    assert not manifests


@pytest.mark.parametrize("is_clean", LOOKS)
def test_a_change_after_a_clean_look_is_seen(
    repo: Repository, is_clean: Callable[[Repository], bool]
) -> None:
    assert is_clean(repo)
    assert is_clean(repo)
    (main(repo) / "notes.txt").write_text("NOTES")
    assert not is_clean(repo)


def test_what_is_found_is_the_same_with_and_without_what_was_kept(repo: Repository) -> None:
    first = repo.status()
    assert repo.status() == first
    assert repo.status().to_json() == first.to_json()


@pytest.mark.parametrize("is_clean", LOOKS)
def test_a_head_that_moved_is_asked_anew(
    repo: Repository, manifests: list[str | None], is_clean: Callable[[Repository], bool]
) -> None:
    assert is_clean(repo)
    taken = repo.snapshot("the same", lock=True)
    manifests.clear()
    assert is_clean(repo)
    assert taken.snapshot_id in manifests


def test_an_empty_worktree_without_a_head_is_clean_until_something_is_in_it(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "empty", engine="copy")
    while probe_clock(repo.root / ".jvs") <= os.stat(main(repo)).st_ctime_ns:
        pass
    assert repo.status().clean
    assert repo.status().clean
    (main(repo) / "a").write_text("a")
    assert repo.status().added == ["a"]


def _damaged(path: Path, data: bytes) -> None:
    """Replace what a file of the repository holds, as a broken disk would: size and time stay."""
    about = os.stat(path)
    path.chmod(0o600)
    path.write_bytes(data)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_a_manifest_that_was_damaged_since_is_noticed(repo: Repository) -> None:
    assert status_is_clean(repo)
    assert snapshot_is_not_needed(repo)
    (manifest,) = (repo.root / ".jvs" / "snapshots").rglob("manifest*")
    data = manifest.read_bytes()
    _damaged(manifest, data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    with pytest.raises(JvsError):
        repo.status()
    assert not snapshot_is_not_needed(repo)  # a head that is damaged counts as different


def test_a_snapshot_that_lost_its_marker_is_noticed(repo: Repository) -> None:
    assert status_is_clean(repo)
    (ready,) = (repo.root / ".jvs" / "snapshots").rglob("*READY*")
    ready.unlink()
    with pytest.raises(JvsError):
        repo.status()


def test_nothing_is_kept_against_a_manifest_as_young_as_the_clock(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, manifests: list[str | None]
) -> None:
    (manifest,) = (repo.root / ".jvs" / "snapshots").rglob("manifest*")
    monkeypatch.setattr(LastClean, "is_after", lambda self, ns: ns < os.lstat(manifest).st_ctime_ns)
    assert status_is_clean(repo)
    manifests.clear()
    assert status_is_clean(repo)
    assert manifests


@pytest.mark.parametrize("there", [True, False], ids=["in the worktree", "in the head"])
def test_other_rules_of_exclusion_are_another_question(repo: Repository, there: bool) -> None:
    (main(repo) / "x.tmp").write_text("x")
    if not there:
        repo.snapshot("with it", lock=True)
        (main(repo) / "x.tmp").unlink()
    config = repo.root / ".jvs" / "config.toml"
    plain = config.read_text()
    config.write_text(plain.replace("# [exclude]", '[exclude]\npatterns = ["*.tmp"]'))
    settle(repo)
    excluding = Repository.open(main(repo))
    assert status_is_clean(excluding)
    assert status_is_clean(excluding)
    assert snapshot_is_not_needed(excluding)
    config.write_text(plain)
    plainly = Repository.open(main(repo))
    found = plainly.status()
    assert [found.added, found.removed] == ([["x.tmp"], []] if there else [[], ["x.tmp"]])
    assert not snapshot_is_not_needed(plainly)


def test_what_status_does_not_show_is_no_answer_for_a_snapshot(repo: Repository) -> None:
    os.setxattr(main(repo) / "data", "user.colour", b"red")
    settle(repo)
    assert status_is_clean(repo)
    assert status_is_clean(repo)
    assert not snapshot_is_not_needed(repo)


def test_an_attribute_after_a_clean_look_is_seen(repo: Repository) -> None:
    assert snapshot_is_not_needed(repo)
    assert snapshot_is_not_needed(repo)
    os.setxattr(main(repo) / "data" / "a.csv", "user.colour", b"red")
    assert not snapshot_is_not_needed(repo)


def test_other_rights_are_another_question(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, manifests: list[str | None]
) -> None:
    assert status_is_clean(repo)
    manifests.clear()
    rights = attributes.ownership()
    monkeypatch.setattr(attributes, "ownership", lambda: rights._replace(groups=rights.groups | {4242}))
    assert status_is_clean(repo)
    assert manifests


def test_a_cache_that_changes_is_looked_at_each_time_and_is_no_difference(repo: Repository) -> None:
    assert snapshot_is_not_needed(repo)
    (main(repo) / "__pycache__").mkdir()
    (main(repo) / "__pycache__" / "a.pyc").write_bytes(b"1")
    assert snapshot_is_not_needed(repo)
    assert repo.status().caches


def test_a_worktree_moved_to_another_place_is_itself(repo: Repository) -> None:
    repo.worktrees.create("exp")
    path = repo.root / "worktrees" / "exp"
    exp = Repository.open(path if path.exists() else repo.worktrees.path("exp"))
    assert exp.status().clean
    repo.worktrees.rename("exp", "other")
    assert Repository.open(repo.worktrees.path("other")).status().clean


@pytest.mark.realfs
@pytest.mark.in_turn
def test_on_each_file_system_a_clean_look_misses_nothing(workdir: Path) -> None:
    repo = Repository.init(workdir / "repo")
    (main(repo) / "folder").mkdir()
    (main(repo) / "folder" / "a").write_text("a")
    (main(repo) / "link").symlink_to("folder")
    repo.snapshot("one", lock=True)
    os.sync()
    settle(repo)
    for _ in range(3):
        assert status_is_clean(repo)
        assert snapshot_is_not_needed(repo)
    before = os.stat(main(repo) / "folder" / "a")
    (main(repo) / "folder" / "a").write_text("b")
    os.utime(main(repo) / "folder" / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert repo.status().modified == ["folder/a"]
    assert not snapshot_is_not_needed(repo)
    assert status_is_clean(repo)
    (main(repo) / "link").unlink()
    (main(repo) / "link").symlink_to("elsewhere")
    assert repo.status().modified == ["link"]
    assert not snapshot_is_not_needed(repo)
    os.setxattr(main(repo) / "folder", "user.colour", b"red")
    assert not snapshot_is_not_needed(repo)
