"""Where a run takes place: the worktree around it, and its paths as that worktree sees them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jvs_core import Repository


@dataclass(frozen=True)
class Place:
    """A worktree and the folder that the run works in."""

    repository: Repository
    worktree: str
    root: Path
    cwd: Path

    def relative(self, path: str | os.PathLike[str]) -> str | None:
        """Return a path as the worktree sees it; None when it lies outside."""
        return within(self.root, path)


def at(repository: Repository, worktree: str, cwd: Path) -> Place:
    """Return the place of a run in a worktree that is known. Raises WorktreeNotFound."""
    return Place(repository, worktree, repository.worktrees.path(worktree), cwd)


def within(folder: Path, path: str | os.PathLike[str]) -> str | None:
    """Return a path as seen from a folder, links followed; None when it lies outside."""
    try:
        return as_text(Path(os.path.realpath(path)).relative_to(os.path.realpath(folder)))
    except ValueError:
        return None


def as_text(path: str | os.PathLike[str]) -> str:
    """Return a path as a record can hold it."""
    return str(path).encode("utf-8", "backslashreplace").decode()
