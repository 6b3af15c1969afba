from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.settings import LeaseConfig, RepositoryConfig, from_environment, render_config
from tests.crash import children
from tests.crash.conftest import Count
from tests.crash.worlds import REPAIRS, look, tree_of
from tests.support.filesystems import FileSystem
from tests.support.passing import LetPass

LEASE_MS = 4000


@dataclass(frozen=True)
class Rivals:
    """One repository as two holders see it: on one machine, or by two clients of a shared volume."""

    sleeper: Repository
    thief: Repository
    kind: str


@pytest.fixture(params=["xfs", "juicefs"])
def rivals(request: pytest.FixtureRequest, make_workdir: Callable[[FileSystem], Path]) -> Rivals:
    if request.param == "juicefs":
        here, there = request.getfixturevalue("juicefs_pair")
    else:
        here = there = make_workdir(request.getfixturevalue("xfs"))
    root = Repository.init(here / "repo").root
    lease = LeaseConfig(duration_ms=LEASE_MS, renew_interval_ms=400, max_clock_skew_ms=0, steal_grace_ms=0)
    (root / ".jvs" / "config.toml").write_text(render_config(RepositoryConfig(lease=lease)))
    sleeper = Repository.open(root)
    (root / "main" / "file").write_text("one")
    (root / "main" / "gone").write_text("gone")
    sleeper.snapshot("one", lock=True)
    (root / "main" / "file").write_text("two")
    (root / "main" / "gone").unlink()
    sleeper.snapshot("two", lock=True)
    thief = Repository.open(there / "repo", settings=replace(from_environment(), session="thief"))
    return Rivals(sleeper, thief, request.param)


SLEEPS = [
    ("snapshot", "before clone"),
    ("snapshot", "after ready"),
    ("restore --inplace", "before intent"),
    ("restore --inplace", "before converge"),
]


@pytest.mark.parametrize(("operation", "point"), SLEEPS)
def test_a_holder_that_slept_past_its_lease_publishes_nothing(
    rivals: Rivals, operation: str, point: str, tally: Count, let_pass: LetPass
) -> None:
    repo, thief = rivals.sleeper, rivals.thief
    first = repo.resolve("HEAD~1")
    progress = children.Steps(at=point, act=children.stop)

    def work() -> None:
        if operation == "snapshot":
            repo.snapshot("slept", lock=True, progress=progress)
        else:
            repo.restore_inplace(first, reason="slept", lock=True, progress=progress)

    asleep = children.fork(work)
    asleep.wait_until_stopped()
    try:
        let_pass(LEASE_MS / 1000)
        thief.locks.acquire(wait_s=20)
        assert "slept" not in [item.descriptor.note for item in thief.history(every=True)]
        thief.snapshot("stolen")
        before = look(thief)
    finally:
        asleep.resume()
        said = asleep.outcome()
    assert said in ("E_FENCING_MISMATCH", "E_LOCK_EXPIRED"), said
    after = look(thief)
    assert (after.snapshots, after.refs) == (before.snapshots, before.refs)
    assert after.worktrees == before.worktrees
    # What the sleeper left is nobody's any more, whoever of the two mends it.
    thief.doctor(repairs=REPAIRS)
    assert thief.verify(every=True).ok
    assert tree_of(thief.root / "main") == before.worktrees["main"]
    assert os.listdir(thief.root / ".jvs" / "intents") == []
    tally("stopped past the lease", rivals.kind)
