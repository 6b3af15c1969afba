"""The paths that papermill was given, and the worktree that they lie in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jvs_core import InputError, NotARepository, Repository
from jvs_jupyter.runs.place import Place, as_text, at

IN_SNAPSHOT = "jvs://"
STREAM = "-"


def shown(place: Place, path: Any) -> str | None:
    """Return a papermill path for the record: relative to the worktree where it is in it, else as given."""
    if path is None:
        return None
    local = local_path(path)
    if local is None:
        return as_text(path) if isinstance(path, str) else "(a notebook in memory)"
    return place.relative(local) or as_text(local)


def local_path(path: Any) -> Path | None:
    """Return the absolute local file that papermill would read or write for ``path``; None when there is none.

    papermill resolves relative paths against the folder it was started in, also when the kernel works elsewhere.
    """
    from papermill.iorw import papermill_io

    if not isinstance(path, str) or path in ("", STREAM):
        return None
    local = papermill_io.get_handler("local")
    if papermill_io.get_handler(path) is not local or path.lstrip().startswith("{"):
        return None
    return Path(getattr(local, "_cwd", None) or os.getcwd()) / path


def require_writable(output_path: Any) -> None:
    """Raise InputError where papermill could not write an output notebook to a local path."""
    local = local_path(output_path)
    if local is None:
        return
    folder = local.parent
    if not folder.is_dir():
        raise InputError(
            f"no folder {folder} for the output notebook", hint="make the folder, or choose another output"
        )
    if local.is_dir():
        raise InputError(f"the output {local} is a folder", hint="give a file in it")
    if not os.access(local if local.exists() else folder, os.W_OK):
        raise InputError(f"the output notebook {local} is read-only for you")


def find(cwd: Path, output_path: Any, input_path: Any) -> Place | None:
    """Return the worktree that a run changes: the one its kernel works in, else its output's, else its input's.

    None when none of them is in a repository.
    """
    candidates = [cwd, *_folders((output_path, input_path))]
    found: Place | None = None
    for folder in candidates:
        try:
            repository = Repository.open(folder)
        except NotARepository:
            continue
        if found is not None and repository.root != found.repository.root:
            continue
        place = at(repository, repository.worktree, cwd)
        if place.relative(folder) is not None:
            return place
        found = found or place
    return found


def in_snapshot(path: str) -> tuple[str, str]:
    """Return snapshot and file of a ``jvs://SNAPSHOT/path`` path. Raises InputError."""
    snapshot, _, file = path.removeprefix(IN_SNAPSHOT).partition("/")
    if not path.startswith(IN_SNAPSHOT) or not snapshot or not file:
        raise InputError(f"not a path in a snapshot: {path!r}", hint="write jvs://SNAPSHOT/path.ipynb")
    return snapshot, file


def repository_of_process() -> Repository:
    """Return the repository around the folder that papermill was started in. Raises NotARepository."""
    anchor = local_path(".")
    assert anchor is not None
    return Repository.open(anchor)


def _folders(paths: Iterable[Any]) -> Iterable[Path]:
    for path in paths:
        local = local_path(path)
        if local is not None and local.parent.is_dir():
            yield local.parent
