"""How much space a repository takes, and what for."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result
from jvs_core.validated import Field

SpaceUse = Literal["snapshots", "worktrees", "kept_copies", "trash", "unfinished", "records"]


class SnapshotSpace(Result):
    """What only this snapshot holds, so about what its removal frees; ``needed_for`` says what keeps it."""

    snapshot_id: str
    unique_bytes: int
    needed_for: list[str] = Field(default_factory=list)


class PathSpace(Result):
    """A path, the bytes of all different contents that it had, and the number of these contents.

    For one snapshot, the bytes are the size of the path there, and ``unique_bytes`` is what no other snapshot
    holds of it.
    """

    path: str
    bytes: int
    versions: int
    unique_bytes: int | None = None


class WorktreeSpace(Result):
    """The space of a worktree on disk, and the part that it does not share with its newest snapshot."""

    worktree: str
    bytes: int
    own_bytes: int


class Stats(Result):
    """What takes the space; ``estimate`` is always true, because no file system tells what a removal frees.

    ``total_bytes`` is about what the repository takes on disk, and ``by_use`` says for what.
    ``distinct_bytes`` is the size of all different contents in all snapshots. ``expired`` counts the
    snapshots whose payload gc removed. ``unreadable`` says what could not be counted. For one snapshot,
    ``total_bytes`` is the size of its files, and ``distinct_bytes`` is the size of their different contents.
    """

    estimate: bool = True
    total_bytes: int
    distinct_bytes: int
    contents: int
    by_use: dict[SpaceUse, int] = Field(default_factory=dict)
    snapshots: list[SnapshotSpace]
    worktrees: list[WorktreeSpace] = Field(default_factory=list)
    largest: list[PathSpace]
    expired: int = 0
    unreadable: list[str] = Field(default_factory=list)
