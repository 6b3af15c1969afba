"""What ``%jvs`` adds to a cell: ``python -m tests.bench.shell WORKTREE COUNT``, in an IPython shell of its own.

Prints seconds as JSON: ``load`` once; ``snapshot``, ``auto`` and ``idle`` a cell each, ``COUNT`` times. ``snapshot`` is
``%jvs snapshot`` after one file changed, ``auto`` a cell that changes nothing under ``%jvs auto on``, ``idle`` the same
cell without.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell


def main(worktree: Path, count: int) -> None:
    """Run the cells."""
    os.chdir(worktree)
    shell = InteractiveShell.instance()
    if shell.history_manager is not None:
        shell.history_manager.enabled = False

    def cell(source: str) -> float:
        begun = time.perf_counter()
        shell.run_cell(source, store_history=True).raise_error()
        return time.perf_counter() - begun

    found: dict[str, list[float]] = {"load": [cell("%load_ext jvs_magics")]}
    cell("taken = %jvs snapshot first")
    first = min(path for path in worktree.rglob("*") if path.is_file())
    found["snapshot"] = []
    for number in range(count):
        first.write_text(f"{number}\n", encoding="utf-8")
        found["snapshot"].append(cell("taken = %jvs snapshot bench"))
    found["idle"] = [cell("x = 1") for _ in range(count)]
    cell("state = %jvs auto on")
    cell("x = 1")
    found["auto"] = [cell("x = 1") for _ in range(count)]
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
