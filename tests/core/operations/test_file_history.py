"""Finding files in all of history, by an index that may be gone, old, damaged or not writable at any time."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, clock
from jvs_core.errors import InputError, PathNotFound
from jvs_core.operations import stored
from tests.support.damage import overwrite
from tests.support.long_history import write_history

Versions = dict[str, list[str]]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def write(repo: Repository, name: str, text: str, worktree: str = "main") -> None:
    top = repo.worktrees.path(worktree)
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    (top / name).write_text(text)


def take(repo: Repository, note: str = "", worktree: str = "main") -> str:
    return repo.snapshot(note, lock=True, worktree=worktree).snapshot_id


def cached(repo: Repository) -> Path:
    return repo.settings.cache_dir / "changes" / f"{repo.repo_id}.sqlite"


def in_index(repo: Repository, *, every: bool = False) -> Versions:
    return {
        file.path: [version.snapshot_id for version in file.versions] for file in repo.find("*", every=every)
    }


def in_manifests(repo: Repository) -> Versions:
    """Return what ``in_index`` does, from every manifest of the lineage, in the plainest way."""
    found: Versions = {}
    last: dict[str, tuple[str | None, str | None]] = {}
    for item in reversed(repo.history()):
        if item.expired:
            continue
        snapshot_id = item.descriptor.snapshot_id
        now = {
            entry.path: (entry.sha256, entry.target)
            for entry in repo.ls(snapshot_id, recursive=True)
            if entry.type != "directory"
        }
        for path, content in now.items():
            if last.get(path) != content:
                found.setdefault(path, []).append(snapshot_id)
        last = now
    return found


def test_it_says_which_snapshots_hold_a_file_and_where_it_went(repo: Repository) -> None:
    write(repo, "d/train.ipynb", "one")
    one = take(repo)
    write(repo, "other", "x")
    two = take(repo)
    write(repo, "d/train.ipynb", "three")
    three = take(repo)
    (repo.root / "main" / "d" / "train.ipynb").unlink()
    four = take(repo)
    write(repo, "more", "x")
    take(repo)
    (found,) = repo.find("train")
    assert [(version.snapshot_id, version.size) for version in found.versions] == [(one, 3), (three, 5)]
    assert (found.in_worktree, found.last_snapshot_id, found.removed_in) == (False, three, four)
    assert repo.find("train", deleted=True) == [found]
    (other,) = repo.find("other")
    assert (other.in_worktree, other.removed_in, len(other.versions)) == (True, None, 1)
    assert other.versions[0].snapshot_id == two
    assert repo.find("other", deleted=True) == []
    repo.restore_path(three, found.path)
    assert (repo.root / "main" / "d" / "train.ipynb").read_text() == "three"


def test_a_file_that_is_gone_since_the_newest_snapshot_is_deleted_too(repo: Repository) -> None:
    write(repo, "a", "text")
    one = take(repo)
    (repo.root / "main" / "a").unlink()
    (found,) = repo.find("a", deleted=True)
    assert (found.last_snapshot_id, found.removed_in) == (one, None)


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("train", ["d/train.ipynb", "train.py", "train/x"]),
        ("*.py", ["train.py"]),
        ("d/*", ["d/train.ipynb"]),
        ("**/x", ["train/x"]),
        ("tr*", ["d/train.ipynb", "train.py"]),
        ("[ab]", ["a"]),
        ("TRAIN", []),
    ],
)
def test_a_pattern_is_a_part_of_the_path_or_a_glob(repo: Repository, pattern: str, paths: list[str]) -> None:
    for name in ("d/train.ipynb", "train.py", "train/x", "a"):
        write(repo, name, name)
    take(repo)
    assert [file.path for file in repo.find(pattern)] == paths


def test_an_empty_pattern_and_a_repository_without_snapshots(repo: Repository) -> None:
    write(repo, "a", "text")
    assert repo.find("a") == []
    with pytest.raises(PathNotFound, match="no snapshot has 'a'"):
        repo.history(path="a")
    with pytest.raises(InputError):
        repo.find("")


def test_the_history_of_a_path_is_what_changed_it_or_what_lies_in_it(repo: Repository) -> None:
    changes = {
        "one": ("d/a", "1"),
        "two": ("e", "1"),
        "three": ("d/b", "1"),
        "four": ("d/a", "2"),
        "five": ("d.x", "1"),
    }
    for note, (name, text) in changes.items():
        write(repo, name, text)
        take(repo, note)
    (repo.root / "main" / "d" / "a").unlink()
    take(repo, "six")

    def notes(path: str, limit: int | None = None) -> list[str]:
        return [item.descriptor.note for item in repo.history(path=path, limit=limit)]

    assert notes("d/a") == ["six", "four", "one"]
    assert notes("d/a", 2) == ["six", "four"]
    assert notes("d/") == notes("d") == ["six", "four", "three", "one"]
    with pytest.raises(PathNotFound):
        notes("none")
    assert len(notes("")) == len(changes) + 1


def test_the_history_of_a_pattern_is_what_changed_what_matches_it(repo: Repository) -> None:
    for note, name in (("one", "d/a.csv"), ("two", "d/e/b.csv"), ("three", "c.csv"), ("four", "[x]/f")):
        write(repo, name, note)
        take(repo, note)

    def notes(path: str) -> list[str]:
        return [item.descriptor.note for item in repo.history(path=path)]

    assert notes("d/*.csv") == ["one"]
    assert notes("**/*.csv") == ["three", "two", "one"]
    assert notes("[x]") == ["four"]  # a name to the letter comes first
    with pytest.raises(PathNotFound):
        notes("*.tsv")


def test_files_and_snapshots_are_found_by_size_and_time(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(hour: int) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: clock.parse(f"2026-11-28T{hour:02d}:00:00Z"))

    at(8)
    write(repo, "small", "x" * 10)
    write(repo, "grows", "x" * 10)
    one = take(repo)
    at(10)
    write(repo, "grows", "x" * 2000)
    two = take(repo)
    at(12)
    (repo.root / "main" / "grows").unlink()
    three = take(repo)

    def names(**asked: Any) -> list[str]:
        return [file.path for file in repo.find("*", **asked)]

    assert names() == ["grows", "small"]
    assert names(larger=1000) == ["grows"]
    assert names(larger=10, smaller=2000) == []
    assert names(smaller=11) == ["grows", "small"]
    assert names(since="2026-11-28T09:00Z") == ["grows"]
    assert names(until="2026-11-28T09:00Z") == ["grows", "small"]
    assert names(until="2026-11-28T09:00Z", larger=1000) == []
    assert names(since="2026-11-28T11:00Z", deleted=True) == ["grows"]
    assert names(since="2026-11-28T11:00Z", smaller=1000) == []
    with pytest.raises(InputError):
        names(larger=-1)
    with pytest.raises(InputError):
        names(since="soon")

    def ids(**asked: Any) -> list[str]:
        return [item.descriptor.snapshot_id for item in repo.history(**asked)]

    assert ids(larger=1000) == [three, two]
    assert ids(smaller=1000) == [one]
    assert ids(larger=1000, path="small") == []
    assert ids(larger=1000, path="gr*", until="2026-11-28T10:00Z") == [two]


def test_kept_copies_are_found_by_size_and_time_too(repo: Repository) -> None:
    write(repo, "gone", "x" * 2000)
    repo.timeline.keep_file("gone", cause="delete")
    (repo.root / "main" / "gone").unlink()
    assert [file.path for file in repo.find("gone", larger=1000, since="1h")] == ["gone"]
    assert repo.find("gone", larger=2000) == repo.find("gone", until="1h") == []


def test_other_worktrees_and_what_lies_ahead_of_an_older_head_are_found_with_all(repo: Repository) -> None:
    write(repo, "a", "1")
    one = take(repo)
    write(repo, "later", "1")
    two = take(repo)
    repo.worktrees.create("side", from_=one)
    write(repo, "aside", "1", "side")
    side = take(repo, worktree="side")
    repo.restore_inplace(one, reason="back", lock=True)
    assert in_index(repo) == {"a": [one]}
    assert in_index(repo, every=True) == {"a": [one], "aside": [side], "later": [two]}
    (found,) = repo.find("later", every=True)
    assert (found.last_snapshot_id, found.in_worktree, found.removed_in) == (two, False, None)


def random_history(repo: Repository, count: int, seed: int) -> None:
    chosen = random.Random(seed)
    for _ in range(count):
        for name in chosen.sample("abcdef", 2):
            path = repo.root / "main" / name
            if path.is_symlink() or path.exists():
                path.unlink()
            if chosen.random() < 0.2:
                path.symlink_to(chosen.choice("xyz"))
            elif chosen.random() < 0.7:
                path.write_text(chosen.choice("123"))
        take(repo)


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_the_manifests_whatever_happens_to_snapshots_and_index(
    repo: Repository, seed: int
) -> None:
    def agrees() -> None:
        found = in_index(repo)
        assert found == in_manifests(repo)
        cached(repo).unlink()
        assert in_index(repo) == found

    random_history(repo, 6, seed)
    agrees()
    random_history(repo, 6, seed + 100)
    assert in_index(repo) == in_manifests(repo)
    repo.gc.run(repo.gc.plan(keep_last=4).plan_id)
    agrees()


def test_another_look_up_reads_no_manifest_and_a_new_snapshot_only_its_own(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_history(repo, 60)
    (first,) = repo.find("notes")
    assert [version.snapshot_id for version in first.versions] == made
    read: list[str | None] = []
    entries = stored.entries

    def seen(layout: object, snapshot_id: str | None) -> object:
        read.append(snapshot_id)
        return entries(layout, snapshot_id)  # type: ignore[arg-type]

    monkeypatch.setattr(stored, "entries", seen)
    assert repo.find("notes") == [first]
    assert repo.history(path="notes.txt", limit=1)[0].descriptor.snapshot_id == made[-1]
    assert read == []
    (more,) = write_history(repo, 1, last_ms=1_770_000_000_000)
    assert len(repo.find("notes")[0].versions) == 61
    assert sorted(filter(None, read)) == sorted([made[-1], more])


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_index_is_made_again(repo: Repository, garbage: bytes) -> None:
    write(repo, "a", "text")
    one = take(repo)
    assert in_index(repo) == {"a": [one]}
    cached(repo).write_bytes(garbage)
    assert in_index(repo) == {"a": [one]}


def test_without_a_place_for_it_it_is_made_in_memory(repo: Repository) -> None:
    write(repo, "a", "text")
    one = take(repo)
    folder = cached(repo).parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file in its place")
    assert in_index(repo) == {"a": [one]}
    assert folder.read_text() == "a file in its place"


def test_a_damaged_manifest_is_named_and_left_out_until_it_is_whole(repo: Repository) -> None:
    write(repo, "a", "1")
    one = take(repo)
    write(repo, "a", "2")
    two = take(repo)
    write(repo, "b", "3")
    three = take(repo)
    manifest = repo.root / ".jvs" / "snapshots" / two / "manifest"
    whole = manifest.read_bytes()
    overwrite(manifest, whole[:-1])
    wrong: list[str] = []
    found = {file.path: file for file in repo.find("*", unreadable=wrong)}
    assert any(two in line for line in wrong)
    assert [version.snapshot_id for version in found["a"].versions] == [one, three]
    overwrite(manifest, whole)
    assert in_index(repo) == {"a": [one, two], "b": [three]}


def test_a_name_that_is_no_text_and_a_link_that_leads_out_are_found(repo: Repository, tmp_path: Path) -> None:
    top = os.fsencode(repo.root / "main")
    with open(os.path.join(top, b"caf\xe9"), "w") as file:
        file.write("x")
    write(repo, "d/passwd", "x")
    take(repo)
    (repo.root / "main" / "d" / "passwd").unlink()
    (repo.root / "main" / "d").rmdir()
    (tmp_path / "passwd").write_text("of somebody else")
    (repo.root / "main" / "d").symlink_to(tmp_path)
    (odd,) = repo.find("caf*")
    assert (odd.path, odd.in_worktree) == ("caf\udce9", True)
    (found,) = repo.find("passwd", deleted=True)
    assert not found.in_worktree
