"""``init``, killed: the source keeps every byte, there is a whole repository or none, and the next try makes one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Progress, Repository
from jvs_core.progress import SILENT
from tests.crash import children, power, tracing
from tests.crash.conftest import Count
from tests.crash.test_power_cut import Camera, device
from tests.crash.worlds import Tree, tree_of
from tests.support.directories import remove_directory
from tests.support.filesystems import LOOP_KINDS, FileSystem

pytestmark = pytest.mark.in_turn
Sample = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Case:
    """How a repository is made: of nothing, of a folder beside it, or inside of the folder it is made of."""

    name: str
    target: str
    source: str | None = None

    def __str__(self) -> str:
        return self.name

    def act(self, root: Path, progress: Progress = SILENT) -> Repository:
        """Make the repository; an earlier try of a process that died is forgotten as after a minute."""
        return Repository.init(
            root / self.target, from_=None if self.source is None else root / self.source, progress=progress
        )


CASES = [
    Case("init", "repo"),
    Case("init --from", "repo", "old"),
    Case("init --from .", "old/repo", "old"),
]
WAYS = pytest.mark.parametrize("case", CASES, ids=str)


def begin(root: Path) -> Tree:
    """Make the folder that repositories are made of, and return what it holds."""
    old = root / "old"
    (old / "data").mkdir(parents=True)
    (old / "data" / "big.bin").write_bytes(os.urandom(300_000))
    (old / "notes.txt").write_text("notes")
    (old / "link").symlink_to("notes.txt")
    (old / "readonly").write_text("mode")
    (old / "readonly").chmod(0o400)
    for path in (old, old / "data", old / "data" / "big.bin", old / "notes.txt", old / "readonly"):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
    return tree_of(old)


def hold(case: Case, root: Path, source: Tree) -> None:
    """Hold what a killed ``init`` left against the promise; let the next try, if one is needed, make the repository."""
    target = root / case.target
    assert without(tree_of(root / "old"), case) == source
    if not target.exists():
        for left in root.rglob(".repo.*.tmp"):
            os.utime(left, (0, 0))  # a minute has passed
        case.act(root)
    repo = Repository.open(target)
    report = repo.doctor(strict=True)
    assert (report.healthy, report.findings) == (True, [])
    assert tree_of(repo.root / "main") == (source if case.source else {})
    assert without(tree_of(root / "old"), case) == source
    assert sorted(os.listdir(root)) == sorted({"old", case.target.partition("/")[0]})
    assert {".jvs", "main", "worktrees"} == set(os.listdir(target))
    repo.snapshot("work goes on", lock=True)
    assert repo.verify(every=True).ok
    assert [record.operation for record in repo.audit.log()][-1] == "init"


def without(tree: Tree, case: Case) -> Tree:
    """Return a tree without the repository in it, and what is being made of one."""
    return {path: entry for path, entry in tree.items() if not path.startswith((b"repo", b".repo."))}


def clear(root: Path, filesystem: FileSystem) -> None:
    """Take everything away again."""
    for name in os.listdir(root):
        remove_directory(filesystem, root / name)
    for variable in ("JVS_STATE_DIR", "JVS_CACHE_DIR"):
        shutil.rmtree(os.environ[variable], ignore_errors=True)


@WAYS
def test_killed_at_any_step_it_loses_nothing(
    case: Case, filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    begin(workdir)
    steps = children.Steps()
    case.act(workdir, steps)
    clear(workdir, filesystem)
    assert steps.seen[0] == "before control"
    assert steps.seen[-1] == "after publish"
    for number in sample(range(len(steps.seen)), 4 if filesystem.kind == "juicefs" else 2):
        source = begin(workdir)
        progress = children.Steps(at=number, act=children.die)
        assert children.run(lambda: case.act(workdir, progress)) == children.KILLED  # noqa: B023 - called at once
        try:
            hold(case, workdir, source)
        except BaseException as error:
            error.add_note(f"killed {steps.seen[number]} ({number})")
            raise
        clear(workdir, filesystem)
        tally("killed at a step", filesystem.kind)


@WAYS
def test_killed_at_any_system_call_that_writes_it_loses_nothing(
    case: Case, filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    tracing.require_strace()
    begin(workdir)
    calls = tracing.calls(lambda: case.act(workdir))
    clear(workdir, filesystem)
    for call, number in sample(calls, 40 if filesystem.kind == "juicefs" else 16):
        source = begin(workdir)
        outcome = tracing.killed_at(lambda: case.act(workdir), call, number)
        assert outcome in (children.KILLED, children.DONE), outcome
        try:
            hold(case, workdir, source)
        except BaseException as error:
            error.add_note(f"killed at {call} {number}")
            raise
        clear(workdir, filesystem)
        if outcome == children.KILLED:
            tally("killed at a system call", filesystem.kind)


@pytest.fixture
def outer(xfs: FileSystem, make_workdir: Callable[[FileSystem], Path]) -> Path:
    return make_workdir(xfs)


@pytest.mark.parametrize("kind", LOOP_KINDS)
@WAYS
def test_power_cut_at_any_step_it_loses_nothing(
    case: Case, kind: str, outer: Path, sample: Sample, tally: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    with device(kind, outer) as (inner, album):
        source = begin(inner.mount / "work")
        os.sync()
        camera = Camera(inner.image or Path(), album)
        Path(os.environ["JVS_STATE_DIR"]).mkdir(exist_ok=True)

        def work() -> None:
            case.act(inner.mount / "work", camera)
            camera.take("reported")

        assert children.run(work) == children.DONE
    frames = sorted(album.iterdir(), key=lambda frame: int(frame.name))
    mount = outer / "mount"
    mount.mkdir()
    for number in sorted({*sample(range(len(frames)), 5), len(frames) - 1}):
        point = (frames[number] / "point").read_text()
        monkeypatch.setenv("JVS_STATE_DIR", str(frames[number] / "state"))
        monkeypatch.setenv("JVS_CACHE_DIR", str(frames[number] / "cache"))
        try:
            with power.mounted(kind, frames[number] / "image", mount):
                assert point != "reported" or (mount / "work" / case.target).exists()
                hold(case, mount / "work", source)
        except BaseException as error:
            error.add_note(f"power cut: {point} ({number} of {len(frames)})")
            raise
        tally("power cut at a step", kind)


def test_one_that_is_still_building_is_left_alone(workdir: Path) -> None:
    """Two makers of one name: the second leaves the first one's work alone, and one of them has it."""
    begin(workdir)
    case = CASES[1]
    child = children.fork(lambda: case.act(workdir, children.Steps(at="after clone", act=children.stop)))
    child.wait_until_stopped()
    try:
        case.act(workdir)
        assert len(list(workdir.glob(".repo.*.tmp"))) == 1
    finally:
        child.resume()
    assert child.outcome() == "E_ALREADY_EXISTS"
    assert sorted(os.listdir(workdir)) == ["old", "repo"]
    assert Repository.open(workdir / "repo").doctor(strict=True).healthy


def test_what_is_only_called_like_one_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path)
    names = (".repo.0123abcd.tmp", ".repo.tmp", ".repo.0123abcd.tmp.bak", ".other.0123abcd.tmp")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    CASES[1].act(tmp_path)
    assert [(tmp_path / name / "mine.txt").read_text() for name in names] == ["mine"] * 4
