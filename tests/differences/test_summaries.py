"""What a snapshot changed, in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jvs_core import JvsError, Repository, known_summaries, summary
from jvs_core.differences import summaries


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository with one snapshot of three files."""
    made = Repository.init(tmp_path / "repo", engine="copy")
    write(made, "train.ipynb", notebook("a = 1", "b = 2", "c = 3"))
    write(made, "data.csv", "id\n" + "".join(f"{number}\n" for number in range(100)))
    write(made, "model.pkl", "\0weights")
    made.snapshot("first", lock=True)
    return made


def notebook(*sources: str) -> str:
    """Return a notebook of these cells."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def write(repo: Repository, path: str, text: str) -> None:
    """Write a file in the worktree."""
    (repo.root / "main" / path).write_text(text)


def second(repo: Repository) -> str:
    """Change all files, and return the snapshot of that."""
    write(repo, "train.ipynb", notebook("a = 10", "b = 2", "c = 30"))
    write(repo, "data.csv", "id\n" + "".join(f"{number}\n" for number in range(52)))
    write(repo, "model.pkl", "\0other")
    return repo.snapshot("second", lock=True).snapshot_id


def test_the_timelines_second_line(repo: Repository) -> None:
    assert summary(repo, second(repo)) == ["train.ipynb 2 cells", "data.csv −48 rows", "model.pkl"]
    assert summary(repo, "HEAD~1") == ["3 files"]


def test_three_are_named_and_caches_are_not(repo: Repository) -> None:
    write(repo, "gone.txt", "x\n")
    write(repo, "old.txt", "y\n")
    repo.snapshot("more", lock=True)
    main = repo.root / "main"
    (main / "gone.txt").unlink()
    (main / "old.txt").rename(main / "new.txt")
    write(repo, "a/very/long/path".replace("/", "_") * 5 + ".txt", "z\n")
    write(repo, "b.py", "z\n")
    (main / "__pycache__").mkdir()
    write(repo, "__pycache__/x.pyc", "z")
    found = summary(repo, repo.snapshot("all", lock=True).snapshot_id)
    assert len(found[0]) <= 44
    assert found[1:] == ["b.py new", "gone.txt deleted", "and 1 more"]
    (main / "b.py").unlink()
    (main / "new.txt").rename(main / "newer.txt")
    assert summary(repo, repo.snapshot("less", lock=True).snapshot_id) == [
        "b.py deleted",
        "new.txt → newer.txt",
    ]


def test_it_is_worked_out_once_and_kept(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = second(repo)
    assert known_summaries(repo, [taken]) == {}
    first = summary(repo, taken)
    assert known_summaries(repo, [taken, "0000000000000-00000000"]) == {taken: first}

    def again(*_: object) -> None:
        raise AssertionError("it was worked out again")

    monkeypatch.setattr(summaries, "_worked_out", again)
    assert summary(repo, taken) == first


@pytest.mark.parametrize("damage", [b"no database", b""])
def test_a_damaged_store_costs_time_and_nothing_else(repo: Repository, damage: bytes) -> None:
    taken = second(repo)
    expected = summary(repo, taken)
    place = repo.settings.cache_dir / "changes" / f"{repo.repo_id}.words.sqlite"
    place.write_bytes(damage)
    assert summary(repo, taken) == expected
    assert summary(repo, taken) == expected
    assert known_summaries(repo, [taken]) == {taken: expected}


def test_a_store_that_cannot_be_written_neither(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = second(repo)
    monkeypatch.setattr(summaries, "_place", lambda _: Path("/proc/none/words.sqlite"))
    assert summary(repo, taken)[0] == "train.ipynb 2 cells"


def test_words_that_somebody_put_there_are_no_lists_of_other_things(repo: Repository) -> None:
    import sqlite3
    from contextlib import closing

    taken = second(repo)
    expected = summary(repo, taken)
    place = repo.settings.cache_dir / "changes" / f"{repo.repo_id}.words.sqlite"
    for odd in ('{"a": 1}', "[1]", "no json", "[" * 100_000):
        with closing(sqlite3.connect(place)) as database, database:
            database.execute("UPDATE words SET words = ?", (odd,))
        assert summary(repo, taken) == expected


def test_an_unknown_snapshot_is_refused(repo: Repository) -> None:
    with pytest.raises(JvsError) as missing:
        summary(repo, "nowhere")
    assert missing.value.code == "E_SNAPSHOT_NOT_FOUND"
