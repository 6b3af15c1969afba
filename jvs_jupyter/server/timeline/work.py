"""What automatic history does on disk: functions of the root and a contents path, for a thread or a process."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import Any, Literal

from jvs_core import JvsError, Repository
from jvs_core.wording import counted
from jvs_jupyter.server.paths import Place, Root

Cause = Literal["delete", "rename", "overwrite"]

_LOG = logging.getLogger("jvs")
_FILES_OF_A_FOLDER = 1000
_FOLDER_S = 4.0


@dataclass(frozen=True)
class Taken:
    """What came of a look: the descriptor as JSON, None where nothing changed, and how long it took."""

    snapshot: dict[str, Any] | None
    head_snapshot_id: str | None
    cost_s: float


@dataclass(frozen=True)
class Plan:
    """What the repository's configuration says of its automatic history."""

    enabled: bool
    after_save_s: float
    every_s: float


def plan(root: Root, path: str) -> Plan:
    """Return what the configuration says."""
    found = root.place(path).repository.timeline.settings
    return Plan(found.enabled, found.after_save_s, found.every_s)


def take(root: Root, path: str) -> Taken:
    """Take an automatic snapshot of the worktree of ``path`` if it changed, waiting for nobody. Raises JvsError."""
    repository = root.place(path).repository
    began = time.monotonic()
    made = repository.timeline.snapshot()
    head = repository.worktrees.get().head_snapshot_id if made is None else made.snapshot_id
    return Taken(None if made is None else made.to_json(), head, time.monotonic() - began)


def announce(root: Root, path: str, next_in_s: float | None, reason: JvsError | None) -> None:
    """Say for this user's other commands when this server takes the next snapshot, and why none just now."""
    root.place(path).repository.timeline.announce(next_in_s=next_in_s, reason=reason)


def withdraw(root: Root, path: str) -> None:
    """Take that back."""
    root.place(path).repository.timeline.withdraw()


def thin(root: Root, path: str) -> bool:
    """Remove a few automatic snapshots that the configuration no longer keeps; return whether there are more."""
    return bool(root.place(path).repository.timeline.thin().more)


def keep(root: Root, path: str, cause: Cause, *, whole: bool) -> bool:
    """Keep what is at a contents path before it goes, and return whether anything had to be kept.

    ``whole``: by an automatic snapshot of the worktree, where its lock can be had; else a copy of the file, or of each file
    below the folder, that the newest snapshot does not have as it is now. Raises JvsError.
    """
    place = root.place(path)
    if not place.inner or not os.path.lexists(place.real):
        return False
    if whole:
        try:
            return place.repository.timeline.snapshot() is not None
        except JvsError:
            pass  # somebody holds the lock, say: a copy of the file itself takes none
    if place.real.is_dir():
        return _keep_folder(place, cause)
    return _keep_file(place.repository, place.inner, str(place.real), cause)


def _keep_folder(place: Place, cause: Cause) -> bool:
    """Keep the files below a folder, as many as can be in a few seconds, so that nobody waits for longer."""
    until = time.monotonic() + _FOLDER_S
    kept = 0
    for folder, _, names in os.walk(place.real):
        for name in names:
            full = os.path.join(folder, name)
            if kept >= _FILES_OF_A_FOLDER or time.monotonic() >= until:
                _LOG.warning(
                    "before %s is removed, JVS keeps at most %s of it, in addition to what snapshots hold",
                    place.inner,
                    counted(kept, "file"),
                )
                return True
            inner = os.path.relpath(full, place.folder)
            kept += _keep_file(place.repository, inner, full, cause)
    return kept > 0


def _keep_file(repository: Repository, inner: str, full: str, cause: Cause) -> bool:
    if _is_in_head(repository, inner, full):
        return False
    return repository.timeline.keep_file(inner, cause) is not None


def _is_in_head(repository: Repository, inner: str, full: str) -> bool:
    """Return whether the newest snapshot has a file with the size and time that it has now."""
    try:
        entry = repository.stat("HEAD", inner)
        found = os.lstat(full)
    except (JvsError, OSError):
        return False
    seconds, _, fraction = entry.mtime.removesuffix("Z").partition(".")
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(found.st_mtime_ns // 1_000_000_000))
    same_time = (seconds, fraction) == (moment, f"{found.st_mtime_ns % 1_000_000_000:09d}")
    return entry.type == "file" and entry.size == found.st_size and same_time
