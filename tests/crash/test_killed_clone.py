"""``clone`` and ``import``, killed at every step: the source is as it was, there is a whole repository or none, and the same command makes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.core.operations.moving import test_import_first
from tests.core.operations.moving.test_clone import fill, require_sound
from tests.core.operations.moving.test_import import unpack
from tests.crash import children
from tests.crash.conftest import Count
from tests.crash.test_killed_init import clear
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem

pytestmark = pytest.mark.in_turn
Sample = Callable[[Any, int], Any]


def hold(root: Path, act: Callable[[Any], object]) -> None:
    """Check what a killed clone left against the promise; let the next try, if one is needed, make the repository."""
    target = root / "clone"
    if not target.exists():
        left = root / ".clone.unfinished" / ".jvs" / "format_version"
        assert not left.exists() or (left.parent / "audit" / "audit.jsonl").exists()
        act(children.Steps())
    clone = Repository.open(target)
    require_sound(clone)
    assert {".jvs", "main", "worktrees"} == set(os.listdir(target))
    (clone.root / "main" / "new").write_text("new")
    clone.snapshot("work goes on", lock=True)
    assert clone.verify(every=True).ok
    assert not [name for name in os.listdir(root) if name.startswith(".")]


@pytest.mark.parametrize("same_id", [False, True], ids=["clone", "move"])
def test_a_clone_killed_at_any_step_is_none_and_goes_on(
    filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count, same_id: bool
) -> None:
    repo = fill(workdir / "repo")
    repo.refs.create("best", "HEAD~1")
    repo.worktrees.create("side", from_="best")
    before = len(repo.audit.log())

    def act(progress: Any) -> object:
        return Repository.clone(repo.root, workdir / "clone", same_id=same_id, progress=progress)

    for _ in range(2):  # the first one fills the caches, and has more steps
        steps = children.Steps()
        act(steps)
        remove(filesystem, workdir)
    assert steps.seen[0] == "before read"
    assert steps.seen[-1] == "after publish"
    for number in sample(range(len(steps.seen)), 12 if filesystem.kind == "juicefs" else 5):
        progress = children.Steps(at=number, act=children.die)
        assert children.run(lambda: act(progress)) == children.KILLED  # noqa: B023 - called at once
        try:
            hold(workdir, act)
            tally("clone: killed at a step", filesystem.kind)
        except BaseException as error:
            error.add_note(f"killed {steps.seen[number]} ({number})")
            raise
        remove(filesystem, workdir)
    assert len(repo.audit.log()) == before
    repo.doctor(repairs=["clean_intents"])
    require_sound(repo)


@pytest.mark.parametrize("version", ["v8.2", "0.1.0"])
def test_an_import_killed_at_any_step_is_none_and_goes_on(
    filesystem: FileSystem, workdir: Path, tmp_path: Path, sample: Sample, tally: Count, version: str
) -> None:
    (tmp_path / "old").mkdir()
    source = (
        test_import_first.unpack(tmp_path / "old")
        if version == "0.1.0"
        else unpack(version, tmp_path / "old")
    )

    def act(progress: Any) -> object:
        return Repository.import_old(source, workdir / "clone", progress=progress)

    steps = children.Steps()
    act(steps)
    clear(workdir, filesystem)
    for number in sample(range(len(steps.seen)), 8 if filesystem.kind == "juicefs" else 4):
        progress = children.Steps(at=number, act=children.die)
        assert children.run(lambda: act(progress)) == children.KILLED  # noqa: B023 - called at once
        try:
            hold(workdir, act)
            tally("import: killed at a step", filesystem.kind)
        except BaseException as error:
            error.add_note(f"killed {steps.seen[number]} ({number})")
            raise
        clear(workdir, filesystem)


def remove(filesystem: FileSystem, workdir: Path) -> None:
    """Take the clone away again."""
    for name in os.listdir(workdir):
        if name != "repo":
            remove_directory(filesystem, workdir / name)
