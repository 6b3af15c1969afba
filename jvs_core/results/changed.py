"""What differs between two trees: paths, and what stands at them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jvs_core.results.browse import TreeEntry
from jvs_core.results.result import Result


class Renamed(Result):
    """A file that only moved: same content and mode under another path."""

    from_: str = Field(alias="from")
    to: str


class Comparison(Result):
    """Two snapshots, or a snapshot and a worktree, whose name is then in ``to``; each list sorted.

    What is in ``renamed`` is not in ``added`` and ``removed``; it is empty where renames were not asked for. ``caches`` are
    those of all these paths (of a renamed file the new one) that lie in known caches, where that was asked for.
    """

    from_: str = Field(alias="from")
    to: str
    added: list[str]
    modified: list[str]
    removed: list[str]
    renamed: list[Renamed] = Field(default_factory=list)
    caches: list[str] = Field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison; ``caches`` only where there are any."""
        return self.model_dump(exclude=None if self.caches else {"caches"})


class ChangedEntry(Result):
    """One path that differs, with what stood there and stands there now; ``old_path`` where a file moved."""

    path: str
    old_path: str | None
    change: Literal["added", "modified", "removed", "renamed"]
    cache: bool
    old: TreeEntry | None
    new: TreeEntry | None


class ChangedEntries(Result):
    """A comparison with its entries, by path, those in known caches last."""

    comparison: Comparison
    entries: list[ChangedEntry]
