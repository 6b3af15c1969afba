"""What differs between two trees: paths, and what stands at them."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.results.browse import TreeEntry
from jvs_core.results.result import Result
from jvs_core.validated import Field


class Renamed(Result):
    """A file that only moved: the same content and mode, at another path."""

    from_: str = Field(key="from")
    to: str


class Comparison(Result):
    """The difference of two snapshots, or of a snapshot and a worktree (``to`` is then its name); lists are sorted.

    A path in ``renamed`` is not in ``added`` or ``removed``. ``renamed`` is empty if the caller did not ask
    for renames. ``caches`` are those of all these paths that are in known caches (of a renamed file, the new
    path), if the caller asked for them.
    """

    from_: str = Field(key="from")
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
