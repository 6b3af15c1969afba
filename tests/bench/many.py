"""Many snapshots or worktrees, made in one process by the library: ``python -m tests.bench.many WORKTREE KIND COUNT``.

Nothing is flushed, which makes them quickly: what is written is the same, only not yet durable. Prints as JSON the
median seconds of each hundred, in order.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from jvs_core import Repository, syncing

HUNDRED = 100


def main(worktree: Path, kind: str, count: int) -> None:
    """Make ``count`` more."""
    os.fsync = lambda fd: None
    syncing.sync_file_system = lambda path: None
    repository = Repository.open(worktree)
    there = len(repository.worktrees.all()) if kind == "worktrees" else 0
    first = min(path for path in worktree.rglob("*") if path.is_file())

    def snapshot(number: int) -> None:
        first.write_text(f"{number}\n", encoding="utf-8")
        repository.snapshot(f"number {number}")

    def worktrees(number: int) -> None:
        repository.worktrees.create(f"user-{there + number:05d}")

    make: Callable[[int], None] = worktrees if kind == "worktrees" else snapshot
    seconds = []
    with repository.hold():
        for number in range(count):
            begun = time.perf_counter()
            make(number)
            seconds.append(time.perf_counter() - begun)
    hundreds = [seconds[start : start + HUNDRED] for start in range(0, count, HUNDRED)]
    print(json.dumps([statistics.median(some) for some in hundreds]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
