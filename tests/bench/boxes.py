"""Sandboxes made in one process, by the library: ``python -m tests.bench.boxes WORKTREE COUNT``.

Prints as JSON the seconds from the call to the first line of the block, and those of the whole sandbox, whose block
changes one file.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from jvs_core import Repository


def main(worktree: Path, count: int) -> None:
    """Make ``count`` sandboxes of one snapshot, one after the other."""
    repository = Repository.open(worktree)
    base = repository.snapshot("base", lock=True).snapshot_id
    first = min(path.relative_to(worktree) for path in worktree.rglob("*") if path.is_file())
    found: dict[str, list[float]] = {"fork": [], "whole": []}
    for number in range(count):
        begun = time.perf_counter()
        with repository.sandbox(base) as box:
            found["fork"].append(time.perf_counter() - begun)
            (box.path / first).write_text(f"{number}\n", encoding="utf-8")
        found["whole"].append(time.perf_counter() - begun)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
