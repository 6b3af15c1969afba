"""Answers about automatic history: its state, what was deleted, what was put back, what was thinned out."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.model import Cause
from jvs_core.results.result import Made, Result

State = Literal["saved", "changed", "paused", "off"]
What = Literal["deleted", "overwritten", "gone"]
By = Literal["browser", "terminal", "snapshot", "restore"]


class TimelineState(Result):
    """How a worktree's automatic history stands.

    ``saved``: nothing changed since the newest snapshot, taken at ``last_at``. ``changed``: so many paths did; with
    ``next_at`` something takes the next snapshot then. ``paused``: it cannot just now, for the ``reason``, an error as the
    command prints it. ``runs`` says whether something takes snapshots here, as far as this user can see.
    """

    worktree: str
    state: State
    last_at: str | None
    changed: int
    next_at: str | None
    reason: dict[str, Any] | None
    runs: bool
    head_snapshot_id: str | None


class Copy(Result):
    """A copy of one file, kept before it was removed or overwritten; ``cause`` says by what."""

    copy_id: str
    worktree: str
    path: str
    cause: Cause
    size: int
    sha256: str
    kept_at: str
    kept_by: str


class LossCause(Result):
    """By which change a file was lost: in the ``browser``, by another program, seen by a snapshot, or by a restore."""

    kind: By
    snapshot_id: str | None
    note: str | None


class Source(Result):
    """Where the bytes of a lost file are: in a snapshot, or in a kept copy."""

    snapshot_id: str | None = None
    copy_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the one that is there."""
        return self.model_dump(exclude_none=True)


class LostFile(Result):
    """A file that was lost, ``file`` its path in the worktree, and where to get it back.

    ``deleted``: a snapshot or the browser removed it. ``overwritten``: it was emptied, or got the content of another file.
    ``gone``: it is in the newest snapshot and not in the worktree. ``in_worktree``: something has its path now. ``versions``
    counts the contents that it had in history. ``next`` goes on after this row.
    """

    file: str
    what: What
    at: str
    by: LossCause
    size: int
    sha256: str | None
    versions: int
    source: Source
    in_worktree: bool
    next: str

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        shown = self.model_dump(exclude={"next"})
        return {**shown, "source": self.source.to_json()}


class PutBack(Made):
    """A file that was put back: the ``file`` that was asked for, and its ``path`` in the worktree, ``renamed`` or not."""

    file: str
    path: str
    renamed: bool
    snapshot_id: str | None
    copy_id: str | None


class Thinned(Result):
    """What thinning removed: snapshots, in collections ``plans``; for want of space ``given_up``, among them; and old copies.

    ``more`` says that there is more to remove: a collection is bounded. ``notes`` says in words what a person should know.
    """

    deleted: list[str]
    given_up: list[str]
    copies: list[str]
    plans: list[str]
    reclaimed_bytes: int
    more: bool
    notes: list[str]
