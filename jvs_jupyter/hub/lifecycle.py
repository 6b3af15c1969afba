"""What an admin does to people's worktrees later: start over from the template, and put away who has left."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jvs_core import JvsError, Repository, WorktreeInfo
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import Owner, give

WAS = "hub.was"
ARCHIVED = "hub-archived"
RESET = "hub-reset"


@dataclass(frozen=True)
class Changed:
    """The outcome for one worktree: the new one's name, the snapshot that holds what was there, the old one's name."""

    person: Person
    action: Literal["reset", "archived", "unchanged", "would_reset", "would_archive", "failed"]
    worktree: str | None = None
    snapshot_id: str | None = None
    kept_as: str | None = None
    failure: JvsError | Refused | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as the command shows it."""
        error = None if self.failure is None else {"code": self.failure.code, "message": self.failure.message}
        return {
            "user": self.person.user,
            "server": self.person.server,
            "action": self.action,
            "worktree": self.worktree,
            "snapshot_id": self.snapshot_id,
            "kept_as": self.kept_as,
            "error": error,
        }


def reset(repository: Repository, person: Person, info: WorktreeInfo, *, template: str | None) -> Changed:
    """Give a person a fresh worktree from ``template`` (None: the head of ``main``); the old one stays beside it.

    What no snapshot holds is snapshotted first. The fresh one has the owner of the old one. A worktree that is the
    template's already, unchanged, is left alone, so a second call does nothing. Killed in between, the old worktree is
    aside and the next spawn or provisioning makes the fresh one.

    Raises LockConflict while a server runs there, SnapshotNotFound.
    """
    wanted = repository.resolve(template or "HEAD", worktree="main")
    status = repository.status(info.name)
    if status.clean and info.head_snapshot_id == info.base_snapshot_id == wanted:
        return Changed(person, "unchanged", info.name)
    saved = info.head_snapshot_id if status.clean else _save(repository, info.name, RESET)
    aside = f"{info.name}-until-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"[-100:].lstrip("-")
    owner = Owner.of(Path(info.path))
    repository.worktrees.rename(info.name, aside)
    repository.worktrees.label(aside, {WAS: info.name, **_past(info)})
    made = repository.worktrees.create(info.name, from_=wanted, labels=info.labels)
    if os.geteuid() == 0 and owner.uid != 0:
        give(Path(made.path), owner)
    return Changed(person, "reset", info.name, saved, aside)


def archive(repository: Repository, person: Person, info: WorktreeInfo, *, days: int) -> Changed:
    """Put a person's worktree away: a snapshot pinned for ``days``, then the worktree goes.

    ``jvs restore`` brings it back until then; afterwards gc may remove the snapshot. Killed in between, the worktree
    is still there and a second call does the rest.

    Raises LockConflict while a server runs there.
    """
    clean = repository.status(info.name).clean and info.head_snapshot_id is not None
    try:
        saved = info.head_snapshot_id if clean else None
        return _put_away(repository, person, info, saved or _save(repository, info.name, ARCHIVED), days)
    except JvsError as error:
        if error.code != "E_UNSAVED_CHANGES" or not clean:
            raise
    # Clean as status has it; owners, attributes or links differ from the head all the same.
    return _put_away(repository, person, info, _save(repository, info.name, ARCHIVED), days)


def _put_away(repository: Repository, person: Person, info: WorktreeInfo, saved: str, days: int) -> Changed:
    reason = f"archived worktree {info.name}"
    if not any(pin.snapshot_id == saved and pin.reason == reason for pin in repository.pins.all()):
        repository.pins.create(saved, reason=reason, expires=f"{days}d")
    repository.worktrees.remove(info.name)
    return Changed(person, "archived", None, saved)


def hand_over(repository: Repository, info: WorktreeInfo, person: Person) -> WorktreeInfo:
    """Make a worktree that of ``person``: its labels, then its name. Raises LockConflict, AlreadyExists."""
    repository.worktrees.label(info.name, person.labels)
    return repository.worktrees.rename(info.name, worktree_name(person))


def _save(repository: Repository, worktree: str, tag: str) -> str:
    return repository.snapshot(tag, worktree=worktree, tags=[tag], lock=True).snapshot_id


def _past(info: WorktreeInfo) -> dict[str, str]:
    return {f"{key}.was": value for key, value in info.labels.items()}
