"""What is done in a user's own folders and is no command of ``jvs``: ``python -m jvs_jupyter.hub.within TASK REQUEST``.

Root starts it with the user's rights; the request is JSON, and so is the answer.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from jvs_core import InputError, JvsError, Repository, Settings
from jvs_jupyter.hub.ownership import PRIVATE, close
from jvs_jupyter.hub.quota import lift
from jvs_jupyter.hub.subvolumes import let_write

TEMPLATE = "template"


class Making(BaseModel):
    """A repository to make: where, from which snapshot of which repository, with which hash, with which labels on ``main``."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    repository: str
    templates: str
    snapshot_id: str
    payload_root_hash: str
    labels: dict[str, str]


class Clearing(BaseModel):
    """A folder to empty."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    folder: str


def make(request: Making, settings: Settings | None = None) -> dict[str, Any]:
    """Make a repository from a template's snapshot, for its user only.

    Raises InputError when its content is not the template's, or the user cannot read that.
    """
    target = Path(request.repository)
    made = _cloned(target, request, settings)
    first = made.snapshot("from the template", tags=[TEMPLATE], lock=True)
    made.refs.create(TEMPLATE, "HEAD")
    made.worktrees.label("main", request.labels)
    made.gc.reserve()
    close(target)
    lift(target)
    if first.payload_root_hash.value != request.payload_root_hash:
        raise InputError(
            "what was made is not what the template's snapshot holds",
            hint="jvs verify --all in the repository of the templates",
        )
    return {"snapshot_id": first.snapshot_id, "payload_root_hash": first.payload_root_hash.value}


def _cloned(target: Path, request: Making, settings: Settings | None) -> Repository:
    snapshot = request.snapshot_id
    try:
        templates = Repository(Path(request.templates), settings=settings)
        made = Repository.init(target, from_=templates.show(snapshot).path, settings=templates.settings)
        for entry in templates.ls(snapshot, recursive=True):
            if entry.type == "file":
                _set_mode(target / "main" / entry.path, int(entry.mode, 8) & 0o777)
    except JvsError as error:
        if error.code == "E_PATH_NOT_FOUND" or isinstance(error.__cause__, PermissionError):
            raise InputError(f"the template cannot be read: {error.message}", hint=_READABLE) from error
        raise
    except PermissionError as error:
        raise InputError(
            f"the template cannot be read: {error.filename}: {error.strerror}", hint=_READABLE
        ) from error
    return made


def _set_mode(file: Path, mode: int) -> None:
    """Give a file that was cloned from a sealed snapshot the mode that it had."""
    here = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if os.fstat(here).st_mode & 0o777 != mode:
            os.fchmod(here, mode)
    finally:
        os.close(here)


_READABLE = (
    "its users must be able to read the repository of the templates: chmod -R go+rX, and the folders above"
)


def clear(request: Clearing) -> dict[str, Any]:
    """Remove all that is in a folder, read-only folders too; links are removed, never followed."""
    here = os.open(request.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _clear(here)
    except (OSError, RecursionError) as error:
        told = (
            "folders too deep" if isinstance(error, RecursionError) else f"{error.filename}: {error.strerror}"
        )
        raise InputError(f"not all of {request.folder} can be removed: {told}") from error
    finally:
        os.close(here)
    return {}


def _clear(folder: int) -> None:
    try:
        os.fchmod(folder, PRIVATE)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        let_write(folder)
        os.fchmod(folder, PRIVATE)
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
            continue
        inner = _opened(name, folder)
        try:
            _clear(inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=folder)


def _opened(name: str, folder: int) -> int:
    """Open a folder to list it, also one that its owner closed to itself."""
    flags = os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(name, os.O_RDONLY | flags, dir_fd=folder)
    except PermissionError:
        there = os.open(name, os.O_PATH | flags, dir_fd=folder)
        try:
            os.chmod(f"/proc/self/fd/{there}", PRIVATE)
        finally:
            os.close(there)
        return os.open(name, os.O_RDONLY | flags, dir_fd=folder)


def main(task: str, request: str) -> int:
    """Do what is asked, print the answer, and return the exit status."""
    answer: dict[str, Any]
    try:
        if task == "make":
            answer = make(Making.model_validate_json(request))
        else:
            answer = clear(Clearing.model_validate_json(request))
        status = 0
    except JvsError as error:
        answer = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        status = error.exit_status
    sys.stdout.write(json.dumps(answer))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
