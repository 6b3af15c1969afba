"""Every engine on every real file system that it works on, with a folder to work in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.copy.captured import Capture, CaptureRequest, Consistency, PreviousSnapshot
from jvs_core.payload.engines import select
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.manifest.lines import encode
from jvs_core.progress import SILENT, Progress
from tests.conftest import Mounts
from tests.support.filesystems import FileSystem

PAIRS = (
    ("juicefs", "juicefs-clone"),
    ("juicefs", "reflink-copy"),
    ("btrfs", "btrfs-snapshot"),
    ("btrfs", "reflink-copy"),
    ("btrfs", "copy"),
    ("xfs", "reflink-copy"),
    ("xfs", "copy"),
    ("ext4", "copy"),
)


@dataclass(frozen=True)
class Bench:
    """An engine and a folder of its file system; what is made here is removed by the engine afterwards."""

    engine: SnapshotEngine
    folder: Path
    kind: str

    def worktree(self, name: str = "worktree") -> Path:
        """Make an empty worktree."""
        self.engine.make_worktree(self.folder / name)
        return self.folder / name

    def index(self) -> StatIndex:
        """Return the stat index of the one worktree."""
        return StatIndex(self.folder / "index.sqlite")

    def capture(
        self,
        source: Path,
        name: str = "one",
        *,
        previous: PreviousSnapshot | None = None,
        consistency: Consistency = "quiesced",
        progress: Progress = SILENT,
    ) -> Capture:
        """Capture ``source`` to the new folder ``name``."""
        return self.engine.capture(
            CaptureRequest(source, self.folder / name, self.index(), previous, consistency, progress)
        )

    def previous(self, capture: Capture, name: str = "one") -> PreviousSnapshot | None:
        """Return the capture as the next one is given it; only engines that share files are."""
        if self.engine.name not in ("reflink-copy", "copy"):
            return None
        lines = encode(capture.entries)
        return PreviousSnapshot(self.folder / name, len(lines), lambda: iter(lines))


@pytest.fixture(params=PAIRS, ids=["-on-".join(reversed(pair)) for pair in PAIRS])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the kind of file system and the name of the engine."""
    kind, name = request.param
    return kind, name


@pytest.fixture
def bench(pair: tuple[str, str], mounts: Mounts, make_workdir: Callable[[FileSystem], Path]) -> Bench:
    """Return each engine on each of its file systems in turn."""
    kind, name = pair
    folder = make_workdir(mounts.get(kind))
    return Bench(select.choose(name, folder), folder, kind)
