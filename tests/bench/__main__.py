"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench import machine
from tests.bench.compare import compare
from tests.bench.others import PROGRAMS, version
from tests.bench.process import heed_signals
from tests.bench.report import page
from tests.bench.results import Comparison, Results, Single, load, save
from tests.bench.scale_report import inserted, kept
from tests.bench.single import cells, sandboxes, starts, verifying
from tests.bench.workload import WORKLOADS
from tests.support.filesystems import GIB, FileSystem, Unavailable, juicefs_volume, loop_filesystem
from tests.support.filesystems import KINDS as MOUNTED

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "bench.json"
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
NOTES = Path(__file__).parent / "notes.md"
REDIS = "juicefs-redis"
KINDS = (*MOUNTED, REDIS)
PARTS = ("compare", "starts", "cells", "sandboxes", "verify")
EVERYWHERE = ("sandboxes", "verify")
_SIZE = 24 * GIB


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for; write results and page after each measurement."""
    options = _options(arguments)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with contextlib.suppress(PermissionError):
        os.nice(options.nice)
    heed_signals()
    results = Results() if options.fresh else load(options.results)
    results.machine = machine.described()
    results.versions = [version(name) for name in PROGRAMS if shutil.which(name)]

    def keep(found: Comparison | Single) -> None:
        results.add(found)
        save(results, options.results)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        there = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
        made = page(results, NOTES.read_text(encoding="utf-8"))
        options.output.write_text(inserted(made, kept(there)), encoding="utf-8")

    for kind in options.file_systems:
        try:
            with mounted(kind) as filesystem:
                _measure(filesystem, options, keep)
        except Unavailable as reason:
            _say(f"{kind}: left out: {reason}")
    _say(f"written: {options.output}")
    return 0


def mounted(kind: str) -> contextlib.AbstractContextManager[FileSystem]:
    """Mount a file system with room for all that contenders make; JuiceFS by one client, with its own defaults."""
    if kind == "juicefs":
        return juicefs_volume(clients=1, xattr=False)
    if kind == REDIS:
        return juicefs_volume(clients=1, xattr=False, metadata="redis")
    # Without this ext4 goes on writing its inode tables for minutes.
    options = "noinit_itable" if kind == "ext4" else ""
    return loop_filesystem(kind, size=_SIZE, options=options)


def _measure(
    filesystem: FileSystem, options: argparse.Namespace, keep: Callable[[Comparison | Single], None]
) -> None:
    if "compare" in options.parts:
        for name in options.workloads:
            others = () if filesystem.kind == "juicefs" else options.others
            keep(compare(filesystem, WORKLOADS[name], runs=options.runs, others=others, say=_say))
    for found in _singles(filesystem, options):
        keep(found)


def _singles(filesystem: FileSystem, options: argparse.Namespace) -> Iterator[Single]:
    makers: dict[str, Callable[[], Iterator[Single]]] = {
        "sandboxes": lambda: sandboxes(filesystem, options.runs),
        "starts": lambda: starts(filesystem, options.runs),
        "cells": lambda: cells(filesystem, options.runs),
        "verify": lambda: verifying(filesystem, options.runs),
    }
    first = filesystem.label == options.file_systems[0]
    for part, make in makers.items():
        if part in options.parts and (first or part in EVERYWHERE):
            _say(f"{filesystem.label}: {part}")
            yield from make()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=sys.modules[__package__].__doc__
    )
    parser.add_argument("--file-systems", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"of {', '.join(PARTS)} (default: all); `starts` and `cells` on the first file system only")  # fmt: skip
    parser.add_argument("--runs", type=int, default=5, help="how often each command runs (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one run, without `large` and other programs")
    parser.add_argument("--others", nargs="*", choices=PROGRAMS, default=list(PROGRAMS), metavar="PROGRAM",
                        help="other programs that take part where they are installed, except on JuiceFS")  # fmt: skip
    parser.add_argument("--nice", type=int, default=-5, help="priority while measuring, where allowed")
    parser.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where all results are kept, as JSON")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    options = parser.parse_args(arguments)
    if options.quick:
        options.runs, options.others = 1, []
        options.workloads = [name for name in options.workloads if name != "large"]
    return options


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
