"""What each snapshot changed, and what led to where a worktree stands."""

from __future__ import annotations

from pathlib import Path

from jvs_core import Repository


def make(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def keep(repo: Repository, note: str = "", **files: str | None) -> str:
    """Write files (None: remove) and take a snapshot."""
    for name, text in files.items():
        path = repo.root / "main" / name
        path.unlink() if text is None else path.write_text(text)
    return repo.snapshot(note, lock=True).snapshot_id


def told(repo: Repository, *snapshots: str, limit: int = 5) -> list[tuple[int, list[tuple[str, str]]]]:
    found = repo.changes.of(snapshots, limit=limit)
    return [
        (found[each].total, [(path.path, path.change) for path in found[each].paths]) for each in snapshots
    ]


def test_each_snapshot_says_what_it_changed(tmp_path: Path) -> None:
    repo = make(tmp_path)
    first = keep(repo, a="1", b="1")
    second = keep(repo, a="2", b=None, c="1")
    third = keep(repo, b="back")
    assert told(repo, first, second, third) == [
        (2, [("a", "added"), ("b", "added")]),
        (3, [("a", "modified"), ("b", "removed"), ("c", "added")]),
        (1, [("b", "added")]),
    ]


def test_the_first_paths_are_named_and_all_are_counted(tmp_path: Path) -> None:
    repo = make(tmp_path)
    only = keep(repo, **{f"file{number}": "x" for number in range(9)})
    assert told(repo, only, limit=2) == [(9, [("file0", "added"), ("file1", "added")])]


def test_what_led_here_is_without_what_came_after_going_back(tmp_path: Path) -> None:
    repo = make(tmp_path)
    first = keep(repo, a="1")
    second = keep(repo, a="2")
    repo.restore_inplace(first, reason="back", lock=True)
    assert repo.changes.lineage() == [first]
    third = keep(repo, a="3")
    assert repo.changes.lineage() == [third, first]
    assert second not in repo.changes.lineage()


def test_an_index_that_had_no_time_goes_on_next_time(tmp_path: Path) -> None:
    repo = make(tmp_path)
    taken = [keep(repo, a=str(number)) for number in range(4)]
    sizes = []
    for _ in taken:
        sizes.append(len(repo.changes.of(taken, within_s=0)))
        assert repo.changes.lineage(within_s=0) == taken[::-1]
    assert sizes == [1, 3, 4, 4]  # each call of ``lineage`` reads one, too
    assert repo.changes.index(within_s=0)


def test_an_index_that_is_not_complete_says_so(tmp_path: Path) -> None:
    repo = make(tmp_path)
    for number in range(3):
        keep(repo, a=str(number))
    assert not repo.changes.index(within_s=0)
    assert repo.changes.index()
    assert repo.changes.index(within_s=0)


def test_snapshots_are_found_by_a_word_of_what_they_changed(tmp_path: Path) -> None:
    repo = make(tmp_path)
    first = keep(repo, **{"Train.ipynb": "1"})
    keep(repo, other="1")
    (repo.root / "main" / "Train.ipynb").unlink()
    third = keep(repo)
    assert repo.changes.naming("train") == {first, third}
