"""A copy of entries in which some are given other values, or taken out: of a list another list, of columns columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias

from jvs_core.payload.tree.packed.entries import PackedEntries

if TYPE_CHECKING:
    from jvs_core.payload.tree.entry import Entry


Editable: TypeAlias = "list[Entry | None] | PackedEntries"
"""Entries at places that can be given others; None stands for one that is gone."""


def duplicate(entries: Sequence[Entry]) -> Editable:
    """Return a copy of ``entries`` that can be changed."""
    if isinstance(entries, PackedEntries):
        return entries.copy()
    copied: list[Entry | None] = [*entries]
    return copied


def gone(entries: Editable) -> Collection[int]:
    """Return the positions of those that are gone."""
    if isinstance(entries, PackedEntries):
        return {position for position, entry in entries.others.items() if entry is None}
    return {position for position, entry in enumerate(entries) if entry is None}


def present(entries: Editable) -> Sequence[Entry]:
    """Return those that are not gone, in order."""
    if not isinstance(entries, PackedEntries):
        return [entry for entry in entries if entry is not None]
    lost = gone(entries)
    if not lost:
        return entries
    left = PackedEntries()
    left.take(entry for position, entry in enumerate(entries) if position not in lost)
    return left
