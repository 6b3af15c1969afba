"""Two hosts at work in one repository on a shared volume, each through its own mount, under the same host name."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest

from jvs_core import Progress, Repository, files
from jvs_core.control.lock import critical
from jvs_core.operations import at_rest
from jvs_core.settings import LeaseConfig, RepositoryConfig, render_config
from tests.conftest import Mounts
from tests.crash import children, stories, worlds
from tests.crash.children import Child
from tests.crash.stories import STORIES, Story
from tests.crash.worlds import REPAIRS, World
from tests.support.directories import fresh_directory
from tests.support.filesystems import FileSystem, juicefs_volume, silenced
from tests.support.hosts import Host, Work, stop
from tests.support.passing import LetPass

BRIEF = LeaseConfig(duration_ms=1000, renew_interval_ms=400, max_clock_skew_ms=0, steal_grace_ms=0)
LONG_AGO_S = 40


def _in_place(repo: Repository, progress: Progress) -> None:
    repo.restore_inplace("first", reason="test", lock=True, progress=progress)


def _rename(repo: Repository, progress: Progress) -> None:
    """Rename a worktree; between the name of its record and that of its folder is a step ``folder``."""
    rename = files.rename_durable

    def told(source: Path, target: Path) -> None:
        if source == repo.root / "worktrees" / "exp":
            progress.started("folder")
        rename(source, target)

    with mock.patch.object(files, "rename_durable", told):
        repo.worktrees.rename("exp", "renamed")


STORY = {story.name: story for story in STORIES}
ACTS = {"restore --inplace": _in_place, "worktree rename": _rename}
LOCKS_MAIN = ("snapshot --lock", "restore --inplace")
# Where others can go on, and where they wait for the repository's lock.
OUTSIDE = [
    ("snapshot --lock", "after ready"),
    ("restore", "after clone"),
    ("restore --path", "before settle"),
    ("restore --inplace", "after converge"),
    ("worktree create", "after settle"),
    ("worktree remove", "after hide"),
    ("worktree remove", "before delete"),
    ("sandbox", "before check"),
    ("gc run", "before drop"),
]
INSIDE = [
    ("snapshot --lock", "before catalog"),
    ("restore", "before publish"),
    ("worktree rename", "before folder"),
    ("gc run", "before audit"),
]
# Where others clear up after the dead, and after one who wakes.
DEAD = [*OUTSIDE[:4], OUTSIDE[5], OUTSIDE[7], *INSIDE]
WOKEN = [*OUTSIDE[:4], *OUTSIDE[5:8]]
FENCED = ("E_FENCING_MISMATCH", "E_LOCK_EXPIRED")
# How else an operation ends that others cleared up after: with nothing left to do, or without its worktree.
ENDS = {
    "worktree remove": (children.DONE, *FENCED),
    "sandbox": ("E_WORKTREE_NOT_FOUND",),
}


def story_of(name: str) -> Story:
    return replace(STORY[name], act=ACTS.get(name, STORY[name].act))


@dataclass(frozen=True)
class Pair:
    """The repository as two hosts see it, and what was in it at first."""

    a: Host
    b: Host
    before: World
    let_pass: LetPass

    def brief(self) -> None:
        """Let leases be short."""
        text = render_config(RepositoryConfig(lease=BRIEF))
        (self.b.root / ".jvs" / "config.toml").write_text(text)

    def stopped(self, name: str, point: str) -> Child:
        """Let the first host stop in the middle of an operation."""
        steps = children.Steps(at=point, act=stop)
        child = self.a.fork(lambda repo: story_of(name).act(repo, steps))
        child.wait_until_stopped()
        return child

    def require_sound(self) -> None:
        """Make sure that both hosts find the repository sound."""
        looking = [host.fork(require_sound) for host in (self.a, self.b)]
        said = [child.outcome() for child in looking]
        assert said == [children.DONE] * 2, "\n".join(said)

    def age(self, seconds: float = LONG_AGO_S) -> None:
        """Let ``seconds`` pass since the last sign of life of whatever is under way."""
        intents = list((self.b.root / ".jvs" / "intents").glob("*.json"))
        assert intents
        for path in intents:
            os.utime(path, (time.time() - seconds, time.time() - seconds))

    def outlive(self) -> None:
        """Let every lease that nobody renews run out."""
        self.let_pass(2 * BRIEF.duration_ms / 1000)


@dataclass(frozen=True)
class Volume:
    here: Path
    there: Path
    before: World


@pytest.fixture(scope="module")
def volume(mounts: Mounts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    """Make a world on the volume that each test gets a copy of."""
    filesystem = mounts.get("juicefs")
    with fresh(filesystem) as (here, there):
        state = tmp_path_factory.mktemp("maker")

        def make() -> None:
            os.environ.update(JVS_STATE_DIR=f"{state}/state", JVS_CACHE_DIR=f"{state}/cache")
            worlds.build(here / "repo", prepare)

        assert children.run(make) == children.DONE
        yield Volume(here, there, worlds.look(Repository.open(here / "repo")))


@pytest.fixture(scope="module")
def volatile(mounts: Mounts) -> Iterator[FileSystem]:
    """Return a volume whose clients lose their file locks after some seconds of silence."""
    mounts.get("juicefs")  # or this is skipped
    with juicefs_volume(heartbeat_s=1) as filesystem:
        yield filesystem


@contextmanager
def fresh(filesystem: FileSystem) -> Iterator[tuple[Path, Path]]:
    with fresh_directory(filesystem) as here:
        assert filesystem.second_mount is not None
        yield here, filesystem.second_mount / here.relative_to(filesystem.mount)


def prepare(repo: Repository) -> None:
    stories.throw_away(repo)
    repo.locks.release()


@pytest.fixture
def pair(volume: Volume, tmp_path: Path, let_pass: LetPass) -> Iterator[Pair]:
    name = uuid.uuid4().hex
    subprocess.run(["cp", "-a", volume.here / "repo", volume.here / name], check=True)
    yield Pair(
        Host(volume.here / name, tmp_path / "a"),
        Host(volume.there / name, tmp_path / "b"),
        volume.before,
        let_pass,
    )
    shutil.rmtree(volume.here / name)


def does(host: Host, work: Work) -> None:
    said = host.run(work)
    assert said == children.DONE, said


def is_healthy(repo: Repository) -> None:
    report = repo.doctor()
    assert report.healthy, report


def leaves_alone(repo: Repository) -> None:
    """Look, and repair what there is; leases that are over are nobody's."""
    is_healthy(repo)
    report = repo.doctor(repairs=REPAIRS)
    assert [what for what in report.repaired if not what.startswith("clean_locks: ")] == []
    assert report.healthy, report


def snapshot(repo: Repository) -> None:
    repo.snapshot("theirs", lock=True)


def require_sound(repo: Repository) -> None:
    report = repo.verify(every=True)
    assert report.ok, report
    found = repo.doctor(strict=True).findings
    assert [finding for finding in found if finding.severity != "info"] == []
    worlds.require_tidy(repo)


@pytest.mark.parametrize(("name", "point"), OUTSIDE)
def test_what_another_machine_is_doing_is_left_alone(pair: Pair, name: str, point: str) -> None:
    asleep = pair.stopped(name, point)
    try:
        left = pair.b.run(leaves_alone)
        taken = pair.b.run(snapshot)
    finally:
        asleep.resume()
        said = asleep.outcome()
    assert (left, said) == (children.DONE, children.DONE), f"{left}\n{said}"
    assert taken == ("E_LOCK_CONFLICT" if name in LOCKS_MAIN else children.DONE)
    pair.require_sound()
    assert worlds.look(Repository.open(pair.b.root)).visible() == STORY[name].after(pair.before)


@pytest.mark.parametrize(("name", "point"), INSIDE)
def test_what_another_machine_is_committing_is_waited_for(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, name: str, point: str
) -> None:
    monkeypatch.setattr(at_rest, "_WAIT_S", 0.5)  # one that only looks gives up soon
    asleep, waiting = pair.stopped(name, point), []
    try:
        looked = pair.b.run(is_healthy)
        waiting = [
            pair.b.fork(work) for work in (leaves_alone, lambda repo: repo.refs.create("theirs", "first"))
        ]
        time.sleep(0.3)
        ended = os.waitid(os.P_PID, waiting[-1].pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        assert ended is None, "it did not wait"
    finally:
        asleep.resume()
        said = [asleep.outcome(), *(child.outcome() for child in waiting)]
    assert [looked, *said] == [children.DONE] * 4, "\n".join([looked, *said])
    pair.require_sound()
    trees, refs = STORY[name].after(pair.before)
    assert worlds.look(Repository.open(pair.b.root)).visible() == (trees, {**refs, "theirs": refs["first"]})


@pytest.mark.parametrize(("name", "point"), DEAD)
def test_a_machine_that_died_is_cleared_up_after_once_it_was_silent(
    pair: Pair, name: str, point: str
) -> None:
    pair.brief()
    pair.stopped(name, point).kill()
    does(pair.b, leaves_alone)
    pair.age()
    pair.outlive()

    def clear(repo: Repository) -> None:
        allowed = STORY[name].after(pair.before)
        worlds.require_sound(repo.root, pair.before, lambda now: now.visible() == allowed)

    does(pair.b, clear)


@pytest.mark.parametrize(("name", "point"), WOKEN)
def test_who_was_cleared_up_after_and_wakes_takes_nothing_with_it(pair: Pair, name: str, point: str) -> None:
    pair.brief()
    asleep = pair.stopped(name, point)
    try:
        pair.age()
        pair.outlive()

        def clear(repo: Repository) -> None:
            repo.doctor(repairs=REPAIRS)
            repo.snapshot("theirs", lock=True)

        cleared = pair.b.run(clear)
    finally:
        asleep.resume()
        said = asleep.outcome()
    assert cleared == children.DONE, cleared
    assert said in ENDS.get(name, FENCED), said
    pair.require_sound()
    if name == "sandbox":  # what was made in it is in a snapshot
        notes = [item.descriptor.note for item in Repository.open(pair.b.root).history(every=True)]
        assert "sandbox, interrupted" in notes


CONTAINERS = {"two containers": (True, True), "from outside": (True, False), "from inside": (False, True)}


@pytest.fixture(params=CONTAINERS)
def contained(pair: Pair, request: pytest.FixtureRequest) -> Pair:
    """Return two hosts that are one machine: each a container of it, or one of them."""
    a, b = (
        replace(host, machine_id=None, boot_id=None, contained=inside)
        for host, inside in zip((pair.a, pair.b), CONTAINERS[request.param], strict=True)
    )
    return replace(pair, a=a, b=b)


def test_a_process_of_another_container_is_alive_while_it_gives_signs(contained: Pair) -> None:
    asleep = contained.stopped("restore", "after clone")
    try:
        left = contained.b.run(leaves_alone)
    finally:
        asleep.resume()
        said = asleep.outcome()
    assert [left, said] == [children.DONE] * 2
    does(contained.b, require_sound)


def test_a_process_of_another_container_is_dead_once_it_was_silent(contained: Pair) -> None:
    contained.stopped("restore", "after clone").kill()
    does(contained.b, leaves_alone)
    contained.age()
    does(contained.b, lambda repo: repo.doctor(repairs=REPAIRS))
    does(contained.b, require_sound)


@pytest.mark.skipif(not os.path.exists("/proc/self/ns/time"), reason="the kernel has no time namespaces")
def test_what_a_machine_did_before_it_was_started_anew_is_dead_at_once(pair: Pair) -> None:
    pair.stopped("restore", "after clone").kill()
    pair.age(5)
    started = replace(pair.b, uptime_s=1)
    does(started, leaves_alone)
    again = replace(started, machine_id=pair.a.machine_id)
    does(again, lambda repo: repo.doctor(repairs=REPAIRS))
    does(again, require_sound)


@pytest.mark.parametrize("point", ["before clone", "after ready"])
def test_a_snapshot_that_slept_past_its_lease_is_fenced_on_the_other_mount(pair: Pair, point: str) -> None:
    pair.brief()
    asleep = pair.stopped("snapshot --lock", point)
    pair.outlive()
    try:
        taken = pair.b.run(lambda repo: repo.snapshot("theirs", lock=True))
    finally:
        asleep.resume()
        said = asleep.outcome()
    assert taken == children.DONE, taken
    assert said in FENCED, said
    pair.require_sound()
    notes = [item.descriptor.note for item in Repository.open(pair.b.root).history(every=True)]
    assert ("theirs" in notes, "three" in notes) == (True, False)


@pytest.mark.parametrize("completed", [False, True], ids=["overtaken", "completed"])
def test_a_writer_whose_whole_machine_slept_in_the_critical_section(
    completed: bool, volatile: FileSystem, volume: Volume, tmp_path: Path, let_pass: LetPass
) -> None:
    with fresh(volatile) as (here, there):
        subprocess.run(["cp", "-a", volume.here / "repo", here / "repo"], check=True)
        pair = Pair(
            Host(here / "repo", tmp_path / "a"), Host(there / "repo", tmp_path / "b"), volume.before, let_pass
        )
        pair.brief()
        with mock.patch.object(critical, "TRUSTED_MS", 2000):
            asleep = pair.stopped("snapshot --lock", "before head")

        def go_on(repo: Repository) -> None:
            repo.refs.create("revoked", "first")
            if completed:
                pair.age()
                assert repo.doctor(repairs=["advance_head"]).repaired
            repo.snapshot("theirs", lock=True)

        try:
            with silenced(volatile):
                went = pair.b.run(go_on)
        finally:
            asleep.resume()
            said = asleep.outcome()
        assert went == children.DONE, went
        assert said in FENCED, said
        pair.require_sound()
        notes = [item.descriptor.note for item in Repository.open(pair.b.root).history()]
        assert notes[: 1 + completed] == ["theirs", "three"][: 1 + completed]
        assert ("three" in notes) == completed
