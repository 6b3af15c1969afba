"""Executed cells kept with a snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click import unstyle

from jvs_core import Repository
from jvs_core.cli.main import execute
from jvs_core.errors import DescriptorCorrupt, JvsError, PartialSnapshot, PathNotFound, SnapshotExpired

CELLS = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository.init(tmp_path / "repo", engine="copy")
    (made.root / "main" / "a.txt").write_text("one")
    return made


@pytest.fixture
def kept(repo: Repository) -> Path:
    """Return the file in which the cells of a new snapshot lie."""
    taken = repo.snapshot("with cells", cells=CELLS, lock=True)
    return repo.root / ".jvs" / "snapshots" / taken.snapshot_id / "cells.ipynb"


def test_cells_lie_beside_the_payload_and_the_descriptor_covers_them(repo: Repository, kept: Path) -> None:
    assert repo.cells.read("HEAD") == kept.read_bytes() == CELLS
    assert [entry.path for entry in repo.ls("HEAD", recursive=True)] == ["a.txt"]
    assert "cells_hash" in repo.show("HEAD").to_json()
    assert repo.verify(every=True).ok


def test_a_snapshot_without_cells_says_nothing_of_them(repo: Repository) -> None:
    repo.snapshot("plain", lock=True)
    assert repo.cells.read("HEAD") is None
    assert "cells_hash" not in repo.show("HEAD").to_json()
    assert repo.verify(every=True).ok


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (lambda path: path.write_bytes(CELLS + b" "), DescriptorCorrupt),
        (lambda path: path.unlink(), PartialSnapshot),
    ],
)
def test_changed_or_missing_cells_are_found(
    repo: Repository, kept: Path, harm: Callable[[Path], object], error: type[JvsError]
) -> None:
    harm(kept)
    with pytest.raises(error):
        repo.cells.read("HEAD")
    report = repo.verify("HEAD")
    assert not report.ok
    assert report.snapshots[0].code == error.code


def test_cells_slipped_into_a_snapshot_are_found(repo: Repository) -> None:
    taken = repo.snapshot("plain", lock=True)
    (repo.root / ".jvs" / "snapshots" / taken.snapshot_id / "cells.ipynb").write_bytes(CELLS)
    assert not repo.verify("HEAD").ok


def test_the_command_line_shows_them(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root / "main")
    cell = {"cell_type": "code", "source": ["x = 1\n", "\x1b[31m"], "execution_count": 3, "outputs": []}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    repo.snapshot("plain", lock=True)
    with pytest.raises(PathNotFound):
        execute(["show", "HEAD", "--cells"])
    repo.snapshot("with cells", cells=json.dumps(notebook).encode(), lock=True)
    shown = execute(["show", "HEAD", "--cells"])
    assert shown.to_json() == notebook
    assert [unstyle(line) for line in shown.lines] == ["In [3]:", "x = 1", r"\x1b[31m", ""]


def test_a_failed_snapshot_leaves_no_cells(repo: Repository) -> None:
    class FailsBeforePublishing:
        def started(self, step: str, total: int | None = None) -> None:
            if step == "ready":
                raise OSError(28, "No space left on device")

        def advanced(self, amount: int = 1) -> None: ...
        def finished(self, step: str) -> None: ...

    with pytest.raises(JvsError):
        repo.snapshot("never", cells=CELLS, lock=True, progress=FailsBeforePublishing())
    assert list((repo.root / ".jvs" / "snapshots").iterdir()) == []


def test_a_repository_can_be_made_inside_the_folder_it_starts_from(tmp_path: Path) -> None:
    source = tmp_path / "work"
    (source / "data").mkdir(parents=True)
    (source / "data" / "a.csv").write_text("1")
    made = Repository.init(source / "repo", from_=source)
    assert made.root == source / "repo"
    assert sorted(path.name for path in (made.root / "main").iterdir()) == ["data"]
    assert (source / "data" / "a.csv").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_cells_go_with_their_snapshot(repo: Repository) -> None:
    for number in range(2):
        (repo.root / "main" / "a.txt").write_text(str(number))
        repo.snapshot(str(number), cells=CELLS, lock=True)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    assert len(list((repo.root / ".jvs").rglob("cells.ipynb"))) == 1
    with pytest.raises(SnapshotExpired):
        repo.cells.read("HEAD~1")
    assert repo.verify(every=True).ok
