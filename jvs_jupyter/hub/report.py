"""What each of the hub's people has: the last snapshot and its size, who holds the lock, what is on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from jvs_core import Descriptor, JvsError, Repository, WorktreeInfo
from jvs_core.cli.text import size
from jvs_core.wording import counted
from jvs_jupyter.hub.making import TEMPLATE
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.provision import person_of
from jvs_jupyter.quotas import left, used_and_limit


def _date(timestamp: str) -> str:
    age(timestamp)
    return timestamp


@dataclass(frozen=True)
class Usage:
    """One worktree. ``files`` and ``bytes`` are of its last snapshot; ``disk_bytes`` of the folder, when measured.

    ``snapshots_disk_bytes`` is of all snapshots in a repository of the user's own; a team's are nobody's alone.
    ``left_bytes`` is what can still be written there, by quota and file system; ``quota_bytes`` is what the quota lets the
    user have and ``quota_used_bytes`` what counts against it, where there is one. ``snapshots`` is how many a repository of
    the user's own has, in the row of its ``main``.
    ``would_remove`` and ``would_free_bytes`` are the snapshots that a policy would remove, and what that would give back.
    """

    user: str
    server: str
    worktree: str
    path: str
    files: int
    bytes: int
    disk_bytes: int | None
    last_snapshot_id: str | None
    last_snapshot_at: Annotated[str, AfterValidator(_date)] | None
    own_snapshot: bool
    lock_state: str
    holder: str | None
    lease_expires_at: str | None
    snapshots_disk_bytes: int | None = None
    left_bytes: int | None = None
    locked_since: str | None = None
    quota_used_bytes: int | None = None
    quota_bytes: int | None = None
    snapshots: int | None = None
    would_remove: int | None = None
    would_free_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


def usage(
    repository: Repository,
    *,
    measure: bool = False,
    policy: dict[str, Any] | None = None,
    unreadable: list[str] | None = None,
) -> Iterator[Usage]:
    """Yield the usage of every person's worktree, in one pass over the repository; sizes from the snapshots' records.

    ``measure`` walks every worktree and adds what it takes on disk, blocks that it shares with snapshots included; of one
    that this user may not read, None. ``policy``, in the words of ``Gc.plan``, adds what it would give back. What is wrong with records that cannot be read, which hide nobody else's, goes to ``unreadable``.
    """
    heads: dict[str, Descriptor] = {}
    given = next((ref.snapshot_id for ref in repository.refs.all() if ref.name == TEMPLATE), None)
    wrong = [] if unreadable is None else unreadable
    going = None if policy is None else _going(repository, policy)
    for info in repository.worktrees.all(wrong):
        person = person_of(info)
        if person is not None:
            try:
                found = _of(repository, person, info, heads, given, measure=measure)
                yield found if going is None else _with(found, going)
            except JvsError as error:
                wrong.append(f"{person.user}: {error.message}")


def _going(repository: Repository, policy: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return how many snapshots of each worktree a policy would remove, and how many bytes that would give back."""
    going: dict[str, tuple[int, int]] = {}
    for one in repository.gc.plan(**policy).candidates:
        worktree = repository.show(one.snapshot_id).descriptor.worktree
        number, freed = going.get(worktree, (0, 0))
        going[worktree] = number + 1, freed + one.bytes
    return going


def _with(found: Usage, going: dict[str, tuple[int, int]]) -> Usage:
    number, freed = going.get(found.worktree, (0, 0))
    return replace(found, would_remove=number, would_free_bytes=freed)


def _of(
    repository: Repository,
    person: Person,
    info: WorktreeInfo,
    heads: dict[str, Descriptor],
    given: str | None,
    *,
    measure: bool,
) -> Usage:
    head = _head(repository, info, heads)
    lock = repository.locks.status(info.name).lock if info.lock_state == "held" else None
    used, limit = used_and_limit(Path(info.path)) or (None, None)
    return Usage(
        user=person.user,
        server=person.server,
        worktree=info.name,
        path=info.path,
        files=head.files if head else 0,
        bytes=head.bytes if head else 0,
        disk_bytes=_disk(Path(info.path)) if measure else None,
        last_snapshot_id=info.head_snapshot_id,
        last_snapshot_at=head.created_at if head else None,
        own_snapshot=info.head_snapshot_id not in (info.base_snapshot_id, given),
        lock_state=info.lock_state,
        holder=lock.holder_id if lock else None,
        lease_expires_at=lock.lease_expires_at if lock else None,
        locked_since=lock.acquired_at if lock else None,
        quota_used_bytes=used,
        quota_bytes=limit,
        snapshots=count_snapshots(repository.root) if info.name == "main" else None,
        snapshots_disk_bytes=_snapshots_disk(repository, info) if measure else None,
        left_bytes=left(Path(info.path)),
    )


def totals(rows: Sequence[Usage]) -> list[str]:
    """Return what all have together, in words: what is in the worktrees, what their snapshots take, what a policy gives back."""
    lines = []
    if rows and all(row.disk_bytes is not None for row in rows):
        worktrees = sum(row.disk_bytes or 0 for row in rows)
        snapshots = sum(row.snapshots_disk_bytes or 0 for row in rows)
        share = f", snapshots {size(snapshots)} ({100 * snapshots // max(worktrees + snapshots, 1)} %)"
        shared = "; shared blocks count each time"
        told = f"{share}{shared}" if snapshots else ""
        lines.append(f"{counted(len(rows), 'worktree')} {size(worktrees)}{told}")
    if rows and all(row.would_remove is not None for row in rows):
        number = sum(row.would_remove or 0 for row in rows)
        freed = size(sum(row.would_free_bytes or 0 for row in rows))
        lines.append(f"the policy would remove {counted(number, 'snapshot')} and free {freed}")
    return lines


def age(timestamp: str | None) -> str:
    """Return how long ago something was, in words."""
    if timestamp is None:
        return "never"
    then = time.mktime(time.strptime(timestamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    minutes = max(time.time() - then, 0) / 60
    for length, unit in ((1440, "d"), (60, "h")):
        if minutes >= length:
            return f"{minutes / length:.0f} {unit} ago"
    return f"{minutes:.0f} min ago"


def _head(repository: Repository, info: WorktreeInfo, heads: dict[str, Descriptor]) -> Descriptor | None:
    """Return the descriptor of a worktree's head; that of a template that many share is read once."""
    head = info.head_snapshot_id
    if head is None:
        return None
    if head not in heads:
        heads[head] = repository.history(info.name, limit=1)[0].descriptor
    return heads[head]


def _snapshots_disk(repository: Repository, info: WorktreeInfo) -> int | None:
    return _disk(repository.root / ".jvs" / "snapshots") if info.name == "main" else None


def count_snapshots(repository: Path) -> int:
    """Return how many snapshots a repository has, those that are being made included."""
    return len(os.listdir(repository / ".jvs" / "snapshots"))


def _disk(folder: Path) -> int | None:
    try:
        return disk_usage(folder)
    except PermissionError:
        return None


def disk_usage(folder: Path) -> int:
    """Return what a folder takes on disk, in bytes. Raises OSError where this user may not read it."""
    total = 0
    os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
    for here, folders, names, inside in os.fwalk(folder, follow_symlinks=False):
        del here, folders
        total += sum(os.stat(name, dir_fd=inside, follow_symlinks=False).st_blocks * 512 for name in names)
    return total
