"""The snapshots that the browser lists: a first page, more on demand, all of them for a filter."""

from __future__ import annotations

from typing import Any

from jvs_core import Repository
from jvs_core.cli.text import first_line

PAGE = 200


class Timeline:
    """The history of one worktree, read as far as it is needed."""

    def __init__(self, repository: Repository, worktree: str) -> None:
        self._repository = repository
        self._worktree = worktree
        self._items: list[Any] | None = None
        self._limit: int | None = PAGE
        self.has_more = False

    def grow(self) -> None:
        """List one page more from now on."""
        if self._limit is not None:
            self._limit += PAGE
        self._items = None

    def forget(self) -> None:
        """Read again what is needed next."""
        self._items = None

    def matching(self, wanted: str) -> list[tuple[str, str]]:
        """Return label and id of the snapshots whose id, note, tags or refs hold every word of ``wanted``."""
        words = wanted.lower().split()
        if words and self._limit is not None and (self._items is None or self.has_more):
            self._limit, self._items = None, None
        found = [item for item in self._read() if all(word in _searched(item) for word in words)]
        return [(label(item), item.descriptor.snapshot_id) for item in found[: self._limit]]

    def _read(self) -> list[Any]:
        if self._items is None:
            limit = None if self._limit is None else self._limit + 1
            items: list[Any] = list(self._repository.history(self._worktree, limit=limit))
            self.has_more = self._limit is not None and len(items) > self._limit
            self._items = items[: self._limit]
        return self._items


def label(item: Any) -> str:
    """Return one line for a snapshot: time, note, tags, refs, and what is odd about it."""
    made = item.descriptor
    odd = [made.consistency_level] if made.consistency_level != "quiesced" else []
    names = [*made.tags, *(f"ref {name}" for name in item.refs), *odd, *(["expired"] if item.expired else [])]
    note = first_line(made.note) or "(no note)"
    return f"{made.created_at[:19].replace('T', ' ')}  {note}" + (f"  [{', '.join(names)}]" if names else "")


def _searched(item: Any) -> str:
    made = item.descriptor
    return " ".join([made.snapshot_id, made.note, *made.tags, *item.refs]).lower()
