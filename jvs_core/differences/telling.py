"""A difference in lines, as a terminal and static HTML show it: like a unified diff, with cells, rows and arrays in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from jvs_core.differences.model import (
    ArchiveDetail,
    CellChange,
    Difference,
    FieldChange,
    Hunk,
    ImageDetail,
    LinkDetail,
    MimeChange,
    ModelDetail,
    NotebookDetail,
    RowChange,
    TableDetail,
    TensorFacts,
    TextDetail,
)
from jvs_core.wording import counted

Style = Literal["head", "part", "at", "new", "gone", "plain", "note"]
SIGNS = {"added": "+", "modified": "~", "removed": "-", "renamed": ">"}
_STEPS = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


class Told(NamedTuple):
    """One line. ``head`` names the path, ``part`` a cell or the like, ``at`` a place; the text is not escaped."""

    style: Style
    text: str
    indent: int = 0


def told(found: Difference, *, without_rows: bool = False) -> Iterator[Told]:
    """Yield the lines of one difference; ``without_rows`` leaves those of a table out."""
    path = f"{found.old_path} → {found.path}" if found.old_path else found.path
    words = f"  {found.words}" if found.words else ""
    yield Told("head", f"{SIGNS[found.change]} {path}{words}{'  (cache)' if found.cache else ''}")
    detail = found.detail
    if isinstance(detail, TextDetail):
        yield from _text(found, detail)
    elif isinstance(detail, NotebookDetail):
        yield from _notebook(detail)
    elif isinstance(detail, TableDetail):
        yield from _table(detail, [] if without_rows else detail.rows)
    elif isinstance(detail, ImageDetail):
        yield Told("plain", image(detail), 1)
    elif isinstance(detail, ModelDetail):
        yield from _model(detail)
    elif isinstance(detail, ArchiveDetail):
        yield from _archive(detail)
    elif isinstance(detail, LinkDetail):
        yield from _pair(detail.old_target, detail.new_target)
    if not isinstance(detail, TextDetail | NotebookDetail | LinkDetail) and "file" in _types(found):
        yield Told("plain", sizes(found), 1)
    for sentence in found.stopped:
        yield Told("note", sentence, 1)
    if found.more is not None:
        yield Told("note", f"the extra {found.more.extra} also shows {found.more.words}", 1)


def _types(found: Difference) -> set[str]:
    return {side.type for side in (found.old, found.new) if side is not None}


def sizes(found: Difference) -> str:
    """Return the sizes of both sides in words, and the digests where the sizes say nothing."""
    old, new = found.old, found.new
    if old is None or new is None:
        only = old or new
        return "" if only is None else size(only.size)
    if old.sha256 == new.sha256:
        return size(new.size)
    if size(old.size) != size(new.size):
        return f"{size(old.size)} → {size(new.size)}"
    digests = " → ".join(side.sha256[:12] if side.sha256 else "?" for side in (old, new))
    return f"{size(new.size)}, SHA-256 {digests}"


def size(count: int) -> str:
    """Return a number of bytes in words, in steps of 1000."""
    for step, unit in _STEPS:
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def image(detail: ImageDetail) -> str:
    """Return an image's difference in words."""
    old, new = detail.old, detail.new
    shown = [f"{each.format} {each.width}×{each.height}" for each in (old, new) if each is not None]
    if old is None or new is None:
        return shown[0] if shown else "an image"
    what = shown[0] if shown[0] == shown[1] else " → ".join(shown)
    if detail.pixels == "same":
        return f"{what}, same pixels"
    if detail.pixels == "unknown":
        return f"{what}, pixels not compared"
    if detail.share is None or detail.box is None:
        return f"{what}, other pixels"
    left, top, right, bottom = detail.box
    return f"{what}, {detail.share:.2%} of the pixels differ, from {left},{top} to {right},{bottom}"


def _text(found: Difference, detail: TextDetail) -> Iterator[Told]:
    if detail.line_ends is not None:
        yield Told("plain", f"line ends: {detail.line_ends[0]} → {detail.line_ends[1]}", 1)
    if detail.hunks:
        yield Told("gone", f"--- {found.old_path or found.path}" if found.old else "--- /dev/null")
        yield Told("new", f"+++ {found.path}" if found.new else "+++ /dev/null")
    yield from _hunks(detail.hunks, 0)
    for name in detail.no_newline:
        yield Told("plain", f"\\ the {name} one has no newline at its end", 0)


def _hunks(hunks: Sequence[Hunk], indent: int) -> Iterator[Told]:
    styles: dict[str, Style] = {" ": "plain", "-": "gone", "+": "new"}
    for hunk in hunks:
        yield Told(
            "at", f"@@ -{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines} @@", indent
        )
        for line in hunk.lines:
            yield Told(styles[line.op], f"{line.op}{line.text}{' …' if line.cut else ''}", indent)


def _notebook(detail: NotebookDetail) -> Iterator[Told]:
    old, new = detail.formats
    if old is not None and new is not None and old != new:
        yield Told("plain", f"format {old} → {new}", 1)
    yield from _fields(detail.metadata, "notebook metadata", 1)
    for cell in detail.cells:
        yield from _cell(cell)


def _cell(cell: CellChange) -> Iterator[Told]:
    if cell.change == "same" and not cell.moved:
        yield Told("note", f"⋯ {counted(cell.count, 'cell')} unchanged", 1)
        return
    words: list[str] = [] if cell.change == "same" else [cell.change]
    if cell.moved:
        words.append(f"moved from {cell.old_index}")
    if cell.old_cell_type is not None:
        words.append(f"{cell.old_cell_type} → {cell.cell_type}")
    if cell.execution is not None:
        words.append(f"execution count {cell.execution[0]} → {cell.execution[1]}")
    place = cell.old_index if cell.new_index is None else cell.new_index
    yield Told("part", f"cell {place} ({cell.cell_type or 'unknown'}): {', '.join(words)}", 1)
    yield from _hunks(cell.hunks, 2)
    yield from _fields(cell.metadata, "metadata", 2)
    for mime in cell.attachments:
        yield from _mime(f"attachment {mime.mime}", mime)
    for output in cell.outputs:
        at = output.old_index if output.new_index is None else output.new_index
        for mime in output.mimes:
            yield from _mime(f"output {at}, {mime.mime}", mime)
        if not output.mimes:
            yield Told("plain", f"output {at}, {output.type}: {output.change}", 2)


def _mime(name: str, mime: MimeChange) -> Iterator[Told]:
    known = [size(count) for count in (mime.old_size, mime.new_size) if count is not None]
    words = f"{mime.change}, {' → '.join(known)}"
    if mime.image is not None:
        words += f", {image(mime.image)}"
    yield Told("plain", f"{name}: {words}", 2)
    yield from _hunks(mime.hunks or [], 3)


def _fields(fields: Sequence[FieldChange], what: str, indent: int) -> Iterator[Told]:
    for field in fields:
        yield Told("plain", f"{what} {field.name}", indent)
        yield from _pair(field.old, field.new, indent + 1)


def _pair(old: str | None, new: str | None, indent: int = 1) -> Iterator[Told]:
    if old is not None:
        yield Told("gone", f"-{old}", indent)
    if new is not None:
        yield Told("new", f"+{new}", indent)


def _table(detail: TableDetail, rows: Sequence[RowChange]) -> Iterator[Told]:
    shapes = [
        f"{rows:,} rows × {columns:,} columns"
        for rows, columns in filter(None, (detail.old_shape, detail.new_shape))
    ]
    if shapes:
        yield Told("plain", " → ".join(dict.fromkeys(shapes)), 1)
    for column in detail.columns:
        if column.change == "added":
            yield Told("new", f"+ column {column.name}", 1)
        elif column.change == "removed":
            yield Told("gone", f"- column {column.name}", 1)
        elif column.change == "type":
            yield Told("plain", f"~ column {column.name}: {column.old_type} → {column.new_type}", 1)
    names = [column.name for column in detail.columns]
    for row in rows:
        if row.change == "changed":
            assert row.old is not None
            assert row.new is not None
            cells = ", ".join(
                f"{names[at]} {_value(row.old[at])} → {_value(row.new[at])}" for at in row.differing
            )
            moved = "" if row.old_row == row.new_row else f" (was {row.old_row})"
            yield Told("plain", f"~ row {row.new_row}{moved}: {cells}", 1)
        elif row.new is not None:
            yield Told("new", f"+ row {row.new_row}: {', '.join(map(_value, row.new))}", 1)
        elif row.old is not None:
            yield Told("gone", f"- row {row.old_row}: {', '.join(map(_value, row.old))}", 1)


def _value(value: str | None) -> str:
    return "·" if value is None else value


def _model(detail: ModelDetail) -> Iterator[Told]:
    for fact in detail.facts:
        if fact.old is not None and fact.new is not None:
            yield Told("plain", f"~ {fact.name}: {fact.old} → {fact.new}", 1)
        elif fact.new is not None:
            yield Told("new", f"+ {fact.name}: {fact.new}", 1)
        else:
            yield Told("gone", f"- {fact.name}: {fact.old}", 1)
    for tensor in detail.tensors:
        if tensor.change == "added":
            yield Told("new", f"+ {tensor.name}: {_tensor(tensor.new)}", 1)
        elif tensor.change == "removed":
            yield Told("gone", f"- {tensor.name}: {_tensor(tensor.old)}", 1)
        elif tensor.change == "shape":
            yield Told("plain", f"~ {tensor.name}: {_tensor(tensor.old)} → {_tensor(tensor.new)}", 1)
        else:
            yield Told("plain", f"~ {tensor.name}: other values, {_tensor(tensor.new)}", 1)


def _tensor(facts: TensorFacts | None) -> str:
    return "" if facts is None else f"{facts.dtype} [{', '.join(map(str, facts.shape))}]"


def _archive(detail: ArchiveDetail) -> Iterator[Told]:
    for member in detail.members:
        if member.change == "added":
            yield Told("new", f"+ {member.path}  {size(member.new_size or 0)}", 1)
        elif member.change == "removed":
            yield Told("gone", f"- {member.path}  {size(member.old_size or 0)}", 1)
        else:
            yield Told(
                "plain", f"~ {member.path}  {size(member.old_size or 0)} → {size(member.new_size or 0)}", 1
            )
