"""A table, by columns and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from jvs_core.differences.alignment import Block, aligned
from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.model import ColumnChange, RowChange, TableDetail
from jvs_core.differences.readers.table import csv_file, parquet_file
from jvs_core.differences.readers.table.source import Row, Source, TooManyRows
from jvs_core.differences.version import Version
from jvs_core.wording import counted

Format = Literal["csv", "tsv", "parquet"]


def read(old: Version | None, new: Version | None, form: Format, notes: Notes) -> TableDetail:
    """Return how a table changed. Raises Unreadable for what is none."""
    if form == "parquet" and not parquet_file.is_possible():
        notes.more = parquet_file.MORE
        raise Unreadable("to read Parquet, install the extra tables")
    before, after = (None if side is None else _opened(side, form, notes) for side in (old, new))
    return _Comparison(form, before, after, notes).detail()


def _opened(side: Version, form: Format, notes: Notes) -> Source:
    return parquet_file.opened(side, notes) if form == "parquet" else csv_file.opened(side, form, notes)


@dataclass
class _Found:
    """What the rows showed so far: those to show, and the counts."""

    rows: list[RowChange] = field(default_factory=list)
    added: int = 0
    removed: int = 0
    changed: int = 0
    exact: bool = True

    def note(self, change: RowChange) -> None:
        self.rows.append(change)
        if change.change == "added":
            self.added += 1
        elif change.change == "removed":
            self.removed += 1
        else:
            self.changed += 1


class _Comparison:
    """Two tables, of which one may be missing."""

    def __init__(self, form: Format, old: Source | None, new: Source | None, notes: Notes) -> None:
        self._form = form
        self._old, self._new = old, new
        self._notes = notes
        olds, news = old.columns if old else [], new.columns if new else []
        self._common = [name for name in news if name in set(olds)]
        self._names = _merged(olds, news)[: notes.bounds.columns_shown]

    def detail(self) -> TableDetail:
        """Return the difference."""
        old, new, notes = self._old, self._new, self._notes
        marks: list[list[int]] | None = None
        found = _Found()
        reordered = False
        try:
            marks = [self._marks(side) for side in (old, new)]
            if old is not None and new is not None and self._common:
                blocks = aligned(marks[0], marks[1], notes)
                found = self._rows(blocks)
                reordered = bool(found.rows) and Counter(marks[0]) == Counter(marks[1])
            else:
                found = self._one_sided(*map(len, marks))
        except TooManyRows:
            notes.stop(
                f"rows are compared only in tables of up to {notes.bounds.table_rows:,} rows and {notes.bounds.table_values:,} values"
            )
            found.exact = False
        shapes = [
            None if side is None else self._shape(side, None if marks is None else len(marks[at]))
            for at, side in enumerate((old, new))
        ]
        return TableDetail(
            format=self._form,
            old_shape=shapes[0],
            new_shape=shapes[1],
            columns=self._columns(),
            rows=found.rows,
            rows_added=found.added,
            rows_removed=found.removed,
            rows_changed=found.changed,
            exact=found.exact,
            reordered=reordered,
        )

    def _shape(self, side: Source, counted: int | None) -> tuple[int, int] | None:
        rows = side.count if counted is None else counted
        return None if rows is None else (rows, len(side.columns))

    def _columns(self) -> list[ColumnChange]:
        types = [
            dict(zip(side.columns, side.types, strict=True)) if side else {}
            for side in (self._old, self._new)
        ]
        total = len({*types[0], *types[1]})
        if total > len(self._names):
            self._notes.stop(f"only the first {len(self._names):,} of {counted(total, 'column')} are shown")
        return [_column(name, *types) for name in self._names]

    def _marks(self, side: Source | None) -> list[int]:
        """Return a number for each row, the same for rows that are the same in the columns of both tables."""
        if side is None:
            return []
        places = [side.columns.index(name) for name in self._common] or range(len(side.columns))
        marks: list[int] = []
        values = 0
        for row in side.rows():
            values += len(row)
            if len(marks) >= self._notes.bounds.table_rows or values > 8 * self._notes.bounds.table_values:
                raise TooManyRows
            size = len(row)
            marks.append(
                hash((*(row[at] if at < size else None for at in places), *row[len(side.columns) :]))
            )
        return marks

    def _one_sided(self, olds: int, news: int) -> _Found:
        """Return all rows of the one table that there is, or of both where they have no column in common."""
        blocks = [Block("change", 0, olds, 0, news)]
        return self._rows(blocks, pair=False)

    def _rows(self, blocks: Sequence[Block], *, pair: bool = True) -> _Found:
        """Return the rows that differ; beyond those that are shown, the counts of those that stand side by side."""
        changes = [block for block in blocks if block.op == "change"]
        shown, rest = _split(changes, self._notes.bounds.rows_shown)
        olds = _fetched(self._old, {at for block in shown for at in range(block.old_start, block.old_end)})
        news = _fetched(self._new, {at for block in shown for at in range(block.new_start, block.new_end)})
        found = _Found()
        for block in shown:
            for at_old, at_new in self._paired(block, olds, news) if pair else _apart(block):
                found.note(self._row(at_old, at_new, olds, news))
        if rest:
            self._notes.stop(f"only the first {self._notes.bounds.rows_shown:,} rows that differ are shown")
        for block in rest:
            lengths = block.old_end - block.old_start, block.new_end - block.new_start
            both = min(lengths) if pair else 0
            found.exact = found.exact and not both
            found.changed += both
            found.removed += lengths[0] - both
            found.added += lengths[1] - both
        return found

    def _paired(
        self, block: Block, olds: Mapping[int, Row], news: Mapping[int, Row]
    ) -> Iterator[tuple[int | None, int | None]]:
        """Yield which row became which: side by side where there are as many, else those with the same first value."""
        old_rows, new_rows = range(block.old_start, block.old_end), range(block.new_start, block.new_end)
        if len(old_rows) == len(new_rows):
            for one, other in zip(old_rows, new_rows, strict=True):
                if self._alike(olds[one], news[other]):
                    yield one, other
                else:
                    yield one, None
                    yield None, other
            return
        waiting: dict[str | None, list[int]] = {}
        for one in old_rows:
            waiting.setdefault(self._first(self._old, olds[one]), []).append(one)
        for other in new_rows:
            same = waiting.get(self._first(self._new, news[other]))
            yield (same.pop(0) if same else None), other
        yield from ((one, None) for one in sorted(one for rows in waiting.values() for one in rows))

    def _first(self, side: Source | None, row: Row) -> str | None:
        return None if side is None else _value(row, side.columns.index(self._common[0]))

    def _alike(self, old: Row, new: Row) -> bool:
        assert self._old is not None
        assert self._new is not None
        if len(self._common) == 1:
            return True
        return any(
            _value(old, self._old.columns.index(name)) == _value(new, self._new.columns.index(name))
            for name in self._common
        )

    def _row(
        self, at_old: int | None, at_new: int | None, olds: Mapping[int, Row], news: Mapping[int, Row]
    ) -> RowChange:
        one = None if at_old is None else self._values(self._old, olds[at_old])
        other = None if at_new is None else self._values(self._new, news[at_new])
        differing: list[int] = []
        if one is not None and other is not None:
            common = set(self._common)
            pairs = enumerate(zip(self._names, one, other, strict=True))
            differing = [at for at, (name, was, now) in pairs if name in common and was != now]
        longest = self._notes.bounds.cell
        return RowChange(
            change="added" if one is None else "removed" if other is None else "changed",
            old_row=at_old,
            new_row=at_new,
            old=_cut(one, longest),
            new=_cut(other, longest),
            differing=differing,
        )

    def _values(self, side: Source | None, row: Row) -> list[str | None]:
        assert side is not None
        places = {name: at for at, name in enumerate(side.columns)}
        return [_value(row, places[name]) if name in places else None for name in self._names]


def _column(name: str, old: Mapping[str, str | None], new: Mapping[str, str | None]) -> ColumnChange:
    change: Literal["same", "added", "removed", "type"]
    if name not in old:
        change = "added"
    elif name not in new:
        change = "removed"
    else:
        change = "same" if old[name] == new[name] else "type"
    return ColumnChange(name=name, change=change, old_type=old.get(name), new_type=new.get(name))


def _merged(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the names of both tables: those of the new one in order, removed ones after what they stood behind."""
    found = list(new)
    known = set(new)
    for at, name in enumerate(old):
        if name not in known:
            before = old[at - 1] if at else None
            place = found.index(before) + 1 if before is not None else 0
            found.insert(place, name)
            known.add(name)
    return found


def _split(changes: Sequence[Block], most: int) -> tuple[list[Block], list[Block]]:
    """Return the blocks, or parts of them, with the first ``most`` rows, and the others."""
    shown, rest = [], []
    left = most
    for block in changes:
        olds, news = min(block.old_end - block.old_start, left), min(block.new_end - block.new_start, left)
        first = Block(
            "change", block.old_start, block.old_start + olds, block.new_start, block.new_start + news
        )
        other = Block("change", first.old_end, block.old_end, first.new_end, block.new_end)
        left -= max(olds, news)
        if olds or news:
            shown.append(first)
        if other.old_end > other.old_start or other.new_end > other.new_start:
            rest.append(other)
    return shown, rest


def _fetched(side: Source | None, wanted: set[int]) -> dict[int, Row]:
    if side is None or not wanted:
        return {}
    last = max(wanted)
    found: dict[int, Row] = dict.fromkeys(wanted, ())  # in a worktree it may be shorter by now
    for at, row in enumerate(side.rows()):
        if at in wanted:
            found[at] = row
        if at >= last:
            break
    return found


def _apart(block: Block) -> Iterator[tuple[int | None, int | None]]:
    yield from ((at, None) for at in range(block.old_start, block.old_end))
    yield from ((None, at) for at in range(block.new_start, block.new_end))


def _value(row: Row, at: int) -> str | None:
    return row[at] if at < len(row) else None


def _cut(row: Iterable[str | None] | None, longest: int) -> list[str | None] | None:
    return None if row is None else [None if value is None else value[:longest] for value in row]
