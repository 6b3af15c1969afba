"""A repository that is made once for a module, and of which each test gets a copy, with its user's state."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from jvs_core import Repository, Settings


@dataclass(frozen=True)
class Original:
    """A repository and the state that its user has of it, side by side in a folder."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, fill: Callable[[Repository], object]) -> Original:
        """Make a repository in ``folder`` and let ``fill`` say what is in it."""
        settings = replace(
            Settings.from_environment(), state_dir=folder / "state", cache_dir=folder / "cache"
        )
        fill(Repository.init(folder / "repo", engine="copy", settings=settings))
        return cls(folder)

    def copy(self, root: Path) -> Repository:
        """Return a copy at ``root``, hard links and times kept; the test's own state becomes that of the original."""
        _copy(self.folder / "repo", root)
        _copy(self.folder / "state", Path(os.environ["JVS_STATE_DIR"]))
        return Repository.open(root)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--archive", "--reflink=auto", "-T", "--", source, target], check=True)
