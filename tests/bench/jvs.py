"""JVS as a contender."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.contender import Operation
from tests.bench.process import Command, run
from tests.bench.stage import Stage

_LEASE_MS = "86400000"


def command(folder: Path, aside: Path, *arguments: str) -> Command:
    """Return the command ``jvs`` of this environment, run in ``folder``, with its user state and cache in ``aside``."""
    found = Path(sys.executable).parent / "jvs"
    folders = {"JVS_STATE_DIR": str(aside / "state"), "JVS_CACHE_DIR": str(aside / "cache")}
    return Command((str(found), *arguments), folder, {**folders, "JVS_SESSION": "bench"})


def answer(asked: Command) -> dict[str, object]:
    """Return what the command says with ``--json``."""
    done = subprocess.run(
        [*asked.arguments, "--json"],
        cwd=asked.folder, env=dict(asked.environment), capture_output=True, check=True,
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout)
    return found


class Jvs:
    """The command on a repository whose main worktree is the stage's tree; the lock is held throughout."""

    name = "JVS"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.repositories = 0
        self.root = stage.base

    def prepare(self, operation: Operation) -> Command | None:
        """Return the command for ``operation``; a first snapshot is one of a new repository."""
        if operation == "first":
            self._begin()
        if operation in ("changed", "inplace"):
            self.stage.change()
        if operation == "restore":
            self.stage.remove(self.root / "worktrees" / "back")
            self.stage.remove(self.root / ".jvs" / "worktrees" / "back")
        return self._jvs(*_ARGUMENTS[operation])

    def engine(self) -> str:
        """Return the name of the engine that the repository works with."""
        return str(answer(self._jvs("info"))["snapshot_engine"])

    def _begin(self) -> None:
        """Give the tree to a new repository, which has seen nothing of it; the earlier one goes."""
        self.repositories += 1
        earlier, tree = self.root, self.stage.tree
        run(command(self.stage.base, self.stage.aside, "init", f"jvs-{self.repositories}"))
        self.root = self.stage.base / f"jvs-{self.repositories}"
        main = self.root / "main"
        main.rmdir()
        self.stage.tree = tree.rename(main)
        run(self._jvs("lock", "acquire", "--lease-ms", _LEASE_MS))
        if earlier != self.stage.base:
            self.stage.remove(earlier)

    def _jvs(self, *arguments: str) -> Command:
        return command(self.root / "main", self.stage.aside, *arguments)


_ARGUMENTS: dict[Operation, tuple[str, ...]] = {
    "first": ("snapshot", "bench"),
    "changed": ("snapshot", "bench"),
    "unchanged": ("snapshot", "bench"),
    "restore": ("restore", "HEAD", "--name", "back"),
    "inplace": ("restore", "HEAD", "--inplace", "--force", "--reason", "bench"),
    "verify": ("verify",),
}
