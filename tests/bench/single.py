"""Figures that stand alone: the start of the command, small snapshots, cells, sandboxes, verifying."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.jvs import command
from tests.bench.process import Command, measure, run, shell
from tests.bench.results import Figure, Single
from tests.bench.workload import MANY, NOTEBOOK, Workload
from tests.support.directories import fresh_directory
from tests.support.filesystems import FileSystem

SOURCE = Path(__file__).parents[2]
THOUSAND = Workload("thousand", 1000, 4000)


@dataclass(frozen=True)
class _Place:
    """A new repository with a workload in its main worktree, and a folder aside for the user's own state."""

    main: Path
    aside: Path
    workload: Workload

    def jvs(self, *arguments: str) -> Command:
        return command(self.main, self.aside, *arguments)


def starts(filesystem: FileSystem, runs: int) -> Iterator[Single]:
    """Measure how long the command takes to start, and a snapshot of a small worktree."""
    where = filesystem.label
    with _place(filesystem, NOTEBOOK) as place:
        bare = Command((sys.executable, "-I", "-S", "-c", "pass"), place.main)
        click = Command((sys.executable, "-I", "-c", "import click"), place.main)
        snapshot = place.jvs("snapshot", "bench", "--lock")
        figures = _in_turns([bare, click, place.jvs("--help"), snapshot], runs)
        names = [
            ("an empty program of the interpreter (floor)", ""),
            ("a program that imports click (floor)", ""),
            ("`jvs --help`", "≤ 0.15 s"),
            ("`jvs snapshot` on `notebook`, as a process", "≤ 0.4 s"),
        ]
        for (what, aim), figure in zip(names, figures, strict=True):
            yield Single(what, where, machine.now(), figure, aim)
        seconds = _inside(place, max(10 * runs, 10))
        yield Single(
            "`Repository.snapshot` on `notebook`, in the process", where, machine.now(), Figure(seconds), "≤ 30 ms"
        )  # fmt: skip


def cells(filesystem: FileSystem, runs: int) -> Iterator[Single]:
    """Measure what ``%jvs`` adds to a cell in a notebook."""
    for workload, asked in (
        (
            NOTEBOOK,
            [
                ("`%load_ext jvs_magics`", "load", "≤ 150 ms"),
                ("`%jvs snapshot` on `notebook`", "snapshot", "≤ 50 ms"),
            ],
        ),
        (
            THOUSAND,
            [
                ("a cell that changes nothing, plain", "idle", ""),
                ("the same under `%jvs auto on`", "auto", "≤ 20 ms more"),
            ],
        ),
    ):
        with _place(filesystem, workload) as place:
            found = _asked(place, "tests.bench.shell", max(10 * runs, 10))
            where = f"{filesystem.label}, {workload.files:,} files"
            for what, key, aim in asked:
                yield Single(what, where, machine.now(), Figure(found[key]), aim)


def verifying(filesystem: FileSystem, runs: int) -> Iterator[Single]:
    """Measure ``jvs verify --all`` on three snapshots, ten changes between them, and a SHA-256 of their distinct files."""
    with _place(filesystem, MANY) as place:
        for number in range(3):
            MANY.change(place.main, number)
            run(place.jvs("snapshot", "bench", "--lock"))
        distinct = place.aside / "distinct"
        distinct.write_bytes(b"\0".join(_distinct(place.main.parent / ".jvs" / "snapshots")))
        sums = shell('xargs -0 -P 2 -n 500 sha256sum < "$1"', distinct, folder=place.main)
        floor, found = _in_turns([sums, place.jvs("verify", "--all")], runs)
        where = filesystem.label
        yield Single(
            "`sha256sum` of the distinct files of three snapshots of `many`, 2 processes",
            where,
            machine.now(),
            floor,
        )
        aim = f"≤ 1.3 × that; is {found.ratio(floor):.1f} ×"
        yield Single("`jvs verify --all` on them", where, machine.now(), found, aim)


def _distinct(snapshots: Path) -> Iterator[bytes]:
    """Yield one name of each file that the payloads hold, as bytes; on btrfs every snapshot has inodes of its own."""
    seen = set()
    for path in sorted(snapshots.glob("*/payload/*/*")):
        status = path.stat()
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield bytes(path)


def sandboxes(filesystem: FileSystem, runs: int) -> Iterator[Single]:
    """Measure a sandbox of 1,000 files within a process: until its first command can run, and as a whole."""
    aims = {"btrfs": "≤ 150 ms", "xfs": "≤ 250 ms"}
    with _place(filesystem, THOUSAND) as place:
        found = _asked(place, "tests.bench.boxes", max(4 * runs, 5))
        where = f"{filesystem.label}, {THOUSAND.files:,} files"
        ready, whole = Figure(found["fork"]), Figure(found["whole"])
        aim = aims.get(filesystem.kind, "")
        yield Single("`Repository.sandbox`, until its first command", where, machine.now(), ready, aim)
        yield Single("the same, one file changed, with its snapshot and removal", where, machine.now(), whole)


@contextmanager
def _place(filesystem: FileSystem, workload: Workload) -> Iterator[_Place]:
    with fresh_directory(filesystem) as base, tempfile.TemporaryDirectory(prefix="jvs-bench-") as aside:
        run(command(base, Path(aside), "init", "repository"))
        place = _Place(base / "repository" / "main", Path(aside), workload)
        workload.make(place.main)
        subprocess.run(["sync", "--file-system", base], check=True)
        yield place


def _in_turns(commands: Sequence[Command], runs: int) -> list[Figure]:
    for each in commands:
        run(each)
    samples = [[measure(each) for each in commands] for _ in range(runs)]
    return [Figure.of(column) for column in zip(*samples, strict=True)]


def _inside(place: _Place, count: int, *options: str) -> list[float]:
    seconds: list[float] = _asked(place, "tests.bench.inside", count, *options)
    return seconds


def _asked(place: _Place, module: str, count: int, *options: str) -> Any:
    environment = {**os.environ, **place.jvs().environment, "IPYTHONDIR": str(place.aside / "ipython")}
    done = subprocess.run(
        [sys.executable, "-m", module, place.main, str(count), *options],
        cwd=SOURCE, env=environment, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])
