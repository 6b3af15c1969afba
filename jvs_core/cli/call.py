"""One command line: what its common options say, and how it reaches the repository and the person."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from jvs_core.errors import InputError, NotARepository
from jvs_core.progress import SILENT, Progress

if TYPE_CHECKING:
    from jvs_core.operations.snapshot import Demand
    from jvs_core.repository import Repository

RepositoryOpener = Callable[[str], "Repository"]


def open_repository(path: str) -> Repository:
    """Open the repository at or above ``path``."""
    from jvs_core.repository import Repository

    return Repository.open(path)


def silent_progress(_finish: ExitStack) -> Progress:
    """Return the progress that shows nothing."""
    return SILENT


class Locking(TypedDict):
    """The arguments of an operation that say how it comes by the lock."""

    lock: bool
    wait_s: float


@dataclass
class Call:
    """The object that commands receive.

    ``opener`` opens the repository at or above a path. ``confirm`` asks the person a yes-or-no question; None when
    there is nobody to ask. ``progress_factory`` makes the receiver of the work's steps and registers its end on the
    stack. ``lock_wait`` is for a front end that takes locks for the person: it is asked before an operation that needs
    the lock of a worktree, and answers how many seconds that may wait for another holder. ``consistency`` is what a
    snapshot asks for when the command line does not say, ``lease_ms`` how long a lock taken by it lasts, and ``cells``
    gives the executed cells to keep with a snapshot. ``by_hand`` says that the process ends with the command, so that what it
    opened is closed by hand. ``command`` names the command that ran, and ``reads_input`` says
    whether stdin is for it. The other fields are the common options, wherever on the command line they stood.
    """

    opener: RepositoryOpener = open_repository
    confirm: Callable[[str], bool] | None = None
    progress_factory: Callable[[ExitStack], Progress] = silent_progress
    lock_wait: Callable[[Repository, str], float] | None = None
    consistency: Demand = "quiesced"
    lease_ms: Callable[[Repository], int] | None = None
    cells: Callable[[], bytes | None] | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    color: bool = True
    repo: str | None = None
    worktree: str | None = None
    command: str = ""
    reads_input: bool = False
    by_hand: bool = True
    finish: ExitStack = field(default_factory=ExitStack)

    def repository(self) -> Repository:
        """Open the repository that the command line means."""
        for option, value in (("--repo", self.repo), ("--worktree", self.worktree)):
            if value == "":
                raise InputError(
                    f"{option} is empty", hint=f"give a value after {option}, or leave the option out"
                )
        if self.repo is None:
            return self.opener(".")
        found = self.opener(self.repo)
        with suppress(FileNotFoundError):  # the current folder was removed
            if os.path.realpath(self.repo) == str(found.root):
                return self._around_here(found.root) or found
        return found

    def _around_here(self, root: Path) -> Repository | None:
        """Open the repository at ``root`` from the current directory, if that lies in it, for its worktree."""
        try:
            if not Path(os.getcwd()).is_relative_to(root):
                return None
            here = self.opener(".")
        except (NotARepository, OSError):  # gone, or root's own
            return None
        return here if here.root == root else None

    def locking(
        self, repository: Repository, *, needed: bool = True, lock: bool = False, wait_s: float | None = None
    ) -> Locking:
        """Return how an operation on the command line's worktree comes by the lock, where it is needed.

        ``lock`` and ``wait_s`` are what the options ``--lock`` and ``--wait`` say.
        """
        if self.lock_wait is None or not needed:
            return {"lock": lock, "wait_s": wait_s or 0.0}
        waiting = self.lock_wait(repository, self.worktree or repository.worktree)
        return {"lock": True, "wait_s": waiting if wait_s is None else wait_s}

    def progress(self) -> Progress:
        """Return the receiver of the work's steps; silent with ``-q`` and ``--json``."""
        return SILENT if self.quiet or self.json else self.progress_factory(self.finish)
