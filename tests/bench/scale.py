"""Very many files, snapshots and worktrees: whether time and memory grow in proportion, and where they end.

``python -m tests.bench.scale [--files N …] [--snapshots N …] [--worktrees N …] [--folder DIR]``. Makes an XFS image of its
own in a folder below ``DIR``, and clears both at its end, also after a failure, Ctrl-C or SIGTERM. Writes the section of
``docs/reference/benchmarks.md`` that has these figures, after each of them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.bench import machine
from tests.bench.jvs import command
from tests.bench.process import Command, heed_signals, measure, run
from tests.bench.results import Figure, Results, Single, load, save
from tests.bench.scale_report import inserted, section
from tests.bench.workload import Workload
from tests.support.directories import fresh_directory
from tests.support.filesystems import GIB, FileSystem, loop_filesystem

SOURCE = Path(__file__).parents[2]
RESULTS = SOURCE / "build" / "scale.json"
PAGE = SOURCE / "docs" / "reference" / "benchmarks.md"
FILES = (100_000, 1_000_000)
MANY = (1_000, 10_000)
FILE_BYTES = 1024
FEW = Workload("few", 12, 200)
AIM = "≤ 400 MB"

Keep = Callable[[Single], None]


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for; write results and section after each measurement."""
    options = _options(arguments)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with contextlib.suppress(PermissionError):
        os.nice(options.nice)
    results = Results() if options.fresh else load(options.results)
    results.machine = machine.described()

    def keep(found: Single) -> None:
        results.add(found)
        save(results, options.results)
        text = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
        options.output.write_text(inserted(text, section(results)), encoding="utf-8")
        figure = found.figure
        _say(f"{found.where}, {found.what}: {figure.median:.2f} s, {figure.together >> 20} MB, {found.date}")

    heed_signals()
    options.folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(options.folder)
    with loop_filesystem("xfs", size=options.gib * GIB) as filesystem:
        for count in sorted(options.files, reverse=True):
            files(filesystem, count, keep)
        if options.snapshots:
            snapshots(filesystem, sorted(options.snapshots), options.runs, keep)
        if options.worktrees:
            worktrees(filesystem, sorted(options.worktrees), options.runs, keep)
    return 0


def files(filesystem: FileSystem, count: int, keep: Keep) -> None:
    """Measure what is done with a worktree of ``count`` files, each once."""
    workload = Workload("scale", count, FILE_BYTES)
    with _repository(filesystem, workload) as (main, aside):
        jvs = _jvs(main, aside)
        asked: list[tuple[str, Command]] = [
            ("first snapshot", jvs("snapshot", "first", "--lock")),
            ("snapshot after 10 changes", jvs("snapshot", "again", "--lock")),
            ("status, the first after a snapshot", jvs("status")),
            ("status, the next", jvs("status")),
            ("safe restore", jvs("restore", "HEAD", "--name", "back")),
            ("verify", jvs("verify")),
            ("verify --all, two snapshots", jvs("verify", "--all")),
        ]
        for what, each in asked:
            if "10 changes" in what:
                workload.change(main, 1)
            subprocess.run(["sync", "--file-system", main], check=True)
            load = machine.now()
            keep(Single(what, f"xfs, {count:,} files", load, Figure.of([measure(each)]), AIM))


def snapshots(filesystem: FileSystem, counts: Sequence[int], runs: int, keep: Keep) -> None:
    """Measure what looks at a history of so many snapshots."""
    with _repository(filesystem, FEW) as (main, aside):
        jvs = _jvs(main, aside)
        asked = [
            ("history", jvs("history")),
            ("history --limit 10", jvs("history", "--limit", "10")),
            ("info", jvs("info")),
            ("status", jvs("status")),
            ("snapshot", jvs("snapshot", "one more", "--lock")),
            ("gc plan --keep-daily 7", jvs("gc", "plan", "--keep-daily", "7")),
            ("stats", jvs("stats")),
            ("find, the first time", jvs("find", "file-000003")),
            ("find, again", jvs("find", "file-000003")),
            ("doctor", jvs("doctor")),
        ]
        _grown(main, aside, "snapshots", counts, asked, runs, keep)


def worktrees(filesystem: FileSystem, counts: Sequence[int], runs: int, keep: Keep) -> None:
    """Measure what looks at so many worktrees, all of them empty but one."""
    with _repository(filesystem, FEW) as (main, aside):
        jvs = _jvs(main, aside)
        asked = [
            ("worktree list", jvs("worktree", "list")),
            ("doctor", jvs("doctor")),
            ("info", jvs("info")),
            ("status", jvs("status")),
            ("snapshot", jvs("snapshot", "one more", "--lock")),
            ("gc plan", jvs("gc", "plan")),
        ]
        _grown(main, aside, "worktrees", counts, asked, runs, keep)


def _grown(
    main: Path,
    aside: Path,
    kind: str,
    counts: Sequence[int],
    asked: Sequence[tuple[str, Command]],
    runs: int,
    keep: Keep,
) -> None:
    """Let a repository grow to each of ``counts``, and measure there what is ``asked``, ``runs`` times each."""
    environment = {**os.environ, **command(main, aside).environment}
    there = 0
    for count in counts:
        program = [sys.executable, "-m", "tests.bench.many", str(main), kind, str(count - there)]
        subprocess.run(program, cwd=SOURCE, env=environment, stdout=subprocess.DEVNULL, check=True)
        there = count
        subprocess.run(["sync", "--file-system", main], check=True)
        for what, each in asked:
            load = machine.now()
            times = 1 if "first" in what else runs
            figure = Figure.of([measure(each) for _ in range(times)])
            keep(Single(what, f"xfs, {count:,} {kind}", load, figure, AIM))


def _jvs(main: Path, aside: Path) -> Callable[..., Command]:
    return partial(command, main, aside)


@contextlib.contextmanager
def _repository(filesystem: FileSystem, workload: Workload) -> Iterator[tuple[Path, Path]]:
    """Yield the main worktree, filled, of a new repository, and a folder for the user's own state."""
    with fresh_directory(filesystem) as base, tempfile.TemporaryDirectory(prefix="jvs-bench-") as aside:
        run(command(base, Path(aside), "init", "repository"))
        main = base / "repository" / "main"
        workload.make_quickly(main)
        subprocess.run(["sync", "--file-system", base], check=True)
        yield main, Path(aside)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--files", type=int, nargs="*", default=list(FILES), help="how many files")
    parser.add_argument("--snapshots", type=int, nargs="*", default=list(MANY), help="how many snapshots")
    parser.add_argument("--worktrees", type=int, nargs="*", default=list(MANY), help="how many worktrees")
    parser.add_argument(
        "--runs", type=int, default=3, help="how often a command runs on many snapshots or worktrees"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the image lies"
    )
    parser.add_argument("--gib", type=int, default=24, help="the most that the image can take")
    parser.add_argument("--nice", type=int, default=0, help="priority while measuring, where allowed")
    parser.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where all results are kept, as JSON")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page that has the section")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
