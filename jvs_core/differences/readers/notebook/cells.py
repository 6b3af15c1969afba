"""A notebook, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jvs_core.differences import lines
from jvs_core.differences.bounds import WHOLE_SOURCE, Notes
from jvs_core.differences.model import CellChange, FieldChange, NotebookCounts, NotebookDetail
from jvs_core.differences.readers.notebook import outputs
from jvs_core.differences.readers.notebook.document import Cell, Notebook, parsed
from jvs_core.differences.readers.notebook.pairing import Pairs, moved, paired
from jvs_core.differences.version import Version

_LONGEST_FIELD = 500
# ``language_info`` is what a kernel says of itself whenever the notebook is opened; another kernel is in ``kernelspec``.
_NOISE = frozenset(("widgets", "signature", "trusted", "papermill", "jvs", "language_info"))
_CELL_NOISE = frozenset(
    ("ExecuteTime", "execution", "papermill", "jvs", "trusted", "scrolled", "collapsed", "outputId")
)
_NOTHING = Notebook("", {}, [])
_NONE = Cell(-1, "", "", None, {}, [], {}, None)


def read(
    old: Version | None, new: Version | None, notes: Notes, *, everything: bool = False
) -> NotebookDetail:
    """Return how a notebook changed; with ``everything`` also execution counts, widget state and the like.

    Raises Unreadable for what is no notebook, or beyond a bound.
    """
    before, after = (_NOTHING if version is None else parsed(version, notes) for version in (old, new))
    pairs = paired(before.cells, after.cells, notes)
    elsewhere = moved(pairs)
    changes = [
        _cell(one, other, other.index in elsewhere, notes, everything)
        for one, other in _in_order(before, after, pairs, elsewhere)
    ]
    return NotebookDetail(
        formats=(before.format or None, after.format or None),
        language=after.language or before.language,
        old_cells=len(before.cells),
        new_cells=len(after.cells),
        counts=_counts(changes),
        cells=list(_folded(changes)),
        metadata=fields(before.metadata, after.metadata, frozenset() if everything else _NOISE),
    )


def _in_order(
    before: Notebook, after: Notebook, pairs: Pairs, elsewhere: set[int]
) -> Iterator[tuple[Cell, Cell]]:
    """Yield pairs of old and new cell in the new order; removed ones where they were, before what came in their place."""
    taken = set(pairs.values())
    at = 0
    stays = [
        pairs[cell.index] if cell.index in pairs and cell.index not in elsewhere else None
        for cell in after.cells
    ]
    upcoming = len(before.cells)
    until = []
    for partner in reversed(stays):
        upcoming = upcoming if partner is None else partner
        until.append(upcoming)
    for cell, end in zip(after.cells, reversed(until), strict=True):
        yield from ((gone, _NONE) for gone in before.cells[at:end] if gone.index not in taken)
        at = end
        partner = pairs.get(cell.index)
        yield (_NONE if partner is None else before.cells[partner]), cell
    yield from ((gone, _NONE) for gone in before.cells[at:] if gone.index not in taken)


def _cell(old: Cell, new: Cell, has_moved: bool, notes: Notes, everything: bool) -> CellChange:
    """Return what became of one cell; ``_NONE`` stands for one that is missing."""
    is_both = old is not _NONE and new is not _NONE
    shown = old if new is _NONE else new
    results = outputs.between(
        outputs.normal(old.outputs, everything), outputs.normal(new.outputs, everything), notes, everything
    )
    noise = frozenset[str]() if everything else _CELL_NOISE
    metadata = fields(old.metadata, new.metadata, noise) if is_both else []
    attached = outputs.attachments(old.attachments, new.attachments, notes)
    counts = (old.execution, new.execution) if is_both and everything else None
    if counts is not None and counts[0] == counts[1]:
        counts = None
    is_edited = not is_both or (old.type, old.source) != (new.type, new.source)
    change = CellChange(
        change="changed" if is_both else "added" if old is _NONE else "removed",
        moved=has_moved,
        old_index=None if old is _NONE else old.index,
        new_index=None if new is _NONE else new.index,
        cell_type=shown.type,
        cell_id=shown.id,
        outputs=results,
        metadata=metadata,
        attachments=attached,
        execution=counts,
    )
    if is_edited:
        return change.model_copy(update=_source(old, new, notes))
    if results or metadata or attached or counts:
        return change.model_copy(update={"old_source": _whole(old), "new_source": _whole(new)})
    return change.model_copy(update={"change": "same"})


def _source(old: Cell, new: Cell, notes: Notes) -> dict[str, Any]:
    one, other = lines.text_of(old.source).lines, lines.text_of(new.source).lines
    return {
        "old_cell_type": old.type if old.type != new.type and _NONE not in (old, new) else None,
        "old_source": _whole(old),
        "new_source": _whole(new),
        "hunks": lines.between(one, other, notes, most=notes.bounds.lines_shown).hunks,
    }


def _whole(cell: Cell) -> str | None:
    return cell.source if cell is not _NONE and len(cell.source) <= WHOLE_SOURCE else None


def _counts(changes: list[CellChange]) -> NotebookCounts:
    return NotebookCounts(
        added=sum(each.change == "added" for each in changes),
        removed=sum(each.change == "removed" for each in changes),
        edited=sum(
            each.change == "changed"
            and bool(each.hunks or each.metadata or each.attachments or each.old_cell_type)
            for each in changes
        ),
        moved=sum(each.moved for each in changes),
        outputs=sum(each.change == "changed" and bool(each.outputs) for each in changes),
    )


def _folded(changes: list[CellChange]) -> Iterator[CellChange]:
    """Yield the cells with those that did not change, side by side and in place, in one."""
    run: CellChange | None = None
    for each in changes:
        if each.change == "same" and not each.moved:
            run = (
                each.model_copy(update={"cell_type": "", "cell_id": None})
                if run is None
                else run.model_copy(update={"count": run.count + 1})
            )
            continue
        if run is not None:
            yield run
            run = None
        yield each
    if run is not None:
        yield run


def fields(old: Mapping[str, Any], new: Mapping[str, Any], noise: frozenset[str]) -> list[FieldChange]:
    """Return the fields of metadata that changed, with those of objects in them by their paths, but for ``noise``."""
    return list(_fields(old, new, noise, "", 0))


def _fields(
    old: Mapping[str, Any], new: Mapping[str, Any], noise: frozenset[str], above: str, depth: int
) -> Iterator[FieldChange]:
    for name in sorted({*old, *new} - noise):
        one, other = old.get(name), new.get(name)
        if one == other and (name in old) == (name in new):
            continue
        if isinstance(one, dict) and isinstance(other, dict) and depth < 3:
            yield from _fields(one, other, frozenset(), f"{above}{name}.", depth + 1)
        else:
            yield FieldChange(
                name=f"{above}{name}",
                old=_json(one) if name in old else None,
                new=_json(other) if name in new else None,
            )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:_LONGEST_FIELD]
