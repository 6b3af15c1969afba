"""Metadata operations a file on JuiceFS: ``python -m tests.bench.juicefs [ENGINE…] [--files N] [--runs N]``.

For each metadata engine (``sqlite``, ``redis``) a volume is mounted as it is by default and holds a repository with a lock.
``juicefs clone -p`` of its worktree and the commands of JVS take turns; each starts when no cache of the kernel is valid
any more. The time is that of whole processes, median of all runs, its ratio that of the ratios run by run. Operations are those that
the serving process counted in its ``.stats`` meanwhile: ``fuse`` what the kernel asked it for, ``meta`` what
it asked the metadata engine for. Prints a table in Markdown, with the load of the machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench import machine
from tests.bench.jvs import command
from tests.bench.process import Command, measure, run
from tests.bench.workload import MANY, Workload
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem, juicefs_client, juicefs_volume
from tests.support.juicefs_operations import Operations, counted

ENGINES = ("sqlite", "redis")
AIMS = {"status": 1.0, "after one change": 1.6, "after 10 changes": 1.6, "safe restore": 1.3}
_EXPIRY_S = 1.3  # entries and attributes stay in the kernel's caches for a second


@dataclass
class Measured:
    """What the runs of one operation took: seconds, those of the clone before it, and operations."""

    seconds: list[float] = field(default_factory=list)
    clones: list[float] = field(default_factory=list)
    operations: list[Operations] = field(default_factory=list)

    def ratio(self) -> float:
        """Return the median of the ratios to the clones, run by run."""
        return statistics.median(own / clone for own, clone in zip(self.seconds, self.clones, strict=True))

    def typical(self) -> Operations:
        """Return the operations of the run that had the median number of them."""
        return sorted(self.operations, key=lambda found: found.meta.total())[len(self.operations) // 2]


@dataclass
class Place:
    """A volume with a repository, in whose main worktree ``workload`` lies; ``aside`` for the user's own state."""

    filesystem: FileSystem
    aside: Path
    workload: Workload
    generation: int = 0

    @property
    def main(self) -> Path:
        """The worktree."""
        return self.filesystem.mount / "repository" / "main"

    def jvs(self, *arguments: str) -> Command:
        """Return a command to run in the worktree."""
        return command(self.main, self.aside, *arguments)

    def change(self, files: int) -> None:
        """Overwrite ``files`` files, others than those before."""
        self.generation += 1
        replace(self.workload, touched=files).change(self.main, self.generation)

    def remove(self, *paths: Path) -> None:
        """Remove what an operation made."""
        for path in paths:
            if path.exists():
                run(Command((str(juicefs_client()), "rmr", str(path)), self.filesystem.mount))
                remove_directory(self.filesystem, path)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.juicefs", description=__doc__)
    options.add_argument("engines", nargs="*", default=list(ENGINES), metavar="ENGINE")
    options.add_argument("--files", type=int, default=5000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument(
        "--mount", nargs="*", default=[], metavar="OPTION=VALUE", help="options of the mount"
    )
    found = options.parse_args()
    print(f"{found.files:,} files of 4 kB, {found.runs} runs in turn\n")
    print(
        "| metadata | operation | time | to `juicefs clone -p` | aim | fuse a file | meta a file | of these | load |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---|---:|")
    for engine in found.engines:
        with placed(engine, found.files, [f"--{option}" for option in found.mount]) as place:
            for line in table(place, engine, found.runs):
                print(line, flush=True)


@contextmanager
def placed(engine: str, files: int, mount: list[str]) -> Iterator[Place]:
    """Mount a volume with metadata in ``engine`` and make the repository."""
    made = juicefs_volume(metadata=engine, clients=1, xattr=False, mount=mount)  # type: ignore[arg-type]
    with made as filesystem, tempfile.TemporaryDirectory(prefix="jvs-bench-") as aside:
        place = Place(filesystem, Path(aside), replace(MANY, files=files))
        run(command(filesystem.mount, place.aside, "init", "repository"))
        place.workload.make(place.main)
        run(place.jvs("lock", "acquire", "--lease-ms", "86400000"))
        run(place.jvs("snapshot", "first"))
        yield place


def table(place: Place, engine: str, runs: int) -> Iterator[str]:
    """Yield the lines of one engine."""
    clone = Command(
        (str(juicefs_client()), "clone", "-p", str(place.main), str(place.filesystem.mount / "clone")),
        place.main,
    )
    back = place.main.parent / "worktrees" / "back"
    measured = {name: Measured() for name in ("clone", *AIMS)}
    loads = []
    for _ in range(runs):
        seconds, operations = _measured(place, clone)
        place.remove(place.filesystem.mount / "clone")
        found = measured["clone"]
        found.seconds.append(seconds)
        found.operations.append(operations)
        found.clones.append(seconds)
        for name, prepare, asked in _operations(place):
            prepare()
            taken, operations = _measured(place, asked)
            place.remove(back)
            found = measured[name]
            found.seconds.append(taken)
            found.clones.append(seconds)
            found.operations.append(operations)
        loads.append(machine.load())
    for name, found in measured.items():
        yield _row(engine, name, found, place.workload.files, statistics.median(loads))


def _operations(place: Place) -> Iterator[tuple[str, Callable[[], object], Command]]:
    snapshot = place.jvs("snapshot", "bench")
    # What has changed within a second is read once more, and only then known.
    yield "status", lambda: run(place.jvs("status")), place.jvs("status")
    yield "after one change", lambda: place.change(1), snapshot
    yield "after 10 changes", lambda: place.change(10), snapshot
    yield "safe restore", lambda: _forget(place), place.jvs("restore", "HEAD", "--name", "back")


def _forget(place: Place) -> None:
    place.remove(place.main.parent / ".jvs" / "worktrees" / "back")


def _measured(place: Place, asked: Command) -> tuple[float, Operations]:
    time.sleep(_EXPIRY_S)
    with counted(place.filesystem.mount) as operations:
        taken = measure(asked).seconds
    return taken, operations


def _row(engine: str, name: str, found: Measured, files: int, load: float) -> str:
    typical = found.typical()
    most = Counter(typical.meta).most_common(6)
    named = ", ".join(f"{kind} {count / files:.2f}" for kind, count in most if count >= files / 100)
    aim = f"≤ {AIMS[name]}" if name in AIMS else ""
    return (
        f"| {engine} | {name} | {statistics.median(found.seconds):.2f} s | {found.ratio():.2f} | {aim} "
        f"| {typical.fuse.total() / files:.2f} | {typical.meta.total() / files:.2f} | {named} | {load:.1f} |"
    )


if __name__ == "__main__":
    main()
