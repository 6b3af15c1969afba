"""A repository with snapshots and the lock held, and how that lock is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jvs_core.control.lock import slots
from tests.core.cli.conftest import Jvs
from tests.support.passing import LetPass


class Scene:
    """A repository with two snapshots, the lock held."""

    def __init__(
        self,
        root: Path,
        ids: tuple[str, str],
        jvs: Jvs,
        monkeypatch: pytest.MonkeyPatch,
        let_pass: LetPass,
    ) -> None:
        self.root = root
        self.control = root / ".jvs"
        self.ids = ids
        self.jvs = jvs
        self.monkeypatch = monkeypatch
        self.let_pass = let_pass

    def session(self, name: str) -> None:
        """Be another holder of the same user from now on."""
        self.monkeypatch.setenv("JVS_SESSION", name)

    def lease(self, **fields: Any) -> None:
        """Change fields of the lease that is held, as its holder's renewal would."""
        newest = max((path for path in self.control.glob("locks/*/*")), key=lambda path: int(path.name))
        slots.update(newest, lambda value: {**value, **fields})


@pytest.fixture
def scene(
    repo: Path, two: tuple[str, str], jvs: Jvs, monkeypatch: pytest.MonkeyPatch, let_pass: LetPass
) -> Scene:
    jvs("lock", "acquire")
    return Scene(repo, two, jvs, monkeypatch, let_pass)


def run_out(scene: Scene) -> list[str]:
    """Let the lease run out; return a command that needs the lock."""
    scene.jvs("lock", "release")
    scene.jvs("lock", "acquire", "--lease-ms", "1000")
    scene.let_pass(1.1)
    return ["snapshot", "x"]


def taken_over(scene: Scene) -> list[str]:
    """Let another session take the lock over; return a command that needs it."""
    past = "2020-01-01T00:00:00.000Z"
    scene.lease(last_renewed_at=past, lease_expires_at=past)
    scene.session("other")
    scene.jvs("lock", "acquire")
    scene.session("default")
    return ["snapshot", "x"]
