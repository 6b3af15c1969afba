"""How much space a repository takes, and what for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jvs_core.results.result import Result

SpaceUse = Literal["snapshots", "worktrees", "kept_copies", "trash", "unfinished", "records"]


class SnapshotSpace(Result):
    """What one snapshot alone holds: about what its removal gives back. ``needed_for`` says in words what keeps it."""

    snapshot_id: str
    unique_bytes: int
    needed_for: list[str] = Field(default_factory=list)


class PathSpace(Result):
    """A path, the bytes of all the different contents that it had, and how many these are.

    Asked for one snapshot, its size there; ``unique_bytes`` then is what of it no other snapshot holds.
    """

    path: str
    bytes: int
    versions: int
    unique_bytes: int | None = None


class WorktreeSpace(Result):
    """What a worktree takes on disk, and what of it is not shared with its newest snapshot."""

    worktree: str
    bytes: int
    own_bytes: int


class Stats(Result):
    """What takes the space. ``estimate`` is always true: no file system says what removing something gives back.

    ``total_bytes`` is about what the repository takes on disk, ``by_use`` what for; ``distinct_bytes`` are those of all
    different contents in all snapshots. ``expired`` counts the snapshots whose payload retention removed, ``unreadable`` says what could not be counted.
    Of one snapshot, ``total_bytes`` is the size of its files and ``distinct_bytes`` that of their different contents.
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
