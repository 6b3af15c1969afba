"""The proof's profile, and its tally of faults."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.support.passing import LetPass

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# Read before the fixture that gives each test an environment without settings of JVS.
FULL = os.environ.get("JVS_PROOF") == "full"
FAULTS_JSON = os.environ.get("JVS_FAULTS_JSON")

T = TypeVar("T")
Count = Callable[[str, str], None]
_of_workers: dict[str, Counter[str]] = {}


@pytest.fixture(autouse=True)
def movable_clocks(let_pass: LetPass) -> None:
    """Let a dead process's lease run out without being waited for."""


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Iterator[Count]:
    """Return the function that counts one fault tried on a file system; at the end the counts are added to the file."""
    counts: dict[str, Counter[str]] = {}

    def count(fault: str, kind: str) -> None:
        counts.setdefault(fault, Counter())[kind] += 1

    yield count
    output = getattr(pytestconfig, "workeroutput", None)
    if output is not None:
        output["faults"] = {fault: dict(kinds) for fault, kinds in counts.items()}
    elif FAULTS_JSON:
        write_tally(Path(FAULTS_JSON), counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Add what a worker counted to what the others did."""
    for fault, kinds in getattr(node, "workeroutput", {}).get("faults", {}).items():
        _of_workers.setdefault(fault, Counter()).update(kinds)
    if FAULTS_JSON and _of_workers:
        write_tally(Path(FAULTS_JSON), _of_workers)


def write_tally(path: Path, counts: dict[str, Counter[str]]) -> None:
    """Replace in the file ``path`` the counts of the faults that this run tried."""
    known: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {}
    for fault, kinds in counts.items():
        known[fault] = {**known.get(fault, {}), **kinds}
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Callable[[Sequence[T], int], list[T]]:
    """Return a function that picks every n-th point, another first one for each test; all in the full profile."""

    def pick(points: Sequence[T], every: int) -> list[T]:
        if FULL:
            return list(points)
        first = sum(request.node.name.encode()) % min(every, len(points))
        return list(points[first::every])

    return pick
