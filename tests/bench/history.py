"""What an automatic history costs: ``python -m tests.bench.history [FOLDER]``.

A person saves one notebook every minute in 20,000 files. The keeper of the history works as it does under
``jvs timeline run``, with its events, on a clock that jumps over the time between; what it takes of a processor is that of
this process and its children, over the time that passed on that clock.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from jvs_core import Repository, clock
from jvs_core.operations.timeline.keeper import Keeper, Told

FILES = 20_000
HOURS = 2


def main() -> None:
    """Print the figures."""
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        for line in measured(Path(folder)):
            print(line, flush=True)


def measured(folder: Path) -> list[str]:
    """Return the lines of the table."""
    repo = Repository.init(folder / "repo")
    top = repo.root / "main"
    for number in range(FILES):
        place = top / f"d{number % 200}"
        place.mkdir(exist_ok=True)
        (place / f"{number}.txt").write_text(f"{number}\n" * 600)
    repo.snapshot("first", lock=True)
    lines = [f"engine {repo.info().snapshot_engine}, {FILES} files of 4 kB"]
    began = _processor_s()
    for _ in range(5):
        assert repo.timeline.snapshot() is None
    lines.append(f"a look where nothing changed: {(_processor_s() - began) / 5:.3f} s of a processor")
    lines += _day(repo, top)
    return lines


def _day(repo: Repository, top: Path) -> list[str]:
    passed = [0.0]
    boot, wall = time.monotonic, clock.now_ms
    told: list[Told] = []
    costs: dict[str, list[float]] = {"look and snapshot": [], "thinning": []}

    def now_ms() -> int:
        return wall() + round(passed[0] * 1000)

    with mock.patch.object(clock, "now_ms", now_ms):
        keeper = Keeper(repo._context, "main", told.append, lambda: boot() + passed[0])
        costs["thinning"] = _measure(keeper, "_thin")
        costs["look and snapshot"] = _measure(keeper, "_look")
        begun, began = boot(), _processor_s()
        with repo.timeline.watch() as watch:
            for minute in range(HOURS * 60):
                (top / "work.ipynb").write_bytes(f"{minute:06d}".encode() * 5000)
                while watch.wait(0.6):
                    keeper.touched()
                    keeper.announce()
                end = boot() + passed[0] + 60
                while (left := end - boot() - passed[0]) > 0 and keeper.next_in_s() <= left:
                    passed[0] += keeper.next_in_s()
                    keeper.step(watch)
                passed[0] += max(end - boot() - passed[0], 0)
        used = _processor_s() - began
        real = boot() - begun
    keeper.end()
    taken = sum(each.what == "snapshot" for each in told)
    lines = [
        f"{what}: {len(each)} times, median {sorted(each)[len(each) // 2]:.3f} s of a processor"
        for what, each in costs.items()
        if each
    ]
    lines.append(f"{HOURS} h of saving every minute: {taken} snapshots, {used:.1f} s of a processor")
    return [*lines, f"share of one core: {100 * used / (passed[0] + real):.2f} %"]


def _measure(keeper: Keeper, method: str) -> list[float]:
    """Have each call of a method measured."""
    found: list[float] = []
    real = getattr(keeper, method)

    def call(*args: object) -> None:
        began = _processor_s()
        try:
            real(*args)
        finally:
            found.append(_processor_s() - began)

    setattr(keeper, method, call)
    return found


def _processor_s() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
