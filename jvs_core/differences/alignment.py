"""Aligning two sequences, with a bound on the steps that it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import Match, SequenceMatcher
from typing import Literal, NamedTuple, TypeVar

from jvs_core.differences.bounds import Notes

T = TypeVar("T", bound=Hashable)

_PAIRS = 1_000_000


class Block(NamedTuple):
    """Items ``old_start`` to ``old_end`` became ``new_start`` to ``new_end``: ``equal``, or other ones (``change``)."""

    op: Literal["equal", "change"]
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def aligned(old: Sequence[T], new: Sequence[T], notes: Notes) -> list[Block]:
    """Return the blocks that lead from ``old`` to ``new``, in order, covering both.

    Where the steps that ``notes`` has left do not suffice, the rest is one change, and ``notes`` says so.
    """
    start = _common(old, new)
    old_end, new_end = len(old), len(new)
    while old_end > start and new_end > start and old[old_end - 1] == new[new_end - 1]:
        old_end -= 1
        new_end -= 1
    blocks = [Block("equal", 0, start, 0, start)] if start else []
    if old_end > start and new_end > start:
        blocks += _middle(old[start:old_end], new[start:new_end], start, notes)
    elif old_end > start or new_end > start:
        blocks.append(Block("change", start, old_end, start, new_end))
    if old_end < len(old):
        blocks.append(Block("equal", old_end, len(old), new_end, len(new)))
    return blocks


def _common(old: Sequence[T], new: Sequence[T]) -> int:
    shorter = min(len(old), len(new))
    return next((at for at in range(shorter) if old[at] != new[at]), shorter)


def _middle(old: Sequence[T], new: Sequence[T], start: int, notes: Notes) -> list[Block]:
    found = []
    at_old = at_new = 0
    for i, j, size in _Bounded(old, new, notes).get_matching_blocks():
        if i > at_old or j > at_new:
            found.append(Block("change", start + at_old, start + i, start + at_new, start + j))
        if size:
            found.append(Block("equal", start + i, start + i + size, start + j, start + j + size))
        at_old, at_new = i + size, j + size
    return found


class _Bounded(SequenceMatcher[T]):
    """A matcher that gives up where its steps are used up, and that takes items that stand everywhere for no anchors."""

    def __init__(self, old: Sequence[T], new: Sequence[T], notes: Notes) -> None:
        self._notes = notes
        counts = Counter(new)
        pairs = Counter(
            {item: times * counts[item] for item, times in Counter(old).items() if item in counts}
        )
        total = sum(pairs.values())
        everywhere = set()
        for item, count in pairs.most_common():
            if total <= _PAIRS:
                break
            everywhere.add(item)
            total -= count
        self._pairs_each = 1 + total / (len(old) or 1)
        self._length = len(old)
        super().__init__(everywhere.__contains__ if everywhere else None, old, new, autojunk=False)

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        """Find it as ever, until no step is left."""
        if self._notes.steps <= 0:
            self._notes.stop(
                "there are too many changes after this to align them: they are shown as one change"
            )
            return Match(alo, blo, 0)
        self._notes.steps -= int(((self._length if ahi is None else ahi) - alo) * self._pairs_each)
        return super().find_longest_match(alo, ahi, blo, bhi)
