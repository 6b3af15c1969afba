"""What a command costs before it works, and a look at a clean worktree: ``python -m tests.bench.start FOLDER [FILES]``.

Prints as JSON the processor time in ms, median and least of fifteen: of processes that import what every command needs, of
commands on a small worktree and on one of FILES small files, in which nothing changed; of the same looks within a process; and
of the same system calls in C (``cc`` must be installed).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jvs_core import Repository
from jvs_core.payload.tree.walk import scan

_TIMES = 15
_JVS = (sys.executable, "-m", "jvs_core.cli")
_MODEL = (
    "import click, pydantic\nclass A(pydantic.BaseModel):\n    a: int\nA.model_validate_json('{\"a\": 1}')"
)
_COMMANDS = (("history",), ("status",), ("snapshot", "--if-changed", "--lock", "-m", "x"))
_WALK = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void look(int fd) {
    DIR *folder = fdopendir(fd);
    struct dirent *e;
    struct stat st;
    while ((e = readdir(folder))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW)) continue;
        if (S_ISDIR(st.st_mode)) look(openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    }
    closedir(folder);
}
int main(int argc, char **argv) { look(open(argv[1], O_RDONLY | O_DIRECTORY)); return 0; }
"""


def main(folder: Path, files: int) -> None:
    """Measure and print it."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        small, large = (repository(Path(place) / name, count) for name, count in (("s", 3), ("l", files)))
        main_of_large = large.root / "main"
        (Path(place) / "walk.c").write_text(_WALK)
        walk = Path(place) / "walk"
        subprocess.run(["cc", "-O2", "-o", walk, walk.with_suffix(".c")], check=True)
        found = {
            "interpreter": process([sys.executable, "-c", "pass"]),
            "with click": process([sys.executable, "-c", "import click"]),
            "with click and a model": process([sys.executable, "-c", _MODEL]),
            **{f"jvs {line[0]}": process([*_JVS, *line], small.root / "main") for line in _COMMANDS},
            **{
                f"jvs {line[0]}, {files:,} files": process([*_JVS, *line], main_of_large)
                for line in _COMMANDS
            },
            "status within a process": here(large.status),
            "snapshot_if_changed within a process": here(lambda: large.snapshot_if_changed(lock=True)),
            "the walk within a process": here(lambda: scan(main_of_large, must_read=False)),
            "the walk in C": process([str(walk), str(main_of_large)]),
        }
    print(json.dumps(found, indent=2))


def repository(place: Path, files: int) -> Repository:
    """Make a repository of ``files`` small files, with a snapshot in which nothing changed, and that is known."""
    repo = Repository.init(place)
    for number in range(files):
        folder = repo.root / "main" / f"{number // 100:05}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:07}.txt").write_text(str(number))
    repo.snapshot("one", lock=True)
    os.sync()
    time.sleep(0.1)
    assert repo.status().clean
    assert repo.snapshot_if_changed(lock=True) is None
    return repo


def process(
    command: Sequence[str], folder: Path | None = None, before: Callable[[], object] = lambda: None
) -> list[float]:
    """Return what a process takes, after ``before``, which does not count."""

    def once() -> None:
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True, env=_environment())

    return _times(once, resource.RUSAGE_CHILDREN, before)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.getcwd()}


def here(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> list[float]:
    """Return what ``act`` takes within this process, after ``before``, which does not count."""
    return _times(act, resource.RUSAGE_SELF, before)


def _times(act: Callable[[], object], whose: int, before: Callable[[], object]) -> list[float]:
    before()
    act()
    found = []
    for _ in range(_TIMES):
        before()
        begun = resource.getrusage(whose)
        act()
        ended = resource.getrusage(whose)
        found.append(ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime)
    return [round(1000 * statistics.median(found), 1), round(1000 * min(found), 1)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20_000)
