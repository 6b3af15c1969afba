"""Bisection: which snapshot is named, what is skipped, and that an interrupted search goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jvs_core import InputError, Repository, Sandbox
from jvs_core.operations.bisect import SKIP, Search


@pytest.fixture
def history(tmp_path: Path) -> tuple[Repository, list[str]]:
    """Return a repository with ten snapshots, numbered in ``n``; from 6 on ``broken`` is there."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    made = []
    for number in range(10):
        (repo.root / "main" / "n").write_text(str(number))
        if number == 6:
            (repo.root / "main" / "broken").touch()
        made.append(repo.snapshot(f"number {number}", lock=True).snapshot_id)
    return repo, made


def says_broken(skip: tuple[int, ...] = (), seen: list[int] | None = None) -> Callable[[Sandbox], int]:
    def attempt(box: Sandbox) -> int:
        number = int((box.path / "n").read_text())
        if seen is not None:
            seen.append(number)
        (box.path / "left.txt").write_text("of no use")
        return SKIP if number in skip else int((box.path / "broken").exists())

    return attempt


def test_the_first_bad_snapshot_is_found_by_halves_and_nothing_is_left(
    history: tuple[Repository, list[str]],
) -> None:
    repo, made = history
    seen: list[int] = []
    found = repo.bisect(made[0], "HEAD", says_broken(seen=seen), what="broken")
    assert found.first_bad == made[6]
    assert len(seen) == len(set(seen)) <= 4
    assert found.to_json() == {
        "first_bad": made[6],
        "tried": [
            {"snapshot_id": made[number], "verdict": "bad" if number >= 6 else "good"} for number in seen
        ],
    }
    assert [info.name for info in repo.worktrees.all()] == ["main"]
    assert len(repo.history(every=True)) == 10
    assert repo.doctor(strict=True).healthy
    assert repo.status().clean


def test_what_cannot_be_told_is_skipped(history: tuple[Repository, list[str]]) -> None:
    repo, made = history
    assert repo.bisect(made[0], made[9], says_broken(skip=(4, 5, 3)), what="a").first_bad is None
    assert repo.bisect(made[0], made[9], says_broken(skip=(4, 8)), what="b").first_bad == made[6]
    unclear = repo.bisect(made[0], made[9], says_broken(skip=(5, 6, 7)), what="c")
    assert (unclear.first_bad, unclear.candidates) == (None, made[5:9])


def test_an_interrupted_search_goes_on_where_it_stopped(history: tuple[Repository, list[str]]) -> None:
    repo, made = history
    first: list[int] = []

    def interrupted(box: Sandbox) -> int:
        if len(first) == 2:
            raise KeyboardInterrupt
        return says_broken(seen=first)(box)

    with pytest.raises(KeyboardInterrupt):
        repo.bisect(made[0], made[9], interrupted, what="broken")
    assert [info.name for info in repo.worktrees.all()] == ["main"]
    second: list[int] = []
    found = repo.bisect(made[0], made[9], says_broken(seen=second), what="broken")
    assert found.first_bad == made[6]
    assert not set(first) & set(second)
    assert [one.before for one in found.tried] == [True] * 2 + [False] * len(second)
    again: list[int] = []
    repo.bisect(made[0], made[9], says_broken(seen=again), what="broken")
    assert sorted(again) == sorted(first + second)  # it was forgotten with the answer


def test_a_status_that_says_nothing_ends_the_search_and_another_question_knows_nothing(
    history: tuple[Repository, list[str]],
) -> None:
    repo, made = history
    found = repo.bisect(made[0], made[9], lambda _: 130, what="broken")
    assert (found.first_bad, found.refused, found.tried) == (None, 130, [])
    seen: list[int] = []

    def twice(box: Sandbox) -> int:
        return 200 if seen else says_broken(seen=seen)(box)

    repo.bisect(made[0], made[9], twice, what="broken")
    assert len(seen) == 1
    other: list[int] = []
    repo.bisect(made[0], made[9], says_broken(seen=other), what="another")
    assert set(seen) <= set(other)
    fresh: list[int] = []
    repo.bisect(made[0], made[9], says_broken(seen=fresh), what="broken", afresh=True)
    assert set(seen) <= set(fresh)


def test_a_damaged_memory_is_forgotten(history: tuple[Repository, list[str]]) -> None:
    repo, made = history
    with pytest.raises(ZeroDivisionError):
        repo.bisect(made[0], made[9], lambda _: 1 // 0, what="broken")
    repo.bisect(
        made[0], made[9], lambda box: 255 if (box.path / "n").read_text() != "4" else 0, what="broken"
    )
    [kept] = repo.settings.state_dir.glob(f"bisect/{repo.repo_id}/*.json")
    for text in ("{", "[1]", '{"x": "bad"}', f'{{"{made[0]}": "bad", "{made[9]}": "good"}}'):
        kept.write_text(text)
        assert repo.bisect(made[0], made[9], says_broken(), what="broken").first_bad == made[6]


def test_the_good_one_must_come_before_the_bad_one(history: tuple[Repository, list[str]]) -> None:
    repo, made = history
    for ends in ((made[5], made[2]), (made[3], made[3])):
        with pytest.raises(InputError, match="does not come before"):
            repo.bisect(*ends, says_broken(), what="x")
    assert repo.bisect(made[5], made[6], says_broken(), what="x").first_bad == made[6]


def test_thinned_snapshots_are_left_out(history: tuple[Repository, list[str]]) -> None:
    repo, made = history
    for number in (0, 5, 9):
        repo.refs.create(f"keep-{number}", made[number])
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    found = repo.bisect(made[0], made[9], says_broken(), what="x")
    assert found.first_bad == made[9]
    assert [one.snapshot_id for one in found.tried] == [made[5]]


@settings(deadline=None)
@given(
    length=st.integers(2, 60),
    data=st.data(),
)
def test_the_search_names_the_first_bad_one_or_what_is_left(length: int, data: st.DataObject) -> None:
    first_bad = data.draw(st.integers(1, length - 1))
    skipped = data.draw(st.sets(st.integers(1, max(length - 2, 1))))
    search = Search([str(number) for number in range(length)])
    tries = 0
    while (name := search.next()) is not None:
        number = int(name)
        search.known[name] = "skip" if number in skipped else "bad" if number >= first_bad else "good"
        tries += 1
    assert str(first_bad) in search.candidates
    assert all(int(name) in skipped or int(name) == int(search.candidates[-1]) for name in search.candidates)
    if not skipped:
        assert search.candidates == [str(first_bad)]
        assert tries <= length.bit_length()
