"""The ``$name`` and ``{expression}`` in a magic's line, and what they stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_NAME = re.compile(r"\$(\$?)([^\W\d]\w*(?:\.[^\W\d]\w*)*)")


class Field(NamedTuple):
    """A part of a line as it stands there, and what is to be evaluated in its place; None where it stands for itself."""

    source: str
    expression: str | None


def fields(line: str, is_quote: Callable[[str, int], bool] | None = None) -> Iterator[str | Field]:
    """Yield the parts of ``line``: texts and fields.

    As in all of IPython's magics, ``$name`` counts outside single quotes, ``{expression}`` everywhere, and ``$$name`` and
    ``{{`` … ``}}`` stand for the signs. ``is_quote`` says of a quote at a place whether it opens something.
    """
    quote, at, begin = "", 0, 0
    while at < len(line):
        letter, after = line[at], at + 1
        part: str | Field | None = None
        name = _NAME.match(line, at) if quote != "'" else None
        if name is not None:
            part, after = (
                ("$" + name[2], name.end()) if name[1] else (Field(name[0], "{" + name[2] + "}"), name.end())
            )
        elif line[at : at + 2] in ("{{", "}}"):
            part, after = letter, at + 2
        elif letter == "{" and (end := _end_of_braces(line, at)) > 0:
            part, after = Field(line[at:end], line[at:end]), end
        elif letter == "\\" and quote != "'":
            after = at + 2
        elif letter == quote:
            quote = ""
        elif not quote and letter in "'\"" and (is_quote is None or is_quote(line, at)):
            quote = letter
        if part is not None:
            yield line[begin:at]
            yield part
            begin = after
        at = after
    yield line[begin:]


def value(field: Field, names: dict[str, Any] | None) -> str:
    """Return what a field stands for, as text; itself where it cannot be evaluated, as anywhere in IPython."""
    if field.expression is None or names is None:
        return field.source
    from IPython.utils.text import FullEvalFormatter

    try:
        return FullEvalFormatter().vformat(field.expression, (), names)
    except Exception:  # noqa: BLE001 - whatever an expression raises
        return field.source


def _end_of_braces(line: str, at: int) -> int:
    """Return the place after the brace that closes the one at ``at``; -1 where none does. Strings within are skipped."""
    depth, quote = 0, ""
    while at < len(line):
        letter = line[at]
        if quote:
            if letter == "\\":
                at += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter in "{}":
            depth += 1 if letter == "{" else -1
            if depth == 0:
                return at + 1
        at += 1
    return -1
