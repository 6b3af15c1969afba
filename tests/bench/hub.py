"""The hub: a thousand users from one template, the price of one more, and the report on all of them.

``python -m tests.bench.hub [--file-systems xfs btrfs] [--users N] [--files N] [--folder DIR]``
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from jvs_core import Repository
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.provision import provide, provide_all
from jvs_jupyter.hub.report import usage
from tests.bench import machine
from tests.support.filesystems import GIB, loop_filesystem

_TENTH = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file-systems", nargs="+", default=["xfs", "btrfs"])
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument(
        "--folder", type=Path, help="where the image lies; in memory nobody else's writing is measured"
    )
    options = parser.parse_args(arguments)
    print(machine.described())
    for kind in options.file_systems:
        with (
            loop_filesystem(kind, size=8 * GIB, folder=options.folder) as filesystem,
            tempfile.TemporaryDirectory() as aside,
        ):
            os.environ.update(JVS_STATE_DIR=f"{aside}/state", JVS_CACHE_DIR=f"{aside}/cache")
            measure(kind, template(filesystem.mount, options.files), options.users)
    return 0


def template(mount: Path, files: int) -> Repository:
    """Make a team's repository whose template holds so many files of 4 kB."""
    team = Repository.init(mount / "team")
    for number in range(files):
        path = team.root / "main" / f"{number % 20:02}" / f"{number:04}.dat"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(number.to_bytes(4, "big") * 1024)
    team.snapshot("template", lock=True)
    team.refs.create("template-1", "HEAD")
    return team


def measure(kind: str, team: Repository, users: int) -> None:
    """Provide for all, for one more, for one again; then report."""
    people = [Person(f"user{number:05}") for number in range(users)]
    times = []
    before = time.monotonic(), cpu()
    last = before[0]
    for outcome in provide_all(team, people, template="template-1"):
        assert outcome.action == "created", outcome
        now = time.monotonic()
        times.append(now - last)
        last = now
    tell(kind, f"{users} users provided", *before)
    tenth = max(users // _TENTH, 1)
    first, late = sum(times[:tenth]) / tenth, sum(times[-tenth:]) / tenth
    print(f"{kind}: one user, first tenth {first * 1000:.0f} ms, last tenth {late * 1000:.0f} ms")
    before = time.monotonic(), cpu()
    assert provide(team, Person("late", "", "1@2026"), template="template-1").action == "created"
    tell(kind, "one more, as a spawn does it", *before)
    before = time.monotonic(), cpu()
    assert provide(team, Person("late", "", "1@2026"), template="template-1").action == "exists"
    tell(kind, "found at the next spawn", *before)
    before = time.monotonic(), cpu()
    assert {outcome.action for outcome in provide_all(team, people, template="template-1")} == {"exists"}
    tell(kind, f"{users} users provided again", *before)
    before = time.monotonic(), cpu()
    assert len(list(usage(team))) == users + 1
    tell(kind, f"report on {users} users", *before)


def tell(kind: str, what: str, began: float, processor: float) -> None:
    """Print how long something took by the clock and of the processors, with the machine's load."""
    took, used = time.monotonic() - began, cpu() - processor
    print(f"{kind}: {what}: {took:.2f} s ({used:.2f} s of processor time; {machine.now()})", flush=True)


def cpu() -> float:
    """Return the processor time of this process and its children, in seconds."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


if __name__ == "__main__":
    raise SystemExit(main())
