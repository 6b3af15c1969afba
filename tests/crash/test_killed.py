from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.progress import SILENT
from tests.crash import children, tracing
from tests.crash.conftest import Count
from tests.crash.stories import STORIES, Story
from tests.crash.worlds import build, look, require_sound
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem

pytestmark = pytest.mark.in_turn
Sample = Callable[[Any, int], Any]
STEPPED = [
    story
    for story in STORIES
    if not story.name.startswith(
        (
            "annotate",
            "keep_file",
            "ref",
            "lock",
            "gc pin",
            "gc unpin",
            "undo --forget",
            "worktree rename",
            "doctor after a killed gc",
        )
    )
]
_CLIENT_DIED = {"juicefs": ("E_ENGINE_FAILED",)}


@contextmanager
def begun(story: Story, workdir: Path, filesystem: FileSystem) -> Iterator[Repository]:
    """Yield a repository on which the story's operation may be carried out."""
    yield build(workdir / "repo", story.prepare)
    remove_directory(filesystem, workdir / "repo")
    for variable in ("JVS_STATE_DIR", "JVS_CACHE_DIR"):
        shutil.rmtree(os.environ[variable], ignore_errors=True)


def killed(story: Story, workdir: Path, filesystem: FileSystem, kill: Callable[[Repository], str]) -> bool:
    """Kill the story's operation, hold what it left against what it found, and return whether it was killed.

    On JuiceFS it may be the client program, started by the operation, that dies; then that is told, and no more lost.
    """
    with begun(story, workdir, filesystem) as repo:
        before = look(repo)
        outcome = kill(repo)
        assert outcome in (children.KILLED, children.DONE, *_CLIENT_DIED.get(filesystem.kind, ())), outcome
        require_sound(repo.root, before, lambda now: now.visible() == story.after(before))
    return outcome != children.DONE


@pytest.mark.parametrize("story", STEPPED, ids=str)
def test_killed_at_any_step_it_loses_nothing(
    story: Story, filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    steps = children.Steps()
    with begun(story, workdir, filesystem) as repo:
        before = look(repo)
        story.act(repo, steps)
        assert look(repo).visible() == story.after(before)
    assert steps.seen
    for number in sample(range(len(steps.seen)), 12 if filesystem.kind == "juicefs" else 5):
        progress = children.Steps(at=number, act=children.die)
        try:
            killed(
                story,
                workdir,
                filesystem,
                lambda repo: children.run(lambda: story.act(repo, progress)),  # noqa: B023 - called at once
            )
        except BaseException as error:
            error.add_note(f"killed {steps.seen[number]} ({number})")
            raise
        tally("killed at a step", filesystem.kind)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_killed_at_any_system_call_that_writes_it_loses_nothing(
    story: Story, filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    tracing.require_strace()
    with begun(story, workdir, filesystem) as repo:
        calls = tracing.calls(lambda: story.act(repo, SILENT))
    tried = 0
    for call, number in sample(calls, 80 if filesystem.kind == "juicefs" else 32):
        try:
            hit = killed(
                story,
                workdir,
                filesystem,
                lambda repo: tracing.killed_at(lambda: story.act(repo, SILENT), call, number),  # noqa: B023 - called at once
            )
        except BaseException as error:
            error.add_note(f"killed at {call} {number}")
            raise
        if hit:  # where threads share the work, another one makes the call each time, and none so many
            tried += 1
            tally("killed at a system call", filesystem.kind)
    assert tried or filesystem.kind == "juicefs"
