"""What an admin does to people's worktrees later: start over from the template, and put away who has left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jvs_core import InputError, JvsError, LockConflict, Repository, WorktreeInfo
from jvs_jupyter.hub.command import WORK_S, Refused, Told, ask, told, understood
from jvs_jupyter.hub.names import SERVER, Person, worktree_name
from jvs_jupyter.hub.ownership import PRIVATE, Owner, acts_for, close
from jvs_jupyter.hub.provision import provide, provide_as_words

WAS = "hub.was"
ARCHIVED = "hub-archived"
RESET = "hub-reset"


Action = Literal[
    "reset", "archived", "put_back", "unchanged", "would_reset", "would_archive", "would_put_back", "failed"
]


@dataclass(frozen=True)
class Changed:
    """The outcome for one worktree: the new one's name, the snapshot that holds what was there, the old one's name."""

    person: Person
    action: Action
    worktree: str | None = None
    snapshot_id: str | None = None
    kept_as: str | None = None
    failure: JvsError | Refused | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as the command shows it."""
        return {
            "user": self.person.user,
            "server": self.person.server,
            "action": self.action,
            "worktree": self.worktree,
            "snapshot_id": self.snapshot_id,
            "kept_as": self.kept_as,
            "error": told(self.failure),
        }


@dataclass(frozen=True)
class _Done:
    """What a process with the user's rights says that it did."""

    action: Literal["reset", "archived", "unchanged", "would_reset", "would_archive", "failed"]
    snapshot_id: str | None
    kept_as: str | None
    error: Told | None = None


def reset(
    repository: Repository,
    person: Person,
    info: WorktreeInfo,
    *,
    template: str | None,
    dry_run: bool = False,
) -> Changed:
    """Give a person a fresh worktree from ``template`` (None: the head of ``main``); the old one stays beside it.

    What no snapshot holds is snapshotted first. All of it happens with the rights of the worktree's owner; root's own
    is followed by one of the system user of that name, where there is one. A worktree that is the template's already,
    unchanged, is left alone, so a second call does nothing. Killed in between, the old worktree is aside and the next
    spawn or provisioning makes the fresh one.

    Raises LockConflict while a server runs there, SnapshotNotFound, Refused (what the user's process was refused).
    """
    owner = acts_for(Path(info.path))
    if owner is not None:
        words = reset_words(template, dry_run=dry_run)
        return owner_does(owner, repository.root, person, *words, actor=repository.settings.user)
    wanted = repository.resolve(template or "HEAD", worktree="main")
    heir = Owner.to_become(person.user)
    status = repository.status(info.name)
    if status.clean and info.head_snapshot_id == info.base_snapshot_id == wanted and heir is None:
        return Changed(person, "unchanged", info.name)
    if dry_run:
        _require_free(info)
        return Changed(person, "would_reset", info.name)
    saved = info.head_snapshot_id if status.clean else _save(repository, info.name, RESET)
    aside = f"{info.name}-until-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"[-100:].lstrip("-")
    private = Path(info.path).stat().st_mode & 0o777 == PRIVATE
    repository.worktrees.rename(info.name, aside)
    repository.worktrees.label(aside, {WAS: info.name, **_past(info)})
    if heir is not None:
        provide(repository, person, template=wanted, owner=heir)
    else:
        made = repository.worktrees.create(info.name, from_=wanted, labels=info.labels)
        if private:
            close(Path(made.path))
    return Changed(person, "reset", info.name, saved, aside)


def reset_words(template: str | None, *, dry_run: bool = False) -> list[str]:
    """Return the words of ``jvs hub`` for a reset."""
    return ["reset", *([] if template is None else [f"--template={template}"]), *_dry(dry_run)]


def archive_words(days: int, *, dry_run: bool = False) -> list[str]:
    """Return the words of ``jvs hub`` for putting away."""
    return ["archive", f"--days={days}", *_dry(dry_run)]


def owner_does(owner: Owner, root: Path, person: Person, *words: str, actor: str | None) -> Changed:
    """Let the owner of a person's worktree do it, in a process of its own; the audit log names ``actor``."""
    known = [] if person.identity is None else [f"--identity={person.identity}"]
    command, *options = words
    asked = ("hub", command, f"--server={person.server}", *known, *options, "--", person.user)
    answer = ask(root, *asked, owner=owner, actor=actor, seconds=WORK_S)
    (done,) = understood(tuple[_Done], answer, f"uid {owner.uid}")
    if done.error is not None:
        raise done.error.refused()
    name = None if done.action == "archived" else worktree_name(person)
    return Changed(person, done.action, name, done.snapshot_id, done.kept_as)


def archive(
    repository: Repository, person: Person, info: WorktreeInfo, *, days: int, dry_run: bool = False
) -> Changed:
    """Put a person's worktree away: a snapshot pinned for ``days``, then the worktree goes.

    ``jvs restore`` brings it back until then; afterwards gc may remove the snapshot. Killed in between, the worktree
    is still there and a second call does the rest. All of it happens with the rights of the worktree's owner.

    Raises LockConflict while a server runs there, Refused.
    """
    owner = acts_for(Path(info.path))
    if owner is not None:
        words = archive_words(days, dry_run=dry_run)
        return owner_does(owner, repository.root, person, *words, actor=repository.settings.user)
    if dry_run:
        _require_free(info)
        return Changed(person, "would_archive", info.name)
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
    """Pin the snapshot and remove the worktree; where that fails no pin is left of it."""
    reason = _reason(info.name, person)
    pin = None
    if not any(pin.snapshot_id == saved and pin.reason == reason for pin in repository.pins.all()):
        pin = repository.pins.create(saved, reason=reason, expires=f"{days}d")
    try:
        repository.worktrees.remove(info.name)
    except JvsError:
        if pin is not None:
            repository.pins.delete(pin.pin_id)
        raise
    return Changed(person, "archived", None, saved)


def archived(repository: Repository, person: Person) -> str | None:
    """Return the snapshot that was archived last of a user's server, whoever has the name now; None: there is none."""
    end = _reason("", person)
    found = [pin.snapshot_id for pin in repository.pins.all([]) if pin.reason.endswith(end)]
    return found[-1] if found else None


def put_back(repository: Repository, person: Person, info: WorktreeInfo | None, *, dry_run: bool) -> Changed:
    """Give a person what was archived of them; what they have now stays beside it.

    Raises InputError when nothing is archived, LockConflict while a server runs there, Refused.
    """
    saved = archived(repository, person)
    if saved is None:
        raise nothing_archived(person)
    if dry_run:
        return Changed(person, "would_put_back", None, saved)
    if info is not None:
        done = reset(repository, person, info, template=saved)
        return Changed(person, "put_back", done.worktree, saved, done.kept_as)
    made = provide(repository, person, template=saved, owner=Owner.to_become(person.user))
    return Changed(person, "put_back", made.worktree, saved)


def nothing_archived(person: Person) -> InputError:
    """Return the error for somebody of whom nothing is archived."""
    return InputError(f"{person.user!r} has nothing archived", hint="jvs gc pins")


def _reason(worktree: str, person: Person) -> str:
    server = f", server {person.server!r}" if person.server else ""
    text = f"archived worktree {worktree}"
    return f"{text if worktree else ''} of {person.user!r}{server}"


def _dry(dry_run: bool) -> list[str]:
    return ["--dry-run"] if dry_run else []


def _require_free(info: WorktreeInfo) -> None:
    if info.lock_state == "held":
        raise LockConflict(f"worktree {info.name!r} is in use", hint="stop its server")


def hand_over(repository: Repository, info: WorktreeInfo, person: Person) -> None:
    """Make a named server's worktree that of ``person``: its labels, then its name; with its owner's rights.

    Raises LockConflict, AlreadyExists, Refused.
    """
    owner = acts_for(Path(info.path))
    if owner is not None:
        was = f"--was={info.labels[SERVER]}"
        ask(repository.root, *provide_as_words(person, was), owner=owner, actor=repository.settings.user)
        return
    repository.worktrees.label(info.name, person.labels)
    repository.worktrees.rename(info.name, worktree_name(person))


def _save(repository: Repository, worktree: str, tag: str) -> str:
    return repository.snapshot(tag, worktree=worktree, tags=[tag], lock=True).snapshot_id


def _past(info: WorktreeInfo) -> dict[str, str]:
    return {f"{key}.was": value for key, value in info.labels.items()}
