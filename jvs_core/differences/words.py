"""A difference in a few words, for a list."""

from __future__ import annotations

from collections.abc import Iterator

from jvs_core.differences.model import (
    ArchiveDetail,
    Difference,
    ImageDetail,
    LinkDetail,
    ModelDetail,
    NotebookDetail,
    TableDetail,
    TextDetail,
)
from jvs_core.wording import counted

_MINUS = "−"


def words_of(found: Difference) -> str:
    """Return what changed in a few words, ``""`` where only the path is to be named."""
    parts = [*_detail_words(found), *_mode_words(found)]
    return ", ".join(part for part in parts if part)


def _detail_words(found: Difference) -> Iterator[str]:
    detail = found.detail
    is_new = found.change in ("added", "removed")
    if isinstance(detail, NotebookDetail):
        yield _cells(detail) if not is_new else counted(detail.new_cells or detail.old_cells, "cell")
    elif isinstance(detail, TextDetail):
        yield (
            _signed(detail.added, detail.removed, "line")
            if not is_new
            else counted(detail.added or detail.removed, "line")
        )
        if len(detail.no_newline) == 1 and not (is_new or detail.added or detail.removed):
            yield "newline at the end"
        if detail.line_ends is not None:
            yield f"line ends {detail.line_ends[0]} → {detail.line_ends[1]}"
    elif isinstance(detail, TableDetail):
        yield from _table(detail) if not is_new else _shape(detail)
    elif isinstance(detail, ImageDetail):
        yield _image(detail)
    elif isinstance(detail, ModelDetail):
        yield _model(detail) if not is_new else ""
    elif isinstance(detail, ArchiveDetail):
        yield _archive(detail) if not is_new else counted(detail.new_members or detail.old_members, "member")
    elif isinstance(detail, LinkDetail) and not is_new:
        yield "leads elsewhere"


def _mode_words(found: Difference) -> Iterator[str]:
    old, new = found.old, found.new
    if old is None or new is None:
        return
    if old.type != new.type:
        yield f"{old.type} → {new.type}"
    elif old.mode != new.mode and old.mode and new.mode:
        yield f"mode {old.mode} → {new.mode}"


def _cells(detail: NotebookDetail) -> str:
    counts = detail.counts
    cells = sum(
        bool(
            each.hunks
            or each.metadata
            or each.attachments
            or each.moved
            or each.old_cell_type
            or each.change in ("added", "removed")
        )
        for each in detail.cells
    )
    if cells:
        return counted(cells, "cell")
    if counts.outputs:
        return f"outputs of {counted(counts.outputs, 'cell')}"
    if detail.formats[0] != detail.formats[1]:
        return f"format {detail.formats[0]} → {detail.formats[1]}"
    return "metadata" if detail.metadata else "nothing but counts and ids"


def _signed(added: int, removed: int, what: str) -> str:
    """Return ``+3 −1 lines``; with one of both, ``−48 rows``."""
    if not added and not removed:
        return ""
    parts = [f"+{added:,}"] * bool(added) + [f"{_MINUS}{removed:,}"] * bool(removed)
    plural = "" if added + removed == 1 else "s"
    return f"{' '.join(parts)} {what}{plural}"


def _table(detail: TableDetail) -> Iterator[str]:
    if detail.reordered:
        yield "rows in another order"
    else:
        yield _signed(detail.rows_added, detail.rows_removed, "row")
        if detail.rows_changed:
            yield (
                f"{counted(detail.rows_changed, 'row')} changed"
                if detail.rows_added or detail.rows_removed
                else counted(detail.rows_changed, "row")
            )
    new = sum(column.change == "added" for column in detail.columns)
    gone = sum(column.change == "removed" for column in detail.columns)
    yield _signed(new, gone, "column")
    types = sum(column.change == "type" for column in detail.columns)
    if types:
        yield f"type of {counted(types, 'column')}"
    if detail.exact and not (new or gone or types or detail.rows):
        yield "same values"


def _shape(detail: TableDetail) -> Iterator[str]:
    shape = detail.new_shape or detail.old_shape
    if shape is not None:
        yield f"{counted(shape[0], 'row')} × {counted(shape[1], 'column')}"


def _image(detail: ImageDetail) -> str:
    old, new = detail.old, detail.new
    if old is None or new is None:
        only = old or new
        return "" if only is None else f"{only.width}×{only.height}"
    if (old.width, old.height) != (new.width, new.height):
        return f"{old.width}×{old.height} → {new.width}×{new.height}"
    if detail.pixels == "same":
        return "same pixels"
    return "" if detail.share is None else f"{_percent(detail.share)} of the pixels"


def _percent(share: float) -> str:
    percent = share * 100
    return f"{percent:.0f} %" if percent >= 1 else "under 1 %"


def _model(detail: ModelDetail) -> str:
    if detail.tensors:
        return counted(len(detail.tensors), "array")
    if detail.facts:
        fact = detail.facts[0]
        if fact.old is not None and fact.new is not None and len(fact.old) + len(fact.new) < 40:
            return f"{fact.name} {fact.old} → {fact.new}"
    return ""


def _archive(detail: ArchiveDetail) -> str:
    added = sum(member.change == "added" for member in detail.members)
    removed = sum(member.change == "removed" for member in detail.members)
    changed = len(detail.members) - added - removed
    parts = [_signed(added, removed, "member"), f"{counted(changed, 'member')} changed" if changed else ""]
    return ", ".join(part for part in parts if part)
