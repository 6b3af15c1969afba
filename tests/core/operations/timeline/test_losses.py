"""What was lost, where it is, and how one look-up tells it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import InputError
from tests.support.long_history import write_history


def take(repo: Repository, note: str = "") -> str:
    return repo.snapshot(note, lock=True).snapshot_id


def rows(repo: Repository, query: str = "", folder: str = "") -> list[tuple[str, str]]:
    return [(row.file, row.what) for row in repo.timeline.deleted(query, folder)]


def test_a_file_that_a_snapshot_no_longer_has_is_found_in_the_one_before(
    repo: Repository, main: Path
) -> None:
    (main / "d").mkdir()
    (main / "d" / "hw1.ipynb").write_text("one")
    take(repo)
    (main / "d" / "hw1.ipynb").write_text("two!")
    before = take(repo)
    (main / "d" / "hw1.ipynb").unlink()
    after = take(repo, "tidied up")
    (row,) = repo.timeline.deleted()
    assert row.to_json() == {
        "file": "d/hw1.ipynb",
        "what": "deleted",
        "at": repo.show(after).descriptor.created_at,
        "by": {"kind": "snapshot", "snapshot_id": after, "note": "tidied up"},
        "size": 4,
        "sha256": row.sha256,
        "versions": 2,
        "source": {"snapshot_id": before},
        "in_worktree": False,
    }
    back = repo.timeline.put_back(row.file, before)
    assert (main / back.path).read_text() == "two!"
    assert rows(repo) == []


def test_what_the_newest_snapshot_has_and_the_worktree_not_is_gone(repo: Repository, main: Path) -> None:
    (main / "a").write_text("x")
    (main / "d").mkdir()
    (main / "d" / "b").write_text("y")
    head = take(repo)
    (main / "a").unlink()
    (main / "d" / "b").unlink()
    (main / "d").rmdir()
    found = repo.timeline.deleted()
    assert {(row.file, row.what, row.by.kind, row.source.snapshot_id) for row in found} == {
        ("a", "gone", "terminal", head),
        ("d/b", "gone", "terminal", head),
    }


def test_a_copy_says_more_than_the_snapshots_around_it(repo: Repository, main: Path) -> None:
    (main / "a").write_text("old")
    take(repo)
    (main / "a").write_text("newer")
    copy = repo.timeline.keep_file("a", "delete")
    assert copy is not None
    (main / "a").unlink()
    for _ in range(2):  # gone at first, then deleted in a snapshot
        (row,) = repo.timeline.deleted()
        assert (row.what, row.by.kind, row.source.copy_id, row.size) == (
            "deleted",
            "browser",
            copy.copy_id,
            5,
        )
        assert row.versions == 2
        take(repo)


def test_overwritten_is_what_got_the_content_of_another_file_or_none(repo: Repository, main: Path) -> None:
    for name in ("edited", "moved_over", "other", "emptied", "was_empty"):
        (main / name).write_text("" if name == "was_empty" else name)
    before = take(repo)
    (main / "edited").write_text("a change")
    os.replace(main / "other", main / "moved_over")
    (main / "emptied").write_text("")
    (main / "was_empty").write_text("now something")
    take(repo)
    found = {row.file: row for row in repo.timeline.deleted()}
    assert {path: row.what for path, row in found.items()} == {
        "moved_over": "overwritten",
        "other": "deleted",
        "emptied": "overwritten",
    }
    assert found["moved_over"].in_worktree
    back = repo.timeline.put_back("moved_over", before)
    assert back.renamed
    assert (main / back.path).read_text() == "moved_over"


def test_what_a_restore_removed_is_in_the_snapshot_before_it(repo: Repository, main: Path) -> None:
    (main / "a").write_text("x")
    one = take(repo)
    (main / "made since").write_text("y")
    restored = repo.restore_inplace(one, reason="back", lock=True)
    (row,) = repo.timeline.deleted()
    assert (row.file, row.by.kind, row.by.snapshot_id) == ("made since", "restore", one)
    assert row.source.snapshot_id == restored.pre_restore_snapshot_id


def test_each_path_stands_once_and_the_newest_first(repo: Repository, main: Path) -> None:
    for name in ("a", "b"):
        (main / name).write_text(name)
        take(repo)
        (main / name).unlink()
        take(repo)
    (main / "a").write_text("again")
    take(repo)
    (main / "a").unlink()
    take(repo)
    assert rows(repo) == [("a", "deleted"), ("b", "deleted")]


def test_it_is_searched_by_name_and_folder_without_caches(repo: Repository, main: Path) -> None:
    for path in (
        "d/one.ipynb",
        "d/e/two.ipynb",
        "dd/three.py",
        ".ipynb_checkpoints/one.ipynb",
        "d/__pycache__/x.pyc",
    ):
        (main / path).parent.mkdir(parents=True, exist_ok=True)
        (main / path).write_text(path)
    take(repo)
    for path in (
        "d/one.ipynb",
        "d/e/two.ipynb",
        "dd/three.py",
        ".ipynb_checkpoints/one.ipynb",
        "d/__pycache__/x.pyc",
    ):
        (main / path).unlink()
    take(repo)
    assert {path for path, _ in rows(repo)} == {"d/one.ipynb", "d/e/two.ipynb", "dd/three.py"}
    assert {path for path, _ in rows(repo, folder="d")} == {"d/one.ipynb", "d/e/two.ipynb"}
    assert {path for path, _ in rows(repo, "*.ipynb")} == {"d/one.ipynb", "d/e/two.ipynb"}
    assert {path for path, _ in rows(repo, "three")} == {"dd/three.py"}


def test_pages_hold_every_row_once(repo: Repository, main: Path) -> None:
    for turn in range(3):
        for number in range(5):
            (main / f"{turn}-{number}").write_text(f"{turn}{number}")
        take(repo)
        for number in range(5):
            (main / f"{turn}-{number}").unlink()
        if turn < 2:
            take(repo)
    everything = [row.file for row in repo.timeline.deleted()]
    assert len(everything) == 15
    paged: list[str] = []
    after = None
    while page := repo.timeline.deleted(limit=4, after=after):
        paged += [row.file for row in page]
        after = page[-1].next
    assert paged == everything
    with pytest.raises(InputError):
        repo.timeline.deleted(after="nonsense")


def test_a_long_history_is_one_look_up(repo: Repository, main: Path) -> None:
    write_history(repo, 1_000)
    (main / "x.ipynb").write_text("x")
    take(repo)
    (main / "x.ipynb").unlink()
    repo.timeline.deleted()
    began = time.monotonic()
    assert ("x.ipynb", "gone") in rows(repo, "x.ipynb")
    assert time.monotonic() - began < 1.0
