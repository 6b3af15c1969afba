"""Parquet as a table, decoded in a process of its own, with limits of memory and time that pyarrow has not."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.model import More
from jvs_core.differences.readers.table.csv_file import unique
from jvs_core.differences.readers.table.source import Row, Source, TooManyRows
from jvs_core.differences.version import Version

MORE = More(extra="tables", words="columns and rows of Parquet files")
_READER = Path(__file__).with_name("parquet_process.py")
_WAIT_S = 60.0
_PIECE = 1 << 20


def is_possible() -> bool:
    """Return whether the library is installed."""
    return find_spec("pyarrow") is not None


def opened(side: Version, notes: Notes) -> Source:
    """Return the table in a file. Raises Unreadable for what is none, or longer than its bound."""
    data = side.read(notes.bounds.table)
    head = _asked(data, "schema", "0")
    try:
        found = json.loads(head.readline())
        columns = [(str(name), str(kind)) for name, kind in found["columns"]]
        count = int(found["rows"])
    except (ValueError, KeyError, TypeError):
        raise Unreadable("it is not a Parquet file") from None
    finally:
        head.close()

    def rows() -> Iterator[Row]:
        if count * len(columns) > notes.bounds.table_values:
            raise TooManyRows
        with _asked(data, "rows", str(notes.bounds.cell)) as lines:
            for line in lines:
                yield json.loads(line)

    return Source(
        "parquet", unique([name for name, _ in columns]), [kind for _, kind in columns], rows, count
    )


def _asked(data: bytes, what: str, cell: str) -> BinaryIO:
    """Return what the process printed, open from its beginning. Raises Unreadable where it failed or was stopped."""
    output: Any = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_READER), what, cell],
            input=data,
            stdout=output,
            stderr=subprocess.DEVNULL,
            timeout=_WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        output.close()
        raise Unreadable("reading it takes too long") from None
    except BaseException:
        output.close()
        raise
    if done.returncode != 0:
        output.close()
        raise Unreadable(
            "it cannot be read as Parquet, or only with more memory or time than the limits allow"
        )
    output.seek(0)
    found: BinaryIO = output
    return found
