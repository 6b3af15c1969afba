"""What in the bytes of two files that differ shows why they do."""

from __future__ import annotations

import re
from typing import Literal

Cause = Literal["figure", "gzip", "zip", "time"]

_FIGURES = (".svg", ".pdf", ".eps", ".ps")
_SVG_IN_NOTEBOOK = b'"image/svg+xml"'
_GZIP, _GZIP_TIME = b"\x1f\x8b", range(4, 8)
_ZIP, _ZIP_TIME = b"PK\x03\x04", range(10, 14)
_MOMENT = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    rb"|\d\d:\d\d:\d\d(?:[.,]\d+)?|(?<![\d.])1[6-9]\d{8}(?:\.\d+)?(?![\d.])"
    rb"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}"
)


def of_file(path: str, first: bytes, second: bytes, at: int) -> Cause | None:
    """Return why the beginnings of two files may differ, which they do from byte ``at`` on; None where nothing shows it."""
    if path.lower().endswith(_FIGURES):
        return "figure"
    if first.startswith(_GZIP) and second.startswith(_GZIP) and at in _GZIP_TIME:
        return "gzip"
    if first.startswith(_ZIP) and second.startswith(_ZIP) and at in _ZIP_TIME:
        return "zip"
    return "time" if _only_moments(first, second) else None


def of_notebook(first: bytes, second: bytes) -> Cause | None:
    """Return why two notebooks may differ; None where nothing shows it."""
    return "figure" if _SVG_IN_NOTEBOOK in first + second else None


def _only_moments(first: bytes, second: bytes) -> bool:
    """Return whether two texts are the same but for dates, times of the day and seconds since 1970."""
    return b"\0" not in first + second and _MOMENT.sub(b"", first) == _MOMENT.sub(b"", second)
