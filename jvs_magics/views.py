"""The views that a kernel has open: ``%jvs view``; closed by ``--close``, or when the kernel ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core import JvsError
from jvs_magics import html
from jvs_magics.answers import Answer

if TYPE_CHECKING:
    from jvs_core import Repository


class OpenedView(Answer):
    """A view that was just opened: a path, for whatever takes one."""

    def __fspath__(self) -> str:
        """Return the path."""
        return str(self._value.path)

    def __str__(self) -> str:
        return str(self._value.path)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        """Return the path of ``name`` in it."""
        return Path(self) / name

    def _html(self) -> str:
        return html.line(
            "View of snapshot", html.code(self._value.view.snapshot_id), html.code(self._value.path)
        )


class OpenViews:
    """The repositories in which a kernel opened views. A kernel that is killed leaves them to ``jvs doctor``."""

    def __init__(self) -> None:
        self._repositories: dict[str, Repository] = {}

    def keep(self, repository: Repository) -> None:
        """Close at the end what is open in a repository."""
        self._repositories[str(repository.root)] = repository

    def close_all(self) -> None:
        """Close every view of this process; one that cannot be closed is left to ``jvs doctor``."""
        for repository in self._repositories.values():
            try:
                repository.views.close()
            except JvsError:
                continue
        self._repositories.clear()
