"""Answers about automatic history: its state, what was deleted, what was put back, what was thinned out."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.model import Cause
from jvs_core.results.result import Made, Result

State = Literal["saved", "changed", "paused", "off"]
What = Literal["deleted", "overwritten", "gone"]
By = Literal["browser", "terminal", "snapshot", "restore"]


class TimelineState(Result):
    """The state of a worktree's automatic history.

    ``saved``: nothing changed since the newest snapshot, which was taken at ``last_at``. ``changed``: this
    number of paths changed; if there is a ``next_at``, JVS takes the next snapshot then. ``paused``: JVS
    cannot take one now; ``reason`` is an error as the command prints it. ``runs`` says whether a program
    takes snapshots here, as far as this user can see.
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
    """A copy of one file, kept before the file was removed or overwritten; ``cause`` says which of these."""

    copy_id: str
    worktree: str
    path: str
    cause: Cause
    size: int
    sha256: str
    kept_at: str
    kept_by: str


class LossCause(Result):
    """How a file was lost: in the ``browser``, by another program (a snapshot noticed it), or by a restore."""

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
    """A file that was lost, its path ``file`` in the worktree, and where you can get it back.

    ``deleted``: a snapshot or the browser removed it. ``overwritten``: it was emptied, or got the content of
    another file. ``gone``: the newest snapshot has it, and the worktree does not. ``in_worktree``: there is
    something at its path now. ``versions`` counts the contents that it had in history. Pass ``next`` to
    continue after this row.
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
    """A file that JVS put back: the requested ``file``, its ``path`` in the worktree, and whether that is ``renamed``."""

    file: str
    path: str
    renamed: bool
    snapshot_id: str | None
    copy_id: str | None


class Thinned(Result):
    """What thinning removed: snapshots (by the gc ``plans``) and old copies.

    ``given_up`` are those of the snapshots that were removed because of the space limit. ``more`` says that
    there is more to remove, because one collection is bounded. ``notes`` says in words what a person should
    know.
    """

    deleted: list[str]
    given_up: list[str]
    copies: list[str]
    plans: list[str]
    reclaimed_bytes: int
    more: bool
    notes: list[str]
