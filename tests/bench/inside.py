"""Snapshots taken in one process, by the library: ``python -m tests.bench.inside WORKTREE COUNT [--no-wait]``.

Prints the seconds of each snapshot as JSON; before each of them one file changes. With ``--no-wait`` nothing is
flushed, which makes a long history quickly: what is written is the same, only not yet durable.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from jvs_core import Repository, syncing


def main(worktree: Path, count: int, *, wait: bool) -> None:
    """Take ``count`` snapshots."""
    if not wait:
        os.fsync = lambda fd: None
        syncing.sync_file_system = lambda path: None
    repository = Repository.open(worktree)
    first = min(path for path in worktree.rglob("*") if path.is_file())
    seconds = []
    with repository.hold():
        for number in range(count):
            first.write_text(f"{number}\n", encoding="utf-8")
            begun = time.perf_counter()
            repository.snapshot(f"number {number}")
            seconds.append(time.perf_counter() - begun)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), wait="--no-wait" not in sys.argv)
