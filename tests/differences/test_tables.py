"""Tables: shape, columns, and the rows that differ."""

from __future__ import annotations

import datetime as dt
import io
import random
from typing import Any

import pytest

from jvs_core.differences.bounds import Bounds
from jvs_core.differences.model import BinaryDetail, TableDetail, TextDetail
from jvs_core.differences.readers.table import parquet_file
from tests.differences.inside import changed, detail

pa = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")


def csv_of(rows: list[list[Any]], *, head: str = "id,price,city", separator: str = ",") -> str:
    """Return rows as CSV."""
    lines = [head.replace(",", separator), *(separator.join(map(str, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def parquet_of(**columns: list[Any]) -> bytes:
    """Return columns as a Parquet file."""
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


ROWS: list[list[Any]] = [[number, number * 2, "x"] for number in range(1000)]


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("a.tab", "\t")]
)
def test_rows_that_are_gone(name: str, separator: str) -> None:
    kept = [row for row in ROWS if not 100 <= row[0] < 148]
    found = changed(name, csv_of(ROWS, separator=separator), csv_of(kept, separator=separator))
    assert (found.kind, found.group, found.words) == ("table", "data", "−48 rows")
    shown = detail(found, TableDetail)
    assert (shown.old_shape, shown.new_shape) == ((1000, 3), (952, 3))
    assert {row.change for row in shown.rows} == {"removed"}
    assert [row.old_row for row in shown.rows] == list(range(100, 148))
    assert shown.rows[0].old == ["100", "200", "x"]
    assert shown.exact


def test_a_changed_value_names_its_column() -> None:
    other = [row if row[0] != 7 else [7, 99, "x"] for row in ROWS]
    (row,) = detail(changed("a.csv", csv_of(ROWS), csv_of(other)), TableDetail).rows
    assert (row.change, row.old_row, row.new_row, row.differing) == ("changed", 7, 7, [1])
    assert (row.old, row.new) == (["7", "14", "x"], ["7", "99", "x"])


def test_a_new_column_makes_no_row_differ() -> None:
    wider = [[row[0], "new", *row[1:]] for row in ROWS]
    found = changed("a.csv", csv_of(ROWS), csv_of(wider, head="id,kind,price,city"))
    shown = detail(found, TableDetail)
    assert shown.rows == []
    assert [(column.name, column.change) for column in shown.columns] == [
        ("id", "same"), ("kind", "added"), ("price", "same"), ("city", "same"),
    ]  # fmt: skip
    assert found.words == "+1 column"
    assert changed("a.csv", csv_of(wider, head="id,kind,price,city"), csv_of(ROWS)).words == "−1 column"


def test_columns_in_another_order_are_the_same_values() -> None:
    turned = [list(reversed(row)) for row in ROWS]
    found = changed("a.csv", csv_of(ROWS), csv_of(turned, head="city,price,id"))
    assert (detail(found, TableDetail).rows, found.words) == ([], "same values")


def test_rows_in_another_order_are_said_to_be() -> None:
    turned = ROWS[:]
    random.Random(1).shuffle(turned)
    found = changed("a.csv", csv_of(ROWS), csv_of(turned))
    assert detail(found, TableDetail).reordered
    assert found.words == "rows in another order"


def test_quotes_and_line_ends_are_no_values() -> None:
    one = 'a,b\n1,"x, y"\n'
    assert changed("a.csv", one, 'a,b\r\n"1","x, y"\r\n').words == "same values"


def test_the_first_thousand_rows_are_shown_and_more_are_counted() -> None:
    other = [[row[0], -1, "y"] for row in ROWS] + [[-1, -1, "new"]] * 2000
    found = changed("a.csv", csv_of(ROWS), csv_of(other))
    shown = detail(found, TableDetail)
    assert len(shown.rows) >= 1000
    assert (shown.rows_added - shown.rows_removed) == 2000
    assert found.stopped == ["only the first 1,000 rows that differ are shown"]
    few = changed("a.csv", csv_of(ROWS), csv_of(other), bounds=Bounds(table_rows=100))
    assert detail(few, TableDetail).rows == []
    assert not detail(few, TableDetail).exact
    assert few.stopped[0].startswith("rows are compared only in tables of up to 100 rows")


def test_a_table_that_is_new() -> None:
    found = changed("a.csv", None, csv_of(ROWS[:5]))
    assert found.words == "5 rows × 3 columns"
    assert [row.change for row in detail(found, TableDetail).rows] == ["added"] * 5


def test_what_is_no_table_is_text() -> None:
    found = changed("a.csv", 'a,b\n1,"' + "x" * 200_000 + '"\n', "a,b\n1,2\n")
    assert isinstance(found.detail, TextDetail)
    assert "not a table" in found.stopped[0]
    assert isinstance(changed("a.csv", b"\0\1", b"\0\2").detail, BinaryDetail)


def test_parquet_by_rows_and_columns() -> None:
    old = parquet_of(a=[1, 2, 3], b=["x", None, "z"])
    found = changed("a.parquet", old, parquet_of(a=[1, 2, 4], b=["x", None, "z"]))
    shown = detail(found, TableDetail)
    assert [(row.old, row.new, row.differing) for row in shown.rows] == [(["3", "z"], ["4", "z"], [0])]
    typed = detail(changed("a.parquet", old, parquet_of(a=[1.0, 2.0, 3.0], c=["x", "y", "z"])), TableDetail)
    assert [(column.name, column.change) for column in typed.columns] == [
        ("a", "type"), ("b", "removed"), ("c", "added"),
    ]  # fmt: skip
    assert (typed.columns[0].old_type, typed.columns[0].new_type) == ("int64", "double")


def test_parquet_of_dates_lists_and_long_texts() -> None:
    day = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - as tables have them
    old = parquet_of(when=[day], many=[[1, 2]], long=["x" * 5000])
    new = parquet_of(when=[day], many=[[1, 3]], long=["x" * 4999 + "y"])
    (row,) = detail(changed("a.parquet", old, new), TableDetail).rows
    assert row.old is not None
    assert row.old[:2] == ["2020-01-01T00:00:00", "[1, 2]"]
    assert row.differing == [1, 2]
    assert max(len(value or "") for value in row.old) <= 200


def test_damaged_parquet_is_size_and_digest() -> None:
    found = changed("a.parquet", b"PAR1" + bytes(1000) + b"PAR1", b"no parquet \0")
    assert isinstance(found.detail, BinaryDetail)
    assert found.stopped == [
        "it cannot be read as Parquet, or only with more memory or time than the limits allow"
    ]


def test_without_the_library_an_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "is_possible", lambda: False)
    found = changed("a.parquet", parquet_of(a=[1]), parquet_of(a=[2]))
    assert isinstance(found.detail, BinaryDetail)
    assert found.more is not None
    assert found.more.extra == "tables"
