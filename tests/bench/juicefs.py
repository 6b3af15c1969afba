"""Metadata operations a file on JuiceFS: ``python -m tests.bench.juicefs [ENGINE…] [--files N] [--runs N] [--mount OPTION=VALUE…] [--beside JVS]``.

For each metadata engine (``sqlite``, ``redis``) a volume is mounted as it is by default and holds a repository with a lock.
``juicefs clone -p`` of its worktree, what a start costs (floors) and the commands of JVS take turns; with ``--beside`` those of
another version's program, too. Each begins when no cache of the kernel is valid any more. Times are of whole processes,
and medians; ratios are medians of the ratios to the clone of the same turn. Operations are those that the serving process
counted in its ``.stats`` meanwhile: ``fuse`` what the kernel asked it for, ``meta`` what it asked its metadata layer for.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
_CLONE = "`juicefs clone -p`"
_HEAD = (
    "metadata", "operation", "time", "to the clone", "aim", "processor", "fuse", "meta", "meta a file", "most of them", "load",
)  # fmt: skip


@dataclass
class Measured:
    """The runs of one operation: seconds, those of the clone of the same turn, seconds of a processor, operations."""

    seconds: list[float] = field(default_factory=list)
    clones: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    operations: list[Operations] = field(default_factory=list)

    def ratio(self) -> float:
        """Return the median of the ratios to the clones, turn by turn."""
        return statistics.median(own / clone for own, clone in zip(self.seconds, self.clones, strict=True))

    def typical(self) -> Operations:
        """Return the operations of the run that had the median number of them."""
        return sorted(self.operations, key=lambda found: found.meta.total())[len(self.operations) // 2]


@dataclass
class Place:
    """A volume with a repository, in whose main worktree ``workload`` lies; ``aside`` is for the user's own state."""

    filesystem: FileSystem
    aside: Path
    workload: Workload
    generation: int = 0

    @property
    def main(self) -> Path:
        """The worktree."""
        return self.filesystem.mount / "repository" / "main"

    def jvs(self, *arguments: str, program: Path | None = None) -> Command:
        """Return a command to run in the worktree, of this version or of another ``program``."""
        asked = command(self.main, self.aside, *arguments)
        if program is None:
            return asked
        return replace(asked, arguments=(str(program), *arguments))

    def change(self, files: int) -> None:
        """Overwrite ``files`` files."""
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
        "--mount",
        nargs="*",
        default=[],
        metavar="OPTION=VALUE",
        help="options of the mount, without their dashes",
    )
    options.add_argument(
        "--beside", type=Path, metavar="JVS", help="the command of another version, to take turns with"
    )
    found = options.parse_args()
    print(f"{found.files:,} files of 4 kB, {found.runs} runs in turn, {machine.described()}\n")
    print("| " + " | ".join(_HEAD) + " |\n" + "|---" * len(_HEAD) + "|", flush=True)
    programs = {"": None, **({", other version": found.beside} if found.beside else {})}
    for engine in found.engines:
        with placed(engine, found.files, [f"--{option}" for option in found.mount]) as place:
            for line in table(place, engine, found.runs, programs):
                print(line, flush=True)


@contextmanager
def placed(engine: str, files: int, mount: Sequence[str]) -> Iterator[Place]:
    """Mount a volume with metadata in ``engine`` and make the repository."""
    made = juicefs_volume(metadata=engine, clients=1, xattr=False, mount=mount)  # type: ignore[arg-type]
    with made as filesystem, tempfile.TemporaryDirectory(prefix="jvs-bench-") as aside:
        place = Place(filesystem, Path(aside), replace(MANY, files=files))
        run(command(filesystem.mount, place.aside, "init", "repository"))
        place.workload.make(place.main)
        run(place.jvs("lock", "acquire", "--lease-ms", "86400000"))
        run(place.jvs("snapshot", "first"))
        yield place


def table(place: Place, engine: str, runs: int, programs: Mapping[str, Path | None]) -> Iterator[str]:
    """Yield the lines of one engine."""
    copy = place.filesystem.mount / "clone"
    back = place.main.parent / "worktrees" / "back"
    measured: dict[str, Measured] = {}
    loads = []
    for _ in range(runs):
        reference = 0.0
        for name, prepare, asked in _operations(place, copy, programs):
            prepare()
            time.sleep(_EXPIRY_S)
            used = _processor_s()
            with counted(place.filesystem.mount) as operations:
                seconds = measure(asked).seconds
            reference = reference or seconds
            found = measured.setdefault(name, Measured())
            found.seconds.append(seconds)
            found.clones.append(reference)
            found.processor.append(_processor_s() - used)
            found.operations.append(operations)
            place.remove(copy, back, place.main.parent / ".jvs" / "worktrees" / "back")
        loads.append(machine.load())
    for name, found in measured.items():
        yield _row(engine, name, found, place.workload.files, statistics.median(loads))


def _operations(
    place: Place, copy: Path, programs: Mapping[str, Path | None]
) -> Iterator[tuple[str, Callable[[], object], Command]]:
    client = str(juicefs_client())
    nothing = time.time
    yield _CLONE, nothing, Command((client, "clone", "-p", str(place.main), str(copy)), place.main)
    yield "the client's start (floor)", nothing, Command((client, "version"), place.main)
    yield "`jvs history` (floor)", nothing, place.jvs("history")
    for label, program in programs.items():
        yield f"status{label}", lambda: run(place.jvs("status")), place.jvs("status", program=program)
    for label, program in programs.items():
        yield f"after one change{label}", lambda: place.change(1), place.jvs("snapshot", "x", program=program)
    for label, program in programs.items():
        yield (
            f"after 10 changes{label}",
            lambda: place.change(10),
            place.jvs("snapshot", "x", program=program),
        )
    for label, program in programs.items():
        yield f"safe restore{label}", nothing, place.jvs("restore", "HEAD", "--name", "back", program=program)


def _processor_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _row(engine: str, name: str, found: Measured, files: int, load: float) -> str:
    typical = found.typical()
    most = ", ".join(f"{kind} {count}" for kind, count in Counter(typical.meta).most_common(4) if count > 2)
    aim = next((f"≤ {aim}" for each, aim in AIMS.items() if name.startswith(each)), "")
    cells = (
        engine, name, f"{statistics.median(found.seconds):.2f} s", f"{found.ratio():.2f}", aim,
        f"{statistics.median(found.processor):.2f} s", f"{typical.fuse.total()}", f"{typical.meta.total()}",
        f"{typical.meta.total() / files:.3f}", most, f"{load:.1f}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
