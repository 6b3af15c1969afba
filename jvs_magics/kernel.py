"""The state of one kernel, as the parts of ``%jvs`` see it, so that none of them needs the magics themselves."""

from __future__ import annotations

from typing import Any, Protocol

from jvs_magics.cells import ExecutedCells
from jvs_magics.locks import KeptLocks
from jvs_magics.views import OpenViews


class Kernel(Protocol):
    """What the magics keep for a kernel: its shell, what was executed, the locks and views that are held, and the options."""

    host: Any
    cells: ExecutedCells
    locks: KeptLocks
    views: OpenViews
    nested: bool

    @property
    def repo(self) -> str:
        """The repository to work on; empty: the one around the current directory."""

    @property
    def worktree(self) -> str:
        """The worktree to work on; empty: the one of the current directory."""

    @property
    def wait_s(self) -> float:
        """How many seconds to wait for another holder of the lock."""

    @property
    def keep_cells(self) -> bool:
        """Whether executed cells are kept with a snapshot."""

    def count(self) -> int:
        """Return the execution count of the cell that runs."""

    def show(self, answer: Any) -> None:
        """Display an answer that is not the value of the cell."""
