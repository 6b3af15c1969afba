"""The hub: a thousand users from one template, in homes of real system users and in a team's repository, and their chores.

``python -m tests.bench.hub [--file-systems xfs btrfs] [--users N] [--files N] [--snapshots N] [--folder DIR]``; homes need
root. Times are those of the clock; processor time counts all processes that took part.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jvs_core import Repository
from jvs_jupyter.hub import all_homes, warm
from jvs_jupyter.hub.chores import Collected
from jvs_jupyter.hub.command import WORK_S, Refused
from jvs_jupyter.hub.homes import make_home
from jvs_jupyter.hub.looking import Collecting, Report, Reporting
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.provision import provide, provide_all
from jvs_jupyter.hub.report import usage
from jvs_jupyter.hub.roster import ask_all, enter
from tests.bench import machine as here
from tests.support.filesystems import GIB, loop_filesystem
from tests.support.machine import SystemUser, machine

_TENTH = 10
_FIRST_UID = 300_000
T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file-systems", nargs="+", default=["xfs", "btrfs"])
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--snapshots", type=int, default=20)
    parser.add_argument("--layouts", nargs="+", default=["homes", "team"])
    parser.add_argument(
        "--folder", type=Path, help="where the image lies; in memory nobody else's writing is measured"
    )
    options = parser.parse_args(arguments)
    print(here.described())
    for kind in options.file_systems:
        with (
            loop_filesystem(kind, size=8 * GIB, folder=options.folder) as filesystem,
            tempfile.TemporaryDirectory() as aside,
        ):
            Path(aside).chmod(0o711)
            filesystem.mount.chmod(0o755)
            os.environ.update(
                JVS_STATE_DIR=f"{aside}/state",
                JVS_CACHE_DIR=f"{aside}/cache",
                JVS_OWNERS_DIR=f"{aside}/owners",
            )
            if "team" in options.layouts:
                measure(kind, template(filesystem.mount, options.files), options.users)
            if "homes" in options.layouts:
                users = [
                    SystemUser(f"user{number:05}", _FIRST_UID + number, in_team=False)
                    for number in range(options.users)
                ]
                place = filesystem.mount / "machine"
                place.mkdir()
                with machine(place, tuple(users), team=_FIRST_UID - 1) as there:
                    there.run(homes, kind, place, users, options.files)
                    there.run(chores, kind, place, users, options.snapshots)
    return 0


def homes(kind: str, place: Path, users: Sequence[SystemUser], files: int) -> None:
    """Make a home for each user, once more for all, and report on all."""
    os.umask(0o022)
    templates = template(place, files)
    folder = place / "homes"
    folder.mkdir(mode=0o711)
    people = [Person(user.name) for user in users]

    def provided() -> set[str]:
        found = all_homes.provide(folder, templates, people, template=None, dry_run=False)
        return {outcome.action for outcome in found}

    assert timed(kind, f"{len(users)} homes of {files} files", provided) == {"created"}
    assert timed(kind, f"{len(users)} homes provided again", provided) == {"exists"}
    about = f"the floor: two copies of {files} files by cp for each of {len(users)}"
    assert timed(kind, about, lambda: copied(templates.root / "main", place / "copies", len(users))) == {0}

    def reported() -> int:
        answers = ask_all(folder, "report", lambda home: Reporting(repository=home), Report)
        return sum(not isinstance(answer, Refused) for _, answer in answers)

    assert timed(kind, f"report on {len(users)} homes", reported) == len(users)


def copied(tree: Path, folder: Path, times: int) -> set[int]:
    """Copy a tree twice, so many times, as many at once as there are processors: a home is a worktree and its first payload."""

    def one(number: int) -> set[int]:
        made = folder / str(number)
        made.mkdir(parents=True)
        copy = ["cp", "-a", "--reflink=auto", str(tree)]
        return {
            subprocess.run([*copy, str(made / name)], check=True).returncode for name in ("main", "payload")
        }

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = set().union(*threads.map(one, range(times)))
    subprocess.run(["sync", "-f", folder], check=True)
    return found


def chores(kind: str, place: Path, users: Sequence[SystemUser], snapshots: int) -> None:
    """Thin out homes of so many snapshots, which are copies of one."""
    (place / "small").mkdir()
    templates, folder = template(place / "small", 5), place / "fleet"
    folder.mkdir(mode=0o711)
    pattern = make_home(folder, templates, Person("pattern"), template=None, owner=None)
    home = Repository(pattern, settings=templates.settings)
    for number in range(snapshots - 1):
        (pattern / "main" / "work.txt").write_text(str(number))
        home.snapshot(str(number), lock=True)
    for user in users:
        person = Person(user.name)
        made = folder / worktree_name(person)
        subprocess.run(["cp", "-a", "--reflink=auto", pattern, made], check=True)
        subprocess.run(["chown", "-R", "-h", f"{user.uid}:{user.uid}", made], check=True)
        enter(folder, person, None)
    subprocess.run(["rm", "-rf", pattern], check=True)
    os.sync()

    def collected(keep: int) -> int:
        answers = ask_all(
            folder,
            "gc",
            lambda path: Collecting(repository=path, policy={"keep_last": keep}),
            Collected,
            seconds=WORK_S,
        )
        return sum(len(answer.snapshots) for _, answer in answers if isinstance(answer, Collected))

    removed = (snapshots - 5 - 1) * len(users)  # what the template gave is named by a ref
    about = f"gc of {len(users)} homes of {snapshots} snapshots"
    assert timed(kind, f"{about}, nothing to remove", lambda: collected(snapshots)) == 0
    assert timed(kind, f"{about}, {removed} removed", lambda: collected(5)) == removed


def timed(kind: str, what: str, work: Callable[[], T]) -> T:
    """Do something, print how long it took, and return what it returned."""
    before = time.monotonic(), cpu()
    done = work()
    took = time.monotonic() - before[0]
    tell(kind, what, *before, took=took)
    return done


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


def tell(kind: str, what: str, began: float, processor: float, *, took: float | None = None) -> None:
    """Print how long something took by the clock and of the processors, with the machine's load."""
    took = time.monotonic() - began if took is None else took
    used = cpu() - processor
    print(f"{kind}: {what}: {took:.2f} s ({used:.2f} s of processor time; {here.now()})", flush=True)


def cpu() -> float:
    """Return the processor time of this process and its children, in seconds; ends idle starters, whose time counts then."""
    warm.end_idle()
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


if __name__ == "__main__":
    raise SystemExit(main())
