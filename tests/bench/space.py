"""What ``find`` and ``stats`` cost on a long history: ``python -m tests.bench.space [SNAPSHOTS [FILES [CHANGES]]]``.

The history is written with the library's records (10,000 snapshots of 200 files, of which each changes ten, when nothing else
is said); payloads are empty, since neither command looks at them. Printed are seconds of a processor, children included,
in one process with the index warm, and of the whole command.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jvs_core import Repository, clock
from tests.support.long_history import write_wide_history


def main() -> None:
    """Print the figures."""
    snapshots, files, changes = [
        int(word) for word in (*sys.argv[1:], *("10000", "200", "10")[len(sys.argv) - 1 :])
    ]
    with tempfile.TemporaryDirectory() as folder:
        repo = Repository.init(Path(folder) / "repo", engine="copy")
        made = write_wide_history(repo, snapshots, files=files, changes=changes)
        print(f"{snapshots:,} snapshots of {files:,} files, {changes:,} changed in each")
        work: dict[str, Callable[[], object]] = {
            "index made": repo.index.update,
            "find '*'": lambda: repo.find("*"),
            "find '*' --larger --since": lambda: repo.find("*", larger=10, since="1d"),
            "find one name": lambda: repo.find("file-0001"),
            "stats, counted": repo.stats,
            "stats again": repo.stats,
            "stats HEAD~5": lambda: repo.stats("HEAD~5"),
            "@TIME half way back": lambda: repo.resolve(
                f"@{clock.timestamp(int(made[snapshots // 2][:13]))}"
            ),
            "history --larger": lambda: repo.history(larger=10, limit=10),
        }
        for name, call in work.items():
            print(f"{name:28}", *_measured(call))
        for words in (["find", "file-0001"], ["stats"]):
            print(f"jvs {' '.join(words):24}", *_measured(partial(_command, repo, words)))


def _command(repo: Repository, words: list[str]) -> None:
    line = [sys.executable, "-m", "jvs_core.cli", "--repo", str(repo.root), *words]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


def _measured(call: Callable[[], object]) -> tuple[str, str, str]:
    began, clock = _processor_s(), time.perf_counter()
    call()
    used, took = _processor_s() - began, time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{used:6.2f} s of a processor", f"{took:6.2f} s", f"{peak} MiB at most so far"


def _processor_s() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
