"""The benchmark's machinery on a tiny workload: that it measures all it says, not how long anything takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.compare import compare
from tests.bench.contender import OPERATIONS
from tests.bench.process import Failed, measure, shell
from tests.bench.report import page
from tests.bench.results import Figure, Results, load, save
from tests.bench.scale import files, worktrees
from tests.bench.scale_report import inserted, kept, section
from tests.bench.single import starts
from tests.bench.workload import Workload
from tests.support.filesystems import FileSystem
from tests.support.ledger import mount_points
from tests.support.marks import on

TINY = Workload("tiny", 30, 3000)


def _local(folder: Path) -> FileSystem:
    return FileSystem("local", folder)


def test_every_contender_does_every_operation(xfs: FileSystem) -> None:
    found = compare(xfs, TINY, runs=1, others=["git"], say=lambda line: None)
    assert list(found.figures) == list(OPERATIONS)
    for figures in found.figures.values():
        assert set(figures) == {found.reference, "JVS", "git"}
        assert all(figure.median > 0 for figure in figures.values())
    assert found.engine == "reflink-copy"
    assert not list(xfs.mount.glob("bench-*"))


@on("btrfs", "juicefs")
def test_engines_with_their_own_ways_of_cloning_and_removing_take_part(filesystem: FileSystem) -> None:
    found = compare(filesystem, TINY, runs=2, say=lambda line: None, operations=("first", "restore"))
    assert found.engine == {"btrfs": "btrfs-snapshot", "juicefs": "juicefs-clone"}[filesystem.kind]
    assert len(found.figures["restore"]["JVS"].seconds) == 2
    assert found.floors


def test_figures_that_stand_alone_are_found_and_end_on_the_page(tmp_path: Path) -> None:
    results = Results("a machine")
    for found in starts(_local(tmp_path), 1):
        results.add(found)
    save(results, tmp_path / "results.json")
    text = page(load(tmp_path / "results.json"))
    assert text == page(results)
    for words in ("a machine", "jvs --help", "in the process"):
        assert words in text


def test_scale_is_measured_of_files_and_worktrees_and_has_a_section_of_its_own(tmp_path: Path) -> None:
    results = Results("a machine")
    files(_local(tmp_path), 30, results.add)
    worktrees(_local(tmp_path), [2, 4], 1, results.add)
    made = section(results)
    for words in ("| safe restore | 30 |", "| verify --all, two snapshots | 30 |", "| doctor | 4 |", " × |"):
        assert words in made
    assert all(max(single.figure.processor) > 0 for single in results.singles.values())
    page = inserted(inserted("# Benchmarks\n", section(Results("another"))), made)
    assert (kept(page), page.count("# Benchmarks"), "another" in page) == (made, 1, False)
    assert inserted(page, "") == page
    assert not list(tmp_path.iterdir())


def test_scale_clears_everything_when_it_is_interrupted(xfs: FileSystem, tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        program = [
            sys.executable,
            "-m",
            "tests.bench.scale",
            "--files",
            "300000",
            "--gib",
            "4",
            "--folder",
            str(tmp_path),
        ]
        process = subprocess.Popen(
            [*program, "--output", os.devnull, "--results", os.devnull, "--fresh"],
            cwd=Path(__file__).parents[1],
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while not list(tmp_path.glob("*/xfs/*/repository/main/*")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(60) != 0
        assert not list(tmp_path.iterdir())
        assert not any(tmp_path in mount.parents for mount in mount_points())


def test_a_change_set_touches_as_many_files_as_it_says_and_never_the_same_bytes(tmp_path: Path) -> None:
    TINY.make(tmp_path)
    trees = []
    for generation in range(3):
        trees.append({path: path.read_bytes() for path in tmp_path.rglob("*.bin")})
        TINY.change(tmp_path, generation)
    assert len(trees[0]) == TINY.files
    for before, after in pairwise(trees):
        assert sum(before[path] != after[path] for path in before) == TINY.touched


def test_a_process_is_measured_with_its_children(tmp_path: Path) -> None:
    sample = measure(shell("sleep 0.2 & sleep 0.2; wait", folder=tmp_path))
    assert sample.seconds >= 0.2
    assert sample.together > 0
    with pytest.raises(Failed, match="went wrong"):
        measure(shell("echo went wrong; false", folder=tmp_path))


def test_ratios_are_taken_run_by_run() -> None:
    assert Figure([2.0, 20.0, 4.0]).ratio(Figure([1.0, 10.0, 1.0])) == 2.0


def test_the_command_line_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--workloads", "none"])
    assert "none" in capsys.readouterr().err
