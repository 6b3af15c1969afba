"""Which cell became which: by source, by id, then by likeness."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from jvs_core.differences.alignment import aligned
from jvs_core.differences.bounds import Notes
from jvs_core.differences.readers.notebook.document import Cell

_WORD = re.compile(r"\w+|[^\w\s]")
_LOOKED_AT = 4_000
_LARGEST_GAP = 2_500
_LIKE, _ALONE, _SAME_ID = 0.45, 0.3, 0.25
_OTHER_TYPE = 0.9

Pairs = dict[int, int]


def paired(old: Sequence[Cell], new: Sequence[Cell], notes: Notes) -> Pairs:
    """Return the index of the old cell for each new cell that has one.

    First come cells with the same source in the same order, then the same source elsewhere (they moved), then the same
    id where the sources are somewhat alike, then, between those, the likest in order. The ids of some programs count
    cells, so they prove nothing by themselves.
    """
    found: Pairs = {}
    one, other = ([(cell.type, cell.source) for cell in cells] for cells in (old, new))
    for block in aligned(one, other, notes):
        if block.op == "equal":
            found.update(
                zip(range(block.new_start, block.new_end), range(block.old_start, block.old_end), strict=True)
            )
    _moved(old, new, found)
    _by_id(old, new, found)
    for olds, news in _gaps(len(old), len(new), found):
        _alike(old, new, olds, news, found)
    return found


def moved(pairs: Pairs) -> set[int]:
    """Return the new indices of the cells that moved: those outside the longest run of pairs that kept their order."""
    order = sorted(pairs)
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for place, new in enumerate(order):
        old = pairs[new]
        length = bisect_left(tails, old)
        before.append(at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(old)
            at.append(place)
        else:
            tails[length] = old
            at[length] = place
    stayed = set()
    place = at[-1] if at else -1
    while place >= 0:
        stayed.add(order[place])
        place = before[place]
    return set(order) - stayed


def likeness(one: Cell, other: Cell) -> float:
    """Return how much of the words of two cells is the same, from 0 to 1."""
    counts = [Counter(_WORD.findall(cell.source[:_LOOKED_AT])) for cell in (one, other)]
    total = counts[0].total() + counts[1].total()
    if not total:
        return 1.0 if one.type == other.type else 0.0
    return 2 * (counts[0] & counts[1]).total() / total * (1 if one.type == other.type else _OTHER_TYPE)


def _left(cells: Sequence[Cell], taken: set[int]) -> Iterator[tuple[int, Cell]]:
    return ((at, cell) for at, cell in enumerate(cells) if at not in taken)


def _moved(old: Sequence[Cell], new: Sequence[Cell], found: Pairs) -> None:
    """Pair what has the same source elsewhere: those of the same id first, then in order."""
    there: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, cell in _left(old, set(found.values())):
        if cell.source.strip():
            there[cell.type, cell.source].append(at)
    waiting = []
    for at, cell in _left(new, set(found)):
        places = there.get((cell.type, cell.source), [])
        same = next((place for place in places if cell.id is not None and old[place].id == cell.id), None)
        if same is None:
            waiting.append((at, cell))
        else:
            places.remove(same)
            found[at] = same
    for at, cell in waiting:
        free = there.get((cell.type, cell.source))
        if free:
            found[at] = free.pop(0)


def _by_id(old: Sequence[Cell], new: Sequence[Cell], found: Pairs) -> None:
    counts = [Counter(cell.id for cell in cells) for cells in (old, new)]
    there = {cell.id: at for at, cell in _left(old, set(found.values())) if cell.id is not None}
    for at, cell in list(_left(new, set(found))):
        place = None if cell.id is None else there.get(cell.id)
        if place is None or any(count[cell.id] > 1 for count in counts):
            continue
        if likeness(old[place], cell) >= _SAME_ID:
            found[at] = place


def _gaps(olds: int, news: int, found: Pairs) -> list[tuple[list[int], list[int]]]:
    """Return the cells without a partner, between those that have one and kept their order."""
    elsewhere = moved(found)
    kept = sorted((new, old) for new, old in found.items() if new not in elsewhere)
    taken = set(found.values())
    gaps = []
    last_new = last_old = -1
    for new, old in (*kept, (news, olds)):
        left = (
            [at for at in range(last_old + 1, old) if at not in taken],
            [at for at in range(last_new + 1, new) if at not in found],
        )
        if all(left):
            gaps.append(left)
        last_new, last_old = new, old
    return gaps


def _alike(old: Sequence[Cell], new: Sequence[Cell], olds: list[int], news: list[int], found: Pairs) -> None:
    """Pair the cells of one gap, in order, so that the sum of their likeness is greatest."""
    if len(olds) == len(news) == 1:
        if likeness(old[olds[0]], new[news[0]]) >= _ALONE:
            found[news[0]] = olds[0]
        return
    if len(olds) * len(news) > _LARGEST_GAP:
        return
    alike = [[likeness(old[i], new[j]) for j in news] for i in olds]
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i in reversed(range(len(olds))):
        for j in reversed(range(len(news))):
            pair = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= _LIKE else 0.0
            best[i][j] = max(pair, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(olds) and j < len(news):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            found[news[j]] = olds[i]
            i, j = i + 1, j + 1
