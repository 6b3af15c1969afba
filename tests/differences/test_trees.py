"""What changed between snapshots, and up to now: which paths, from where, and where it stops."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jvs_core import JvsError, Repository, what_changed, what_changed_in
from jvs_core.differences import memory, trees
from jvs_core.differences.model import NotebookDetail, TextDetail


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository whose one snapshot has a text and a link."""
    made = Repository.init(tmp_path / "repo", engine="copy")
    main = made.root / "main"
    (main / "a.txt").write_text("one\n")
    (main / "link").symlink_to("/etc")
    made.snapshot("first", lock=True)
    return made


def write(repo: Repository, path: str, text: str) -> None:
    """Write a file in the worktree."""
    (repo.root / "main" / path).write_text(text)


def added(found: object) -> list[str]:
    """Return the lines that came."""
    assert isinstance(found, TextDetail)
    return [line.text for hunk in found.hunks for line in hunk.lines if line.op == "+"]


def test_one_file_now_and_then_and_as_edited(repo: Repository) -> None:
    write(repo, "a.txt", "two\n")
    repo.snapshot("second", lock=True)
    write(repo, "a.txt", "three\n")
    assert added(what_changed_in(repo, "a.txt", "HEAD~1", "HEAD").detail) == ["two"]
    assert added(what_changed_in(repo, "a.txt").detail) == ["three"]
    assert added(what_changed_in(repo, "a.txt", None, "HEAD~1").detail) == ["one"]
    assert added(what_changed_in(repo, "a.txt", content=b"edited\n").detail) == ["edited"]
    saved = what_changed_in(repo, "a.txt", None, None, content=b"edited\n").detail
    assert isinstance(saved, TextDetail)
    assert [line.text for line in saved.hunks[0].lines] == ["three", "edited"]
    assert added(what_changed_in(repo, "a.txt", None, "HEAD", content=b"edited\n").detail) == ["two"]


def test_the_same_content_is_no_difference(repo: Repository) -> None:
    found = what_changed_in(repo, "a.txt")
    assert (found.detail, found.change) == (None, "modified")
    assert what_changed_in(repo, "a.txt", content=b"one\n").detail is None


def test_one_that_came_went_and_moved(repo: Repository) -> None:
    write(repo, "new.txt", "x\n")
    assert what_changed_in(repo, "new.txt").change == "added"
    (repo.root / "main" / "a.txt").rename(repo.root / "main" / "b.txt")
    assert what_changed_in(repo, "a.txt").change == "removed"
    moved = what_changed_in(repo, "b.txt", old_path="a.txt")
    assert (moved.change, moved.old_path, moved.detail) == ("renamed", "a.txt", None)
    with pytest.raises(JvsError) as missing:
        what_changed_in(repo, "never.txt")
    assert missing.value.code == "E_PATH_NOT_FOUND"


@pytest.mark.parametrize("path", ["../repo_id", "/etc/passwd", "a\0b"])
def test_no_path_leads_out(repo: Repository, path: str) -> None:
    with pytest.raises(JvsError) as refused:
        what_changed_in(repo, path)
    assert refused.value.code == "E_PATH_ESCAPE"


def test_no_link_to_a_folder_is_followed(repo: Repository) -> None:
    with pytest.raises(JvsError) as missing:
        what_changed_in(repo, "link/passwd")
    assert missing.value.code == "E_PATH_NOT_FOUND"
    for reading in (repo.open_now, repo.stat_now):
        with pytest.raises(JvsError) as refused:
            reading("link/passwd")
        assert refused.value.code == "E_PATH_NOT_FOUND"


def test_no_fifo_is_waited_for(repo: Repository) -> None:
    (repo.root / "main" / "a.txt").unlink()
    os.mkfifo(repo.root / "main" / "a.txt")
    assert what_changed_in(repo, "a.txt").kind == "mixed"
    with pytest.raises(JvsError):
        repo.open_now("a.txt")


def test_names_that_are_no_utf_8(repo: Repository) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    write(repo, name, "x\n")
    found = what_changed(repo)
    assert [change.path for change in found.changes or []] == ["caf\udce9.txt"]
    assert json.dumps(found.to_json())
    assert what_changed_in(repo, name).change == "added"


def test_only_so_many_paths_are_looked_into_and_caches_come_last(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MOST_PATHS", 3)
    (repo.root / "main" / ".venv").mkdir()
    write(repo, ".venv/x.txt", "x\n")
    for number in range(4):
        write(repo, f"f{number}.txt", f"{number}\n")
    found = what_changed(repo)
    changes = found.changes or []
    assert [(change.path, change.detail is not None) for change in changes] == [
        ("f0.txt", True), ("f1.txt", True), ("f2.txt", True), ("f3.txt", False), (".venv/x.txt", False),
    ]  # fmt: skip
    assert (found.left_out, found.stopped) == (2, ["for 2 further paths, only size and digest are shown"])
    assert [change.path for change in what_changed(repo, caches=False).changes or []] == [
        f"f{number}.txt" for number in range(4)
    ]


def test_an_answer_is_remembered_by_both_digests(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repo, "a.txt", "two\n")
    first = what_changed_in(repo, "a.txt")

    def worked_out(*_: object, **__: object) -> None:
        raise AssertionError("it was worked out again")

    monkeypatch.setattr(memory, "difference", worked_out)
    assert what_changed_in(repo, "a.txt") == first
    write(repo, "a.txt", "2\n")
    with pytest.raises(AssertionError, match="worked out again"):
        what_changed_in(repo, "a.txt")


def test_renames_are_told_by_content_that_is_not_empty(repo: Repository) -> None:
    main = repo.root / "main"
    for name in ("x/same.txt", "x/other.txt", "y/same.txt", "empty"):
        (main / name).parent.mkdir(exist_ok=True)
        (main / name).write_text("" if name == "empty" else "content\n")
    (main / "mode").write_text("only the mode\n")
    repo.snapshot("two", lock=True)
    (main / "z").mkdir()
    (main / "x/same.txt").rename(main / "z/1.txt")
    (main / "y/same.txt").rename(main / "z/same.txt")
    (main / "empty").rename(main / "empty2")
    (main / "mode").rename(main / "mode2")
    (main / "mode2").chmod(0o600)
    found = repo.compare("HEAD", renames=True)
    assert [(pair.from_, pair.to) for pair in found.renamed] == [
        ("y/same.txt", "z/1.txt"),
        ("x/same.txt", "z/same.txt"),
    ]
    assert (found.added, found.removed) == (["empty2", "mode2"], ["empty", "mode"])
    plain = repo.compare("HEAD")
    assert plain.renamed == []
    assert set(plain.added) == {"empty2", "mode2", "z/1.txt", "z/same.txt"}


def test_a_notebook_through_the_repository(repo: Repository) -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    write(repo, "n.ipynb", json.dumps(document))
    repo.snapshot("with a notebook", lock=True)
    cells[0]["source"] = "x = 2"
    found = what_changed_in(repo, "n.ipynb", content=json.dumps(document).encode())
    assert isinstance(found.detail, NotebookDetail)
    assert found.detail.counts.edited == 1


def test_a_name_too_long_for_any_file_is_no_file(repo: Repository) -> None:
    write(repo, "a.txt", "one")
    repo.snapshot("one", lock=True)
    for ask in (repo.stat_now, repo.open_now, lambda path: what_changed_in(repo, path)):
        with pytest.raises(JvsError) as failed:
            ask("x" * 300)
        assert failed.value.code == "E_PATH_NOT_FOUND"
