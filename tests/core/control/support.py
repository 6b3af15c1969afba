"""An empty control plane, callers with names of their own, and processes that contend for a lock."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from jvs_core.control import control_folders
from jvs_core.control.layout import Layout
from jvs_core.control.lock import lock
from jvs_core.control.lock.lease import Lease
from jvs_core.settings import LeaseConfig, Settings

PROJECT = Path(__file__).parents[3]
WORKTREE_ID = "5a3f9f0e-6f3c-4f0e-9d68-0c9f6a0a8c11"
STRICT = LeaseConfig(max_clock_skew_ms=0, steal_grace_ms=0)


def make_layout(root: Path, *, shared: bool = False) -> Layout:
    """Make the control folders of an empty repository."""
    layout = Layout(root, shared)
    layout.control.mkdir()
    control_folders.complete(layout)
    (layout.control / "repo_id").write_text(f"{uuid.uuid4()}\n")
    return layout


def caller(state: Path, *, user: str = "ada", host: str = "here", session: str = "default") -> Settings:
    """Return the settings of a caller."""
    return Settings(user, host, session, None, state / "state", state / "cache")


def take(
    layout: Layout,
    who: Settings,
    *,
    config: LeaseConfig | None = None,
    lease_ms: int = 60_000,
    floor: int = 0,
    own: Lease | None = None,
    purpose: str = "",
) -> Lease:
    """Take the lock of the one worktree that these tests know."""
    return lock.acquire(
        layout,
        who,
        config or LeaseConfig(),
        worktree="main",
        worktree_id=WORKTREE_ID,
        lease_ms=lease_ms,
        purpose=purpose,
        floor=floor,
        own=own,
    )[0]


class Contender:
    """A process that works on a lock as another host would; see ``contender``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, line: str) -> None:
        """Send one line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """Return the next answer."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@contextmanager
def contenders(roots: Sequence[Path]) -> Iterator[list[Contender]]:
    """Start one process for each root (the same repository, perhaps by several mounts), all ready to begin."""
    with ExitStack() as undo:
        found = []
        for number, root in enumerate(roots):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.core.control.contender", str(root), f"user{number}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=PROJECT,
            )
            undo.enter_context(process)
            undo.callback(process.kill)
            found.append(Contender(process))
        for contender in found:
            assert contender.hear() == "ready"
        yield found
