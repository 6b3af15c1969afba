from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.crash import children, power
from tests.crash.conftest import Count
from tests.crash.stories import STORIES, Story
from tests.crash.worlds import World, build, look, require_sound
from tests.support.filesystems import GIB, LOOP_KINDS, FileSystem, loop_filesystem

pytestmark = pytest.mark.in_turn
Sample = Callable[[range, int], list[int]]
CUT = [story for story in STORIES if not story.name.startswith("lock renew")]


@dataclass
class Camera:
    """A receiver of progress that takes an image of the device, and of the user's state, at every point of the work."""

    image: Path
    album: Path
    taken: list[tuple[str, Path]] = field(default_factory=list)

    def started(self, step: str, total: int | None = None) -> None:
        self.take(f"before {step}")

    def advanced(self, amount: int = 1) -> None:
        pass

    def finished(self, step: str) -> None:
        self.take(f"after {step}")

    def take(self, point: str) -> None:
        folder = self.album / str(len(list(self.album.iterdir())))
        folder.mkdir()
        power.copy_image(self.image, folder / "image")
        shutil.copytree(os.environ["JVS_STATE_DIR"], folder / "state")
        (folder / "point").write_text(point)


@contextmanager
def device(kind: str, outer: Path) -> Iterator[tuple[FileSystem, Path]]:
    album = outer / "album"
    album.mkdir()
    with loop_filesystem(kind, size=GIB // 2, folder=outer) as inner:
        yield inner, album


@pytest.fixture
def outer(xfs: FileSystem, make_workdir: Callable[[FileSystem], Path]) -> Path:
    return make_workdir(xfs)


@pytest.mark.parametrize("kind", LOOP_KINDS)
@pytest.mark.parametrize("story", CUT, ids=str)
def test_power_cut_at_any_step_it_loses_nothing(
    story: Story, kind: str, outer: Path, sample: Sample, tally: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    with device(kind, outer) as (inner, album):
        repo = build(inner.mount / "repo", story.prepare)
        keep(repo)
        before = look(repo)
        camera = Camera(inner.image or Path(), album)

        def work() -> None:
            camera.take("before")
            story.act(Repository.open(repo.root), camera)
            camera.take("reported")

        # In a child, so that whoever wrote the intents is gone when they are looked at, as after a restart.
        assert children.run(work) == children.DONE
        done = look(repo)
        wanted = story.after(before)
        assert done.visible() == wanted
        # btrfs takes a mounted original for its copies: it must be gone first.
    frames = sorted(album.iterdir(), key=lambda frame: int(frame.name))
    chosen = {*sample(range(len(frames)), 16), len(frames) - 1}
    mount = outer / "mount"
    mount.mkdir()
    for frame in (frames[number] for number in sorted(chosen)):
        point = (frame / "point").read_text()
        monkeypatch.setenv("JVS_STATE_DIR", str(frame / "state"))
        monkeypatch.setenv("JVS_CACHE_DIR", str(frame / "cache"))
        try:
            with power.mounted(kind, frame / "image", mount):
                hold(mount / "repo", before, done, wanted, reported=point == "reported")
        except BaseException as error:
            error.add_note(f"power cut: {point} ({frame.name} of {len(frames)})")
            raise
        tally("power cut at a step", kind)


def keep(repo: Repository) -> None:
    """Make the user's own files durable, as his programs would; the repository has to see to everything else."""
    for folder, _, names in os.walk(repo.root / "main"):
        for name in (".", *names):
            path = Path(folder, name)
            if not path.is_symlink():
                fd = os.open(path, os.O_RDONLY)
                os.fsync(fd)
                os.close(fd)


def hold(root: Path, before: World, done: World, wanted: object, *, reported: bool) -> None:
    """Hold what came back after the cut against what was there and, where that was reported, what was done."""
    if reported:
        assert look(Repository.open(root)) == done
    after = require_sound(root, before, lambda now: now.visible() == wanted)
    if reported:
        assert after.visible() == wanted
