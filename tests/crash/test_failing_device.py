from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.errors import error_classes
from jvs_core.progress import SILENT
from tests.crash import children, tracing
from tests.crash.conftest import Count
from tests.crash.stories import STORIES, Story
from tests.crash.worlds import build, look, require_sound
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem
from tests.support.marks import on

pytestmark = pytest.mark.in_turn
Sample = Callable[[Any, int], Any]
CODES = {found.code for found in error_classes()} - {"E_INTERNAL"}
# What a device may refuse; a failing removal or change of mode is a device's matter as well.
FAILING = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "copy_file_range",
)
# A worktree that passes stays when the snapshot of it fails, and the error says so: that is no story of these.
TRIED = [
    story for story in STORIES if not any(word in story.name for word in ("lock", "sandbox", "isolated"))
]


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_device_that_fails_at_any_call_of_a_publish_gives_an_error_or_a_whole_snapshot(
    error: str, filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    tracing.require_strace()
    repo = build(workdir / "repo", lambda repo: None)
    made = tracing.calls(lambda: repo.snapshot("counted"))
    remove_directory(filesystem, workdir / "repo")
    points = [(call, number) for call, number in made if call in FAILING]
    outcomes: Counter[str] = Counter()
    for call, number in sample(points, 20 if filesystem.kind == "juicefs" else 6):
        for variable in ("JVS_STATE_DIR", "JVS_CACHE_DIR"):
            shutil.rmtree(os.environ[variable], ignore_errors=True)
        repo = build(workdir / "repo", lambda repo: None)
        try:
            outcomes[_fail(repo, call, number, error)] += 1
        except BaseException as problem:
            problem.add_note(f"{error} from {call} {number}")
            raise
        remove_directory(filesystem, workdir / "repo")
        tally(f"{error} from a call of a publish", filesystem.kind)
    assert outcomes.total() > outcomes[children.DONE]


@pytest.mark.parametrize("story", TRIED, ids=str)
@on("xfs")
def test_a_device_that_fails_at_any_call_gives_an_error_and_loses_nothing(
    story: Story, filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    tracing.require_strace()
    repo = build(workdir / "repo", story.prepare)
    made = tracing.calls(lambda: story.act(repo, SILENT))
    remove_directory(filesystem, workdir / "repo")
    points = [(call, number) for call, number in made if call in (*FAILING, "mkdir", "unlink", "rmdir")]
    for call, number in sample(points, 24):
        for variable in ("JVS_STATE_DIR", "JVS_CACHE_DIR"):
            shutil.rmtree(os.environ[variable], ignore_errors=True)
        repo = build(workdir / "repo", story.prepare)
        before = look(repo)
        error = ("EIO", "ENOSPC")[number % 2]
        said = tracing.failing_at(lambda: story.act(repo, SILENT), call, number, error)  # noqa: B023 - called at once
        try:
            assert said in CODES or said == children.DONE, said
            require_sound(repo.root, before, lambda now: now.visible() == story.after(before))  # noqa: B023
        except BaseException as problem:
            problem.add_note(f"{error} from {call} {number}")
            raise
        remove_directory(filesystem, workdir / "repo")
        tally(f"{error} from a call of any operation", filesystem.kind)


def _fail(repo: Repository, call: str, number: int, error: str) -> str:
    """Let one call of a publish fail; hold what was said against what is there, and return it."""
    before = look(repo)
    said = tracing.failing_at(lambda: repo.snapshot("failing"), call, number, error)
    assert said in CODES or said == children.DONE, said
    notes = [item.descriptor.note for item in repo.history(every=True)]
    after = require_sound(repo.root, before, lambda now: False)
    fresh = [tree for key, tree in after.snapshots.items() if key not in before.snapshots]
    assert all(tree == before.worktrees["main"] for tree in fresh)
    if said == children.DONE:
        assert "failing" in notes
    return said
