"""The folder that a kernel works in, which may be removed under its feet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jvs_core import NotARepository

if TYPE_CHECKING:
    from jvs_core import Repository


class FolderRemoved(NotARepository):
    """The kernel's folder is gone, and with it every file that its cells open by a relative name."""


def opened(path: str) -> Repository:
    """Open the repository at or above ``path``. Raises FolderRemoved for the folder of a kernel that has none any more.

    A command line may go on there, as its next line is all that depends on it; a notebook had better move first.
    """
    from jvs_core import Repository

    found = Repository.open(path)
    if not os.path.isabs(path) and not _has_folder():
        raise FolderRemoved(
            "the working folder of this kernel was removed", hint=f"%cd {found.worktrees.path()}"
        )
    return found


def _has_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
