"""Making a home, and emptying a folder: what a user's process does in the folders that are the user's own."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from jvs_core import InputError, JvsError, Repository, Settings
from jvs_jupyter.hub.ownership import PRIVATE, close
from jvs_jupyter.hub.quota import lift
from jvs_jupyter.hub.subvolumes import let_write

TEMPLATE = "template"


SNAPSHOT = re.compile(r"[0-9]{1,20}-[0-9a-f]{8}")
_TRASH = (".jvs", "gc", "trash")


class Request(BaseModel):
    """What a process is asked to do."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Making(Request):
    """A repository to make: where, from which snapshot of which repository, with which hash, with which labels on ``main``."""

    repository: str
    templates: str
    snapshot_id: str
    payload_root_hash: str
    labels: dict[str, str]


class Clearing(Request):
    """A folder to empty."""

    folder: str


class Emptying(Request):
    """Snapshots in the trash of a repository, which are its user's, to empty."""

    repository: str
    snapshots: list[str]


@dataclass(frozen=True)
class Emptied:
    """Why some snapshots could not be emptied."""

    failed: dict[str, str]


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
            "the new home differs from the snapshot of the template",
            hint="in the repository of the templates, run: jvs verify --all",
        )
    return {"snapshot_id": first.snapshot_id, "payload_root_hash": first.payload_root_hash.value}


def _cloned(target: Path, request: Making, settings: Settings | None) -> Repository:
    snapshot = request.snapshot_id
    try:
        templates = Repository(Path(request.templates), settings=settings)
        made = Repository.init(target, from_=templates.show(snapshot).path, settings=templates.settings)
    except JvsError as error:
        if error.code == "E_PATH_NOT_FOUND" or isinstance(error.__cause__, PermissionError):
            raise InputError(f"the template cannot be read: {error.message}", hint=_READABLE) from error
        raise
    except PermissionError as error:
        raise InputError(
            f"the template cannot be read: {error.filename}: {error.strerror}", hint=_READABLE
        ) from error
    return made


_READABLE = "users must be able to read the repository of the templates: chmod -R go+rX on it and on its parent folders"


def clear(request: Clearing) -> dict[str, Any]:
    """Remove all that is in a folder, read-only folders too; links are removed, never followed."""
    here = os.open(request.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with _told(request.folder):
            _clear(here)
    finally:
        os.close(here)
    return {}


def empty(request: Emptying) -> Emptied:
    """Remove the payloads of snapshots that gc put into the trash; no link is followed on the way there."""
    failed: dict[str, str] = {}
    for snapshot_id in request.snapshots:
        if not SNAPSHOT.fullmatch(snapshot_id):
            raise InputError(f"{snapshot_id[:100]!r} is not a snapshot")
        way: list[int] = []
        try:
            with _told(snapshot_id):
                way.append(os.open(request.repository, os.O_RDONLY | os.O_DIRECTORY))
                for name in (*_TRASH, snapshot_id, "payload"):
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                    way.append(os.open(name, flags, dir_fd=way[-1]))
                _clear(way[-1])
                os.rmdir("payload", dir_fd=way[-2])
        except InputError as error:
            failed[snapshot_id] = error.message
        finally:
            for folder in way:
                os.close(folder)
    return Emptied(failed)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"JVS cannot remove all of {what}: {error.filename}: {error.strerror}") from error


def _clear(folder: int) -> None:
    """Remove all that is in an open folder, however deep: the way back up is looked for, and no folder on it stays open."""
    here = os.dup(folder)
    way: list[tuple[str, tuple[int, int]]] = []
    folders = [_without_files(here)]
    try:
        while folders[-1] or way:
            if folders[-1]:
                name = folders[-1].pop()
                way.append((name, _identity(here)))
                here = _left(here, _opened(name, here))
                folders.append(_without_files(here))
                continue
            folders.pop()
            name, above = way.pop()
            here = _left(here, os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here))
            if _identity(here) != above:
                raise OSError(errno.ESTALE, "somebody moved it in the meantime", name)
            os.rmdir(name, dir_fd=here)
    finally:
        os.close(here)


def _left(folder: int, following: int) -> int:
    os.close(folder)
    return following


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def _without_files(folder: int) -> list[str]:
    """Remove what is not a folder from an open folder, and return the folders in it."""
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
    return [name for name, is_folder in found if is_folder]


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
