"""Paths of the contents API, held inside the server's root folder, and the repository each lies in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jvs_core import JvsError, OutsideRoot, Repository, Settings
from jvs_jupyter.server.errors import RequestError, escape, forbidden

_LONGEST_NAME = 255


@dataclass(frozen=True)
class Root:
    """The folder that a server shows; nothing outside is seen or touched.

    ``given`` is its path, which may become a link while the server runs: a folder that gets a history becomes the ``main`` of a
    repository beside it. With ``enclosing`` a repository around the root is used too, by the worktree that the root lies in: that is how
    Jupyter starts in a worktree, and how a hub gives each user one worktree of a team's repository.
    """

    given: Path
    settings: Settings
    enclosing: bool = True

    @property
    def folder(self) -> Path:
        """The folder, links resolved."""
        return Path(os.path.realpath(self.given))

    def real(self, path: str) -> Path:
        """Return where a contents path leads, which need not exist. Raises RequestError (E_PATH_ESCAPE)."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/"):
            raise escape(f"{path!r} is absolute; paths start at the server's root folder")
        if ".." in parts or "\0" in path or any(len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
            raise escape(f"{path!r} is not a path below the server's root folder")
        folder = self.folder
        real = Path(os.path.realpath(folder.joinpath(*parts)))
        if not real.is_relative_to(folder):
            raise escape(f"{path!r} leads outside the server's root folder")
        return real

    def contents_path(self, path: str | os.PathLike[str]) -> str | None:
        """Return an absolute path for the contents API; None outside the root."""
        real, folder = Path(path), self.folder
        if not real.is_relative_to(folder):
            return None
        inner = str(real.relative_to(folder))
        return "" if inner == "." else inner

    def place(self, path: str) -> Place:
        """Return the place of a contents path. Raises RequestError, OutsideRoot and what opening raises."""
        real = self.real(path)
        existing = real
        while not existing.is_dir() and existing != self.folder:
            existing = existing.parent
        try:
            repository = Repository.open(existing, settings=self.settings)
        except JvsError as error:
            if error.code == "E_NOT_A_REPOSITORY":
                raise _no_repository(path) from error
            raise
        if not (repository.root.is_relative_to(self.folder) or self._encloses(repository)):
            raise self._outside(repository)
        return Place(self, path, real, repository)

    def _encloses(self, repository: Repository) -> bool:
        return self.enclosing and self._is_in_a_worktree(repository)

    def _is_in_a_worktree(self, repository: Repository) -> bool:
        return self.folder.is_relative_to(repository.worktrees.path())

    def _outside(self, repository: Repository) -> OutsideRoot:
        said = f"the repository {repository.root} contains the server's root folder {self.folder}"
        if self._is_in_a_worktree(repository):
            return OutsideRoot(
                f"{said}, and this server may not use such a repository (JvsServer.enclosing_repository)",
                hint=f"start Jupyter in {repository.root}",
            )
        return OutsideRoot(
            f"{said}, which is in none of its worktrees", hint=f"start Jupyter in {repository.root}"
        )


@dataclass(frozen=True)
class Place:
    """A contents path, and the repository and worktree that it lies in."""

    root: Root
    path: str
    real: Path
    repository: Repository

    @property
    def worktree(self) -> str:
        """The worktree's name."""
        return self.repository.worktree

    @property
    def folder(self) -> Path:
        """The worktree's folder."""
        return self.repository.worktrees.path()

    @property
    def worktree_path(self) -> str | None:
        """The worktree's folder for the contents API."""
        return self.root.contents_path(self.folder)

    @property
    def inner(self) -> str:
        """The path inside the worktree; empty for its top and for what lies outside, as a repository's own folder."""
        folder = self.folder
        if self.real == folder or not self.real.is_relative_to(folder):
            return ""
        return str(self.real.relative_to(folder))

    def check_writable(self, worktree: str) -> None:
        """Refuse to change a worktree that lies outside the root, unless it is the one around it.

        Raises RequestError (403), WorktreeNotFound.
        """
        folder = self.repository.worktrees.path(worktree)
        if not (folder.is_relative_to(self.root.folder) or self.root.folder.is_relative_to(folder)):
            raise forbidden(f"worktree {worktree!r} is outside the server's root folder")


def _no_repository(path: str) -> RequestError:
    return RequestError(
        404,
        "E_NOT_A_REPOSITORY",
        f"no JVS repository at or above {path or 'the root folder'!r} within the server's root folder",
        "make one, or start Jupyter in the repository's own folder",
    )
